#!/usr/bin/env python3
"""windows.py BIN SHARED: `fetch_logs` for random windows, services and keywords counts what a count over the raw lines counts: of a day that lies in the
bucket, and of today, whose last half hour is asked of CLS. Lines of that half hour open by their evidence with the lines around them. The stand-in of CLS checks every signature with the official SDK's code.

Run it with a Python that has cos-python-sdk-v5 and tencentcloud-sdk-python-common.
"""
import contextlib
import datetime
import glob
import gzip
import json
import os
import random
import re
import subprocess
import time
import urllib.request

import world
from cloud import Account, cloud, milliseconds
from world import BIN, expect, generate, workplace

WINDOWS = 20
ZONE = datetime.timezone(datetime.timedelta(hours=8))
TOKEN = "token-of-the-windows-check"


def lines_of(bucket, kind):
    """Every record of a kind, once, with the name of the object that holds it first."""
    seen, found = set(), []
    for path in sorted(glob.glob(f"{bucket}/{kind}/**/*.gz", recursive=True)):
        with gzip.open(path, "rt", encoding="utf-8") as f:
            for line in f:
                record = json.loads(line)
                identity = {"business": lambda r: json.dumps(r, sort_keys=True), "audit": lambda r: (r["auditID"], r["stage"]),
                            "event": lambda r: (r["event"]["metadata"]["uid"], r["event"]["count"], r["event"]["lastTimestamp"])}[kind](record)
                if identity not in seen:
                    seen.add(identity)
                    found.append((path, record))
    return found


def about(kind, record):
    """Namespace, object and the words of a record."""
    if kind == "business":
        tags = record["__TAG__"]
        words = record.get("__CONTENT__") or json.dumps({k: v for k, v in record.items() if not k.startswith("__")}, ensure_ascii=False)
        return tags["namespace"], tags["pod_name"], words
    if kind == "event":
        event = record["event"]
        o = event["involvedObject"]
        return o.get("namespace", ""), o["name"], f"{event['reason']} {o['kind']} {o.get('namespace', '')}/{o['name']}: {event['message']}"
    o = record.get("objectRef", {})
    return o.get("namespace", ""), o.get("name", ""), ""


def wanted(kind, record, start, end, ask):
    namespace, name, words = about(kind, record)
    if not start <= milliseconds(record["__TIMESTAMP__"]) < end:
        return False
    if "namespace" in ask and namespace.lower() != ask["namespace"]:
        return False
    o = ask.get("object")
    if o and not (o in name.lower() or name and o.startswith(name.lower() + "-")):
        return False
    return ask.get("keyword", "") in words.lower()


def question(rng, kind, records, first_ms, last_ms):
    """A window of some minutes to some hours, and sometimes a service or a keyword that occurs."""
    start = rng.randrange(first_ms, last_ms - 300_000) // 60_000 * 60_000
    end = min(last_ms, start + rng.choice([5, 20, 60, 240]) * 60_000) // 60_000 * 60_000
    ask = {"kind": kind, "limit": 1}
    inside = [r for r in records if start <= milliseconds(r["__TIMESTAMP__"]) < end]
    if inside and rng.random() < 0.6:
        namespace, name, _ = about(kind, rng.choice(inside))
        if name:
            ask["object"] = re.sub(r"-[a-z0-9]{8,10}-[a-z0-9]{5}$", "", name.lower())
        if namespace and rng.random() < 0.5:
            ask["namespace"] = namespace.lower()
    if inside and kind != "audit" and rng.random() < 0.6:
        # A plain word: what looks like a key may be redacted, and what has digits may be a number of a structured line.
        plain = re.findall(r"(?<![\w.=:/-])[A-Za-z]{5,12}(?![\w.=:/-])", about(kind, rng.choice(inside))[2])
        if plain:
            ask["keyword"] = rng.choice(plain).lower()
    return start, end, ask


