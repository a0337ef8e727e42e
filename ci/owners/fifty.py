#!/usr/bin/env python3
"""fifty.py BIN SHARED [OWNERS]: one night of fifty owners on two cores: no word of one owner shows with another, and little memory is enough.

Every owner has a key and a folder of its own, with a small generated day and a planted word in all three kinds of log. Three of the fifty have a
folder that is not there: their failure is told to them alone. Then every owner's files, database and answers are searched for every other's word.
"""
import gzip
import json
import os
import re
import shutil
import sys
import time

import house
import world
from house import YESTERDAY, Robot, register, report_of, serving, wait_for
from world import expect, workplace

OWNERS = int(sys.argv[3]) if len(sys.argv) > 3 else 50
SEEDS = 5
MOST_MB = 400
BROKEN = 3


def word(n):
    return f"zq{n:02d}plantedword"


def plant(bucket, n):
    """Puts the owner's word into the day: a namespace whose image cannot be pulled, an error of its service, and who changed it."""
    hour = YESTERDAY.replace("-", "/") + "/10"
    at = lambda minute, second=0: f"{YESTERDAY}T{10 - 8:02d}:{minute:02d}:{second:02d}Z"
    ms = lambda minute: int(__import__("datetime").datetime.fromisoformat(f"{YESTERDAY}T10:{minute:02d}:00+08:00").timestamp() * 1000)
    name = word(n)
    place = {"kind": "Pod", "namespace": "shop", "name": f"{name}-6f7c9d8b5d-x2k8q", "uid": f"uid-{name}", "apiVersion": "v1"}
    events = [{"__TIMESTAMP__": ms(m), "clusterId": "cls-7a1b2c3d", "event": {
        "metadata": {"name": f"{name}.1", "namespace": "shop", "uid": f"event-{name}"}, "involvedObject": place, "reason": "Failed", "type": "Warning",
        "message": f'Failed to pull image "registry.local/{name}:v1": rpc error: code = NotFound desc = not found', "count": m,
        "firstTimestamp": at(1), "lastTimestamp": at(m), "source": {"component": "kubelet", "host": "10.0.0.1"}}} for m in range(1, 20)]
    business = [{"__TIMESTAMP__": ms(m), "__CONTENT__": f"ERROR {name} cannot reach its database {m}", "__TAG__": {
        "namespace": "shop", "pod_name": place["name"], "container_name": name}} for m in range(1, 40)]
    body = {"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": name, "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"name": name, "image": f"registry.local/{name}:v1"}]}}}}
    audit = [{"__TIMESTAMP__": ms(0), "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse", "auditID": f"audit-{name}",
              "stage": "ResponseComplete", "verb": "create", "requestURI": "/apis/apps/v1/namespaces/shop/deployments", "user": {"username": f"user-{name}"},
              "objectRef": {"resource": "deployments", "namespace": "shop", "name": name, "apiGroup": "apps", "apiVersion": "v1"},
              "responseStatus": {"code": 201}, "requestObject": body, "responseObject": body, "stageTimestamp": at(0), "requestReceivedTimestamp": at(0)}]
    for kind, rows in [("event", events), ("business", business), ("audit", audit)]:
        folder = os.path.join(bucket, kind, hour)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "zz_planted.gz"), "wb") as f:
            f.write(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))


def holding(folder):
    """The planted words in all files below a folder."""
    found = set()
    for where, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                found |= {int(n) for n in re.findall(rb"zq(\d\d)plantedword", f.read())}
    return found


def memory_mb(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


with workplace() as work:
    at = lambda *names: os.path.join(work, *names)
    for seed in range(SEEDS):
        world.generate(at(f"day{seed}"), seed=seed + 1, scale=0.05)
    data = at("data")
    os.makedirs(data)
    rows = []
    for n in range(OWNERS):
        bucket = at(f"bucket{n}")
        rows.append([f"o{n:02d}", f"AKIDfifty{n:02d}", f"fifty{n:02d}", f"file://{bucket}"])
        if n >= BROKEN:
            shutil.copytree(at(f"day{n % SEEDS}", "bucket"), bucket)
            plant(bucket, n)
    register(data, rows)
    tokens = ",".join(f"token-{n:02d};name=t{n:02d};owner=o{n:02d}" for n in range(OWNERS))
    began = time.monotonic()
    with serving(data, GENGFU_RUN_AT="00:00", GENGFU_TOKENS=tokens) as (process, address, logged):
        os.sched_setaffinity(process.pid, sorted(os.sched_getaffinity(0))[:2])
        path = lambda n: os.path.join(data, "analysis_results", f"o{n:02d}", YESTERDAY, "report.json")
        done = lambda: all(os.path.exists(path(n)) and report_of(data, f"o{n:02d}")["stage"] == "complete" for n in range(BROKEN, OWNERS))
        wait_for("fifty nights", done, 600)
        night_s, night_mb = time.monotonic() - began, memory_mb(process)
        for n in range(OWNERS):
            robot = Robot(address, f"token-{n:02d}")
            for tool, arguments in [("summarize_day", {}), ("summarize_day", {"detail": "full"}), ("search_events", {"query": "image"}),
                                    ("search_audit", {}), ("analyze_business", {}), ("task_status", {})]:
                told, aside = robot.call(tool, **arguments)
                words = {int(w) for w in re.findall(r"zq(\d\d)plantedword", told + aside)}
                expect(f"o{n:02d} {tool} tells of {words}", words <= {n})
                expect(f"o{n:02d} {tool} names its owner: {aside}", f"owner=o{n:02d}" in aside)
                if n < BROKEN and tool == "summarize_day":
                    expect(f"o{n:02d} is told why: {told}", f"bucket{n}" in told or "目录不存在" in told)
            if n >= BROKEN:
                told, aside = robot.call("search_audit", object=word(n))
                expect(f"o{n:02d} finds its own word: {told} {aside}", word(n) in told + aside)
        peak_mb = memory_mb(process)
    for n in range(OWNERS):
        for folder in [os.path.join(data, "owners", f"o{n:02d}"), os.path.join(data, "analysis_results", f"o{n:02d}")]:
            found = holding(folder) if os.path.isdir(folder) else set()
            expect(f"{folder} holds words of {found}", found <= {n})
        if n >= BROKEN:
            expect(f"o{n:02d} has its own word", n in holding(os.path.join(data, "owners", f"o{n:02d}")))
    print(f"fifty: {OWNERS} owners in {night_s:.0f} s on two cores, peak memory {night_mb:.0f} MB, {peak_mb:.0f} MB with their questions; "
          f"{BROKEN} failures told to their owners alone")
    expect(f"at most {MOST_MB} MB", peak_mb <= MOST_MB)
