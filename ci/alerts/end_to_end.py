#!/usr/bin/env python3
"""end_to_end.py BIN SHARED: an alarm of Cloud Monitor comes in while something breaks; the robot is woken with the cause, on one machine.

A generated day is moved so that its incident began eight minutes ago: what is older than five minutes lies in a bucket behind the stand-in of COS, the rest
only in the topics of the stand-in of CLS (both check every signature with the official SDK's code). Then the user asks for the details and for the rollback.

Run it with a Python that has cos-python-sdk-v5 and tencentcloud-sdk-python-common.
"""
import datetime
import gzip
import json
import os
import queue
import re
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "intake"))
from cloud import Account, cloud, milliseconds
from server import Robot, serve, settings
from stand_ins import listeners
from world import BIN, cos, expect, generate, workplace

SECRET = "secret-of-the-door"
CHINA = datetime.timezone(datetime.timedelta(hours=8))
KINDS = ("business", "event", "audit")
SECONDS = 10
"""From the push to the spoken cause."""
MINUTE = 60_000
# Where it is noon now: a day must not end while this runs.
HOURS = 12 - datetime.datetime.now(datetime.timezone.utc).hour
NOON = datetime.timezone(datetime.timedelta(hours=HOURS))
WRITTEN = re.compile(r"20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d")


def moved(line, by_ms):
    """The record with all its times later by so much."""
    delta = datetime.timedelta(milliseconds=by_ms)
    later = lambda m: (datetime.datetime.fromisoformat(m[0]) + delta).isoformat(m[1])
    record = json.loads(WRITTEN.sub(later, line))
    record["__TIMESTAMP__"] = milliseconds(record["__TIMESTAMP__"]) + by_ms
    return record


def lines_between(bucket, kind, from_ms, to_ms):
    for folder, _, names in os.walk(os.path.join(bucket, kind)):
        for name in names:
            with gzip.open(os.path.join(folder, name), "rt", encoding="utf-8") as f:
                yield from (line for line in f if from_ms <= milliseconds(json.loads(line)["__TIMESTAMP__"]) < to_ms)


def ship(records, bucket, kind):
    """As the shipping task writes them, every five minutes."""
    parts = {}
    for record in records:
        parts.setdefault(record["__TIMESTAMP__"] // (5 * MINUTE) + 1, []).append(record)
    for n, part in parts.items():
        at = datetime.datetime.fromtimestamp(n * 300, NOON)
        path = os.path.join(bucket, kind, at.strftime("%Y/%m/%d/%H"), at.strftime("%Y%m%d%H%M") + f"_000_{n}.gz")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with gzip.open(path, "wt", encoding="utf-8") as f:
            f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in part)


def victim(incident):
    """The workload that shows it: what an alarm is about."""
    if incident["object"]["kind"] in ("Deployment", "StatefulSet", "DaemonSet"):
        return incident["object"]
    namespace, name = incident["chain"]["business"][0].split("/")
    return {"kind": "Deployment", "namespace": namespace, "name": name}