class Client:
    """As much of MCP over HTTP as one tool needs."""

    def __init__(self, url):
        self.url, self.session, self.n = url, None, 0
        self.send("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "windows", "version": "1"}})

    def send(self, method, params):
        self.n += 1
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        if self.session:
            headers |= {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-06-18"}
        body = json.dumps({"jsonrpc": "2.0", "id": self.n, "method": method, "params": params}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=60) as response:
            self.session = self.session or response.headers.get("Mcp-Session-Id")
            text = response.read().decode()
        data = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return json.loads(data[-1] if data else text)

    def fetch(self, ask):
        """The text of an answer; a busy machine may need longer than a robot waits."""
        for _ in range(60):
            text = self.send("tools/call", {"name": "fetch_logs", "arguments": ask})["result"]["content"][0]["text"]
            if "task_status" not in text:
                return text
        return text


@contextlib.contextmanager
def serve(home, environment):
    os.makedirs(home, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": home, "GENGFU_DATA_DIR": home, "GENGFU_BASELINE_DAYS": "0", "GENGFU_BIND": "127.0.0.1:0",
           "GENGFU_TOKENS": f"{TOKEN};name=desk", "GENGFU_RUN_AT": "23:59", **environment}
    with open(f"{home}/out", "w") as out, open(f"{home}/err", "w") as err:
        server = subprocess.Popen([BIN, "serve"], cwd=home, env=env, stdout=out, stderr=err)
    try:
        until = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < until:
            with open(f"{home}/out") as f:
                found = re.search(r"http://127\.0\.0\.1:\d+/mcp", f.read())
            if found:
                yield Client(found[0])
                return
            time.sleep(0.05)
        with open(f"{home}/err") as f:
            expect(f"the server did not start\n{f.read()}", False)
    finally:
        server.terminate()
        server.wait()


def check(name, client, records, first_ms, last_ms, day, rng):
    clock = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, ZONE).isoformat()
    lines, asked_live = 0, 0
    for n in range(WINDOWS):
        kind = rng.choice(["business", "business", "event", "audit"])
        start, end, ask = question(rng, kind, records[kind], first_ms, last_ms)
        text = client.fetch({**ask, "date": day, "start": clock(start), "end": clock(end)})
        total = re.search(r"total=(\d+)", text)
        counted = sum(wanted(kind, r, start, end, ask) for r in records[kind])
        # An answer without lines names no total.
        found = int(total[1]) if total else 0
        expect(f"{name} {n}: {found}, not {counted}, of {ask} from {clock(start)} to {clock(end)}\n{text}", found == counted)
        expect(f"{name} {n}: not all could be asked\n{text}", "live_failed" not in text and "live_cut" not in text)
        lines, asked_live = lines + found, asked_live + ("live_from=" in text)
    return lines, asked_live


def open_some(client, topic, shipped_ms, day):
    """Business lines that are not shipped yet, opened one by one: their pod's lines stand around them. Returns how many were opened."""
    fresh = sorted((r for r in topic if milliseconds(r["__TIMESTAMP__"]) >= shipped_ms), key=lambda r: milliseconds(r["__TIMESTAMP__"]))
    of_pod = {}
    for record in fresh:
        of_pod.setdefault(about("business", record)[1], []).append(record)
    pod, lines = max(of_pod.items(), key=lambda item: len(item[1]))
    middle = milliseconds(lines[len(lines) // 2]["__TIMESTAMP__"])
    clock = lambda ms: datetime.datetime.fromtimestamp(ms / 1000, ZONE).isoformat()
    window = {"date": day, "kind": "business", "object": pod, "start": clock(middle // 60_000 * 60_000), "end": clock(middle // 60_000 * 60_000 + 60_000)}
    listed = client.fetch(window)
    ids = re.search(r"evidence=([^;]+)", listed)
    expect(f"no line of {pod}\n{listed}", ids)
    opened = ids[1].split(",")[:3]
    for evidence in opened:
        text = client.fetch({"date": day, "kind": "business", "keyword": evidence})
        around = re.findall(r"(?:before|after)=([^;]+)", text)
        expect(f"nothing around {evidence} of {pod}, which has {len(lines)} lines\n{text}", "beside_failed" not in text and around)
    return len(opened)


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    rng = random.Random(3)
    generate(at("day"), scale=0.2)
    records = {kind: [r for _, r in lines_of(at("day/bucket"), kind)] for kind in ("business", "event", "audit")}
    midnight = int(datetime.datetime.fromisoformat(f"{world.DATE}T00:00:00+08:00").timestamp() * 1000)
    with serve(at("old"), {"GENGFU_BUCKET": f"file://{at('day/bucket')}"}) as client:
        old, _ = check("a shipped day", client, records, midnight, midnight + 86_400_000, world.DATE, rng)

    now = datetime.datetime.now(ZONE)
    now_ms, today = int(now.timestamp() * 1000), now.date().isoformat()
    first_ms = int(datetime.datetime.combine(now.date(), datetime.time(), ZONE).timestamp() * 1000)
    if now_ms - first_ms < 3_600_000:
        print(f"windows: {WINDOWS} of a shipped day, {old} lines as counted; SKIPPED: today is less than an hour old")
        raise SystemExit
    world.DATE = today
    generate(at("now"), scale=0.2)
    # Everything older than this is shipped; what lies in the bucket behind it is not there yet, and what is to come is nowhere.
    shipped_ms = (now_ms - 1_800_000) // 900_000 * 900_000
    last_ms = now_ms - 60_000
    records, topics, shippers = {}, {}, []
    for kind in ("business", "event", "audit"):
        found = lines_of(at("now/bucket"), kind)
        records[kind] = [r for _, r in found if milliseconds(r["__TIMESTAMP__"]) < last_ms]
        # A little of what is shipped is there, too.
        topics[f"t-{kind}"] = [r for r in records[kind] if milliseconds(r["__TIMESTAMP__"]) >= shipped_ms - 1_800_000]
        shippers.append({"ShipperId": f"s-{kind}", "TopicId": f"t-{kind}", "Status": True, "TaskStatus": 1})
        for path in {path for path, _ in found}:
            shipped = datetime.datetime.strptime(os.path.basename(path)[:12], "%Y%m%d%H%M").replace(tzinfo=ZONE)
            if shipped.timestamp() * 1000 > shipped_ms + 300_000:
                os.remove(path)
    account = Account(shippers=shippers, topics=topics, shipped_ms=shipped_ms)
    with cloud(account) as api:
        names = {f"GENGFU_{kind.upper()}_TOPIC": f"t-{kind}" for kind in records}
        with serve(at("new"), {**api, **names, "GENGFU_BUCKET": f"file://{at('now/bucket')}"}) as client:
            new, live = check("today", client, records, max(first_ms, shipped_ms - 3_600_000), last_ms // 60_000 * 60_000, today, rng)
            opened = open_some(client, topics["t-business"], shipped_ms, today)
    expect(f"{opened} lines were opened, {account.seen.get('DescribeLogContext')} asked for", account.seen.get("DescribeLogContext") == opened)
    expect(f"{account.forged} signatures were wrong", account.forged == 0)
    expect(f"CLS was asked in {live} of {WINDOWS} answers", live > WINDOWS // 4)
    expect(f"{account.most_running} queries on a topic at once", account.most_running <= 15)
print(f"windows: {WINDOWS} of a shipped day and {WINDOWS} of today, {old} and {new} lines as counted; {account.seen['SearchLog']} queries, at most {account.most_running} at once")
