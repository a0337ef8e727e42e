#!/usr/bin/env python3
"""kill.py BIN SHARED: whenever the program is killed, the next run ends in the same report.

The bucket is a COS with some latency; the n-th request it answers is a moment of the round (listing, each kind, earlier days), and the files
that the program writes are the moments behind the last request (diagnosis, revisions, the two files). SIGKILL at each of them. Before
the first run half of the day was read, so that late objects and twins are killed too.

Run it with a Python that has cos-python-sdk-v5.
"""
import glob
import gzip
import json
import os
import shutil
import subprocess
import sys
import time

from world import command, cos, expect, generate, run, same, workplace

POINTS = int(sys.argv[3]) if len(sys.argv) > 3 else 14
"""Requests after which it is killed; the points after the last request come on top."""
PATIENCE_S = 120


def twins(root, work):
    """Copies before and behind some objects, and what lies in the bucket before they come."""
    early = os.path.join(work, "early")
    shutil.copytree(root, early, ignore=lambda folder, names: [n for n in names if n.endswith(".gz") and "/11/21/" in folder and int(n[8:10]) % 4 == 1])
    for path in sorted(glob.glob(f"{root}/*/2026/11/21/*/*.gz"))[::23]:
        with gzip.open(path) as f:
            lines = f.read().splitlines(keepends=True)
        for name, kept in [("0" + os.path.basename(path), lines[len(lines) // 3:]), (os.path.basename(path)[:-3] + "0.gz", lines[: len(lines) // 2])]:
            with open(os.path.join(os.path.dirname(path), name), "wb") as f:
                f.write(gzip.compress(b"".join(kept), mtime=0))
    return early


def requests(log):
    with open(log, encoding="utf-8") as f:
        return sum(1 for _ in f)


def killed(data, environment, moment):
    """Runs until `moment` says that it is time, and kills; whether it came to that."""
    process = subprocess.Popen(**{**command(data, "cos://127", environment), "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL})
    until = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < until:
        if moment():
            process.kill()
            process.wait()
            return True
        time.sleep(0.001)
    return False


class Behind:
    """The moment some time after the last request: the round diagnoses, keeps a revision, writes its files."""

    def __init__(self, log, last, pause_s):
        self.log, self.last, self.pause_s, self.since = log, last, pause_s, None

    def __call__(self):
        if self.since is None and requests(self.log) >= self.last:
            self.since = time.monotonic()
        return self.since is not None and time.monotonic() - self.since >= self.pause_s


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    generate(at("day"), seed=5, days_before=1)
    root = at("day/bucket")
    early = twins(root, work)
    days = {"GENGFU_BASELINE_DAYS": "1"}
    with cos(early) as environment:
        status, first, told = run(at("first"), "cos://127", {**environment, **days})
    expect(f"the first run: status {status}\n{told}", status == 0)

    def start(name):
        shutil.copytree(at("first"), at(name))
        return at(name)

    log = at("log")
    with cos(root, "--latency-ms", "4", "--log", log) as environment:
        environment |= days
        status, wanted, told = run(start("whole"), "cos://127", environment)
        behind_s = time.time() - os.path.getmtime(log)
        expect(f"the run that nobody kills: status {status}\n{told}", status == 0 and same(first, wanted))
        n = requests(log)
        moments = [(f"after request {after} of {n}", Behind(log, after, 0)) for after in (1 + point * (n - 2) // (POINTS - 1) for point in range(POINTS))]
        moments += [(f"{part} quarters behind the last request", Behind(log, n, part * behind_s / 4)) for part in (1, 2, 3)]
        done = 0
        for name, moment in moments:
            open(log, "w").close()
            data = start(name)
            done += killed(data, environment, moment)
            status, report, told = run(data, "cos://127", environment)
            expect(f"killed {name}: status {status}\n{told}", status == 0)
            expect(f"killed {name}: differs in {same(wanted, report)}", not same(wanted, report))
            shutil.rmtree(data)
expect(f"only {done} kills", done >= POINTS - 1)
print(f"kill: {done} times killed between {n} requests and behind them, the same report each time")
