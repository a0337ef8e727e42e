#!/usr/bin/env python3
"""pack_days.py SHARED OUT.tar.gz [PLUGIN]: writes the days of `tests/it/known_days.rs`: generated, thinned, in one solid archive.

Thinned: routine lines (one of twelve stays), what makes pods (one of eight), reads and leases (one of sixty) are left out, so that a day is a few hundred kilobytes. Errors, warnings, events
and every write stay. The objects lie in the archive as plain text under `.gz`, which intake reads as such; the whole is compressed once.
"""
import glob
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zlib

# Seed, families, further arguments: one to three incidents, two days without, faults that name themselves and faults that only follow.
DAYS = [
    ("single-image", 201, "image_tag_missing", []),
    ("config-then-quota", 202, "configmap_bad_value,quota", []),
    ("dns-and-certificate", 203, "coredns_zero,tls_expired", []),
    ("probe-memory-selector", 204, "liveness_wrong_port,oom_limit_lowered,service_selector", []),
    ("node-lost", 205, "node_not_ready", []),
    ("pool-and-permission", 206, "db_pool,rbac_binding_deleted", []),
    ("taint-and-memory", 207, "node_taint,requests_memory", []),
    ("job-and-autoscaler", 208, "cron_image,hpa_no_metrics", ["--format", "json0"]),
    ("calm", 209, "none", []),
]
LOUD = re.compile(r'error|warn|fatal|exception|panic|fail|" 50\d |\\" 50\d |异常|失败|超时|错误', re.I)
WRITE = re.compile(r'"verb":"(?:create|update|patch|delete)"')
QUIET = re.compile(r'"resource":"(?:leases|events|endpoints|endpointslices|tokenreviews|subjectaccessreviews)"|"subresource":"(?:status|token)"')


ROUTINE = re.compile(r'"reason":"(?:Pulled|Pulling|Created|Started|Scheduled|Completed|SuccessfulCreate|SawCompletedJob)"')
OF_A_JOB = re.compile(r'"name":"[a-z-]+-\d{8,}')
MADE = re.compile(r'"verb":"create".*"resource":"pods"|"verb":"list".*"code":403')


def kept(kind, line):
    chance = zlib.crc32(line.encode())
    if kind == "event":
        return not (ROUTINE.search(line) and OF_A_JOB.search(line)) or chance % 8 == 0
    if kind == "business":
        return bool(LOUD.search(line)) or chance % 12 == 0
    if MADE.search(line):
        return chance % 8 == 0
    routine = not WRITE.search(line) or bool(QUIET.search(line))
    return '"code":403' in line or not routine or chance % 60 == 0


def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def main():
    shared, out, plugins = sys.argv[1], sys.argv[2], sys.argv[3:]
    raw = io.BytesIO()
    with tempfile.TemporaryDirectory() as work, tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, seed, families, more in DAYS:
            day = os.path.join(work, name)
            gen = [sys.executable, os.path.join(shared, "incidents", "gen.py"), "--out", day, "--seed", str(seed), "--families", families,
                   "--scale", "0.01", "--days-before", "1", "--no-hostile", *more]
            for plugin in plugins:
                gen += ["--plugin", plugin]
            subprocess.run(gen, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            with open(os.path.join(day, "truth.json"), encoding="utf-8") as f:
                truth = json.load(f)
            keep = ("cause", "accept_causes", "object", "accept", "change", "rollback_possible")
            truth = {"verdict": truth["verdict"], "incidents": [{k: i[k] for k in keep} for i in truth["incidents"]]}
            add(tar, name + "/truth.json", json.dumps(truth, ensure_ascii=False).encode())
            bucket = os.path.join(day, "bucket")
            for path in sorted(glob.glob(os.path.join(bucket, "**", "*.gz"), recursive=True)):
                key = os.path.relpath(path, bucket)
                with gzip.open(path, "rt", encoding="utf-8") as f:
                    lines = [line for line in f if kept(key.split("/")[0], line)]
                add(tar, name + "/bucket/" + key, "".join(lines).encode())
    with open(out, "wb") as f:
        f.write(gzip.compress(raw.getvalue(), 9, mtime=0))
    print("%s: %d bytes, %d days" % (out, os.path.getsize(out), len(DAYS)))


if __name__ == "__main__":
    main()
