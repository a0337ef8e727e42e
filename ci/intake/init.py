#!/usr/bin/env python3
"""init.py BIN SHARED: from a key and a region `gengfu init` finds clusters, topics, shipping tasks, buckets and prefixes, says what is off and where to
click, writes a `.env` that the next command reads, and runs yesterday. Every signature is checked with the official SDKs.

Run it with a Python that has cos-python-sdk-v5 and tencentcloud-sdk-python-common.
"""
import datetime
import os
import subprocess

import world
from cloud import Account, cloud
from world import BIN, cos, expect, generate, workplace

YESTERDAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date() - datetime.timedelta(days=1)
world.DATE = YESTERDAY.isoformat()


def switch(topic):
    return {"Enable": True, "TopicId": topic, "TopicRegion": "ap-guangzhou", "Status": "opened"}


def shipper(topic, prefix, **more):
    return {"ShipperId": f"s-{topic}", "ShipperName": topic, "TopicId": topic, "Bucket": "127", "Prefix": prefix, "Partition": "/%Y/%m/%d/%H/", "Status": True,
            "TimeZone": "GMT+08:00", "TaskStatus": 1, "StorageType": "STANDARD", "Compress": {"Format": "gzip"}, "Content": {"Format": "json"}, **more}


ACCOUNT = {
    "clusters": [{"ClusterId": "cls-1a2b3c4d", "ClusterName": "prod"}, {"ClusterId": "cls-5e6f7a8b", "ClusterName": "staging"}],
    "switches": [
        {"ClusterId": "cls-1a2b3c4d", "Audit": switch("t-audit"), "Event": switch("t-event"), "Log": {"Enable": True}},
        {"ClusterId": "cls-5e6f7a8b", "Audit": {"Enable": False}, "Event": switch("t-event-2"), "Log": {"Enable": False}},
    ],
    "shippers": [
        shipper("t-audit", "audit"), shipper("t-event", "event/"), shipper("t-shop", "business"),
        shipper("t-pay", "pay", Partition="/dt=%Y%m%d/"),
        shipper("t-old", "old", Content={"Format": "parquet"}), shipper("t-slow", "slow", Status=False),
    ],
}


def init(home, environment, answers):
    done = subprocess.run([BIN, "init"], cwd=home, env={"PATH": os.environ["PATH"], "HOME": home, "GENGFU_BASELINE_DAYS": "0", **environment},
                          input="\n".join(answers) + "\n", capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    generate(at("day"))
    midnight = datetime.datetime.combine(YESTERDAY + datetime.timedelta(days=1), datetime.time(), datetime.timezone(datetime.timedelta(hours=8)))
    account = Account(**ACCOUNT, shipped_ms=int(midnight.timestamp() * 1000) + 3_600_000)
    os.makedirs(at("home"))
    with cos(at("day/bucket")) as storage, cloud(account) as api:
        # Use the key of the environment; region; no robot; no model; run yesterday.
        status, out, told = init(at("home"), {**storage, **api}, ["y", "ap-guangzhou", "4", "3", "y"])
        expect(f"init: status {status}\n{told}", status == 0)
        expect(f"{account.forged} signatures were wrong", account.forged == 0)
        for word in ["cls-1a2b3c4d prod", "cls-5e6f7a8b staging", "集群审计", "日志采集", "t-event-2", "投递至 COS", "Parquet", "s-t-slow", "个对象", "MB", "COS 流量"]:
            expect(f"nothing about {word} in\n{told}", word in told)
        with open(at("home/.env"), encoding="utf-8") as f:
            lines = f.read().splitlines()
        for line in ["GENGFU_BUCKET=cos://127", "GENGFU_CLUSTERS=cls-1a2b3c4d,cls-5e6f7a8b", "GENGFU_PARTITION=%Y/%m/%d/%H/"]:
            expect(f"no {line} in\n{lines}", any(l.replace("'", "") == line for l in lines))
        prefixes = next(l for l in lines if l.startswith("GENGFU_BUSINESS_PREFIX"))
        expect(prefixes, "business/" in prefixes and "pay/;partition=dt=%Y%m%d/" in prefixes and "old" not in prefixes)
        expect("the audit log's place says whose it is", any("audit/;cluster=cls-1a2b3c4d" in l for l in lines))
        expect(f"yesterday was not run\n{out}\n{told}", os.path.exists(at(f"home/data/analysis_results")))
        found = [name for _, _, names in os.walk(at("home/data/analysis_results")) for name in names]
        expect(f"no summary among {found}", "llm_summary.txt" in found)

        # What may not be asked hides only itself, and is named.
        account.refused = ("DescribeClusters",)
        os.makedirs(at("blind"))
        status, _, told = init(at("blind"), {**storage, **api}, ["y", "ap-guangzhou", "", "4", "3", "n"])
        expect(f"nothing about tke:DescribeClusters in\n{told}", "tke:DescribeClusters" in told)
        account.refused = ()
        # In a folder of its own: the settings file of the one before would win.
        os.makedirs(at("wrong"))
        status, _, told = init(at("wrong"), {**storage, **api, "TENCENTCLOUD_SECRET_KEY": "Wrong"}, ["y", "ap-guangzhou"])
        expect(f"a wrong key: status {status}\n{told}", status == 1 and "SecretKey" in told)
print(f"init: {sum(account.seen.values())} calls of {len(account.seen)} actions, each signed as the official SDK signs it; yesterday was run from what was found")