def alarm(incident, began_ms):
    o = victim(incident)
    began = datetime.datetime.fromtimestamp(began_ms / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return {"sessionId": "U4LkCLqoFkA5Hmksqp7HRg93", "alarmStatus": "1", "alarmType": "metric",
            "alarmObjInfo": {"region": "gz", "namespace": "qce/tke2", "appId": "1250000000", "uin": "100000000001", "dimensions": {
                "region": "gz", "tke_cluster_instance_id": "cls-7a1b2c3d", "namespace": o["namespace"], "workload_kind": o["kind"], "workload_name": o["name"]}},
            "alarmPolicyInfo": {"policyId": "policy-n4exeh88", "policyType": "k8s_workload2", "policyName": "工作负载异常", "policyTypeCName": "容器服务-工作负载", "conditions": {
                "metricName": "K8sWorkloadReplicasUnavailable", "metricShowName": "不可用副本数", "calcType": ">", "calcValue": "0", "calcUnit": "个", "currentValue": "1",
                "unit": "个", "period": "60", "periodNum": "3", "alarmNotifyType": "continuousAlarm", "alarmNotifyPeriod": 300}},
            "firstOccurTime": began, "durationTime": 180, "recoverTime": "0"}


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.loads(answer.read())


def run_yesterday(home, environment):
    yesterday = datetime.datetime.now(NOON).date() - datetime.timedelta(days=1)
    return subprocess.run([BIN, "run", "--date", yesterday.isoformat(), "--json"], cwd=home, env=settings(home, environment), capture_output=True, check=False)


def get(queue_, seconds, what):
    try:
        return queue_.get(timeout=seconds)
    except queue.Empty:
        expect(f"{what}: nothing came within {seconds} s", False)


def one(family, seed):
    with workplace() as work:
        at = lambda name: os.path.join(work, name)
        incident = generate(at("day"), "--families", family, seed=seed, scale=0.05, days_before=1)["incidents"][0]
        start_ms = int(datetime.datetime.fromisoformat(incident["start"]).timestamp() * 1000)
        now_ms = int(time.time() * 1000)
        by_ms = (now_ms - (start_ms + 8 * MINUTE)) // 1000 * 1000
        shipped_ms = now_ms - 5 * MINUTE
        topics = {}
        for kind in KINDS:
            found = [moved(line, by_ms) for line in lines_between(at("day/bucket"), kind, start_ms - 36 * 60 * MINUTE, start_ms + 8 * MINUTE)]
            os.makedirs(at(f"bucket/{kind}"), exist_ok=True)
            ship([r for r in found if r["__TIMESTAMP__"] < shipped_ms], at("bucket"), kind)
            # A little of what is shipped is there, too.
            topics[f"t-{kind}"] = [r for r in found if r["__TIMESTAMP__"] >= shipped_ms - 10 * MINUTE]
        shippers = [{"ShipperId": f"s-{kind}", "TopicId": f"t-{kind}", "Status": True, "TaskStatus": 1} for kind in KINDS]
        account = Account(shippers=shippers, topics=topics, shipped_ms=shipped_ms)
        zone = f"GMT{HOURS:+03d}:00"
        with cos(at("bucket")) as bucket, cloud(account) as api, listeners() as (told, ways):
            environment = {**bucket, **api, **ways, **{f"GENGFU_{kind.upper()}_TOPIC": f"t-{kind}" for kind in KINDS}, "GENGFU_BUCKET": "cos://127",
                           "GENGFU_TIMEZONE": zone, "GENGFU_PARTITION_TIMEZONE": zone, "GENGFU_CLUSTERS": "cls-7a1b2c3d", "GENGFU_ALERT_SECRET": SECRET,
                           "GENGFU_QUIET_HOURS": "off", "GENGFU_ALARM_POLL": "off", "GENGFU_RUN_AT": "23:59"}
            # What stood there before a change is known from the night before.
            done = run_yesterday(at("home"), environment)
            expect(f"{family}: yesterday: {done.stderr}", done.returncode in (0, 3))
            with serve(at("home"), environment) as url:
                began = time.monotonic()
                answer = post(f"{url.removesuffix('/mcp')}/alerts/tcop/{SECRET}", alarm(incident, now_ms - 2 * MINUTE))
                answered_ms = (time.monotonic() - began) * 1000
                expect(f"{family}: {answer}", answer == {"sessionId": "U4LkCLqoFkA5Hmksqp7HRg93", "retCode": 0})
                spoken = get(told.spoken, SECONDS, f"{family}: the robot")
                took = time.monotonic() - began
                written = get(told.written, SECONDS, f"{family}: the chat")
                name = victim(incident)["name"]
                expect(f"{family}: {len(spoken)} characters: {spoken}", len(spoken) <= 150 and spoken.startswith("[device_call]"))
                expect(f"{family}: no cause is spoken: {spoken}", name in spoken and "原因是" in spoken)
                expect(f"{family}: not {incident['cause']}: {written}", any(c in written for c in [incident["cause"], *incident["accept_causes"]]))
                expect(f"{family}: not live: {written}", "还没投递到 COS" in written)
                robot = Robot(url)
                detail = robot.ask("analyze_alert")
                expect(f"{family}: the details are of something else: {detail}", name in detail and "原因是" in detail)
                print(f"  {family}: answered in {answered_ms:.0f} ms, spoken after {took:.1f} s: {spoken.removeprefix('[device_call]')}")
                if incident["rollback_possible"]:
                    plan = robot.ask("propose_rollback")
                    sent = robot.ask("propose_rollback", send=True)
                    number = re.search(r"message=(\d+)", sent)
                    expect(f"{family}: no number: {plan}\n{sent}", number)
                    commands = get(told.written, SECONDS, f"{family}: the commands")
                    expect(f"{family}: {commands}", number[1] in commands and "kubectl" in commands)
                expect(f"{family}: told twice", told.spoken.empty())
            expect(f"{family}: {account.forged} signatures were wrong", account.forged == 0)
            expect(f"{family}: CLS was not asked", account.seen.get("SearchLog", 0) > 0)
            expect(f"{family}: the gateway's day was not found", told.refused < 10)


if __name__ == "__main__":
    for family, seed in [("image_tag_missing", 3), ("requests_cpu", 5), ("oom_limit_lowered", 7)]:
        one(family, seed)
    print("alarms: pushed, explained from COS and CLS, spoken, and followed up")
