#!/usr/bin/env python3
"""Whether detection tells what is wrong and keeps silent about what is not, on generated days.

    ci/mining/days.py GENGFU SHARED [--healthy 1-30] [--incidents 1-30] [--days-before 7] [--scale 0.05]

SHARED holds `incidents/gen.py`. A healthy day (decoys and chronic errors included) must have no finding above `info`. Of a day with
incidents, each must show in a business or event finding at `warning` or above, within its time, about its object or one of the services
in its chain; and there may be at most 5 findings that high, and 10 more per incident. Exits 1 when a day fails.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
from datetime import datetime

DATE = "2026-11-21"
# Clocks of events and lines trail the cause a little.
SLACK_S = 120


def seeds(text: str):
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1) if text else []


def report(args, seed: int, more):
    """The truth of a generated day and the report about it."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        gen = [sys.executable, str(args.shared / "incidents" / "gen.py"), "--out", work, "--seed", str(seed), "--date", DATE,
               "--days-before", str(args.days_before), "--scale", str(args.scale), *more]
        subprocess.run(gen, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        env = {"PATH": os.environ["PATH"], "GENGFU_BUCKET": f"file://{work}/bucket", "GENGFU_DATA_DIR": f"{work}/data",
               "GENGFU_BASELINE_DAYS": str(args.days_before)}
        run = subprocess.run([args.gengfu, "run", "--date", DATE, "--json"], cwd=work, env=env, capture_output=True, text=True)
        if run.returncode not in (0, 3):
            sys.exit(f"FAILED: seed {seed}: exit {run.returncode}: {run.stderr[-500:]}")
        truth = json.loads(pathlib.Path(work, "truth.json").read_text(encoding="utf-8"))
        return truth, json.loads(run.stdout)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def shows(incident, finding) -> bool:
    """Whether the finding is a symptom of the incident."""
    if finding["kind"] not in ("business", "event"):
        return False
    end = seconds(incident["end"]) if incident["end"] else float("inf")
    if seconds(finding["last_seen"]) < seconds(incident["start"]) - SLACK_S or seconds(finding["first_seen"]) > end + SLACK_S:
        return False
    about = finding["object"]
    objects = [incident["object"], *incident["accept"]]
    if any(o["name"] == about["name"] and (not o["namespace"] or o["namespace"] == about.get("namespace")) for o in objects):
        return True
    # A Namespace or a quota is seen by what could not be made in it.
    if any(o["kind"] == "Namespace" and o["name"] == about.get("namespace") for o in objects):
        return True
    return f"{about.get('namespace')}/{about['name']}" in incident["chain"].get("business", [])


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("gengfu")
    args.add_argument("shared", type=pathlib.Path)
    args.add_argument("--healthy", default="1-30")
    args.add_argument("--incidents", default="1-30")
    args.add_argument("--days-before", type=int, default=7)
    args.add_argument("--scale", type=float, default=0.05)
    args = args.parse_args()
    args.gengfu = os.path.abspath(args.gengfu)
    failed = 0
    loud = lambda r: [f for f in r["findings"] if f["severity"] != "info"]
    for seed in seeds(args.healthy):
        _, told = report(args, seed, ["--families", "none"])
        if loud(told):
            failed += 1
            print(f"healthy {seed}: {[(f['severity'], f['title']) for f in loud(told)]}")
    told_of = wanted = most = 0
    for seed in seeds(args.incidents):
        truth, told = report(args, seed, ["--incidents", str(seed % 3 + 1)])
        high, incidents = loud(told), truth["incidents"]
        unseen = [i for i in incidents if not any(shows(i, f) for f in high)]
        wanted += len(incidents)
        told_of += len(incidents) - len(unseen)
        share = len(high) / (5 + 10 * len(incidents))
        most = max(most, share)
        if unseen or share > 1:
            failed += 1
            print(f"incidents {seed}: {len(high)} findings, unseen {[(i['family'], i['object']['name']) for i in unseen]}")
    print(f"healthy days {len(seeds(args.healthy))}, days with incidents {len(seeds(args.incidents))}: symptoms {told_of}/{wanted}, "
          f"loudest day at {most:.0%} of what it may tell; {failed} days failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
