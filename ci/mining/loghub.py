#!/usr/bin/env python3
"""How well `gengfu templates --ids` groups the labelled lines of Loghub-2k.

    ci/mining/loghub.py GENGFU FOLDER [--sets all|tuned] [--least-ga X] [--least-fga X]

FOLDER holds one directory a set, each with `<Set>_2k.log_structured.csv` or, taken first, `..._corrected.csv`: `data/loghub_2k_corrected`
of github.com/logpai/logparser. The licence of the lines is for research only: they are read where they lie and are no part of this
repository. Without the folder the exam says that it was skipped and exits 0.

The `Content` column goes in, one line each; two lines belong together when their `EventTemplate` is the same.
Printed per set: templates labelled and found, grouping accuracy (share of lines whose whole group is exactly a labelled one) and the F1 of
groups. `--sets tuned` shows only the eight sets that the miner may be tuned on; the average that counts is over all sixteen.
"""

import argparse
import csv
import pathlib
import subprocess
import sys
from collections import defaultdict

TUNED = ["Apache", "BGL", "Hadoop", "HDFS", "Linux", "OpenStack", "Spark", "Zookeeper"]
UNSEEN = ["Android", "HealthApp", "HPC", "Mac", "OpenSSH", "Proxifier", "Thunderbird", "Windows"]


def labelled(folder: pathlib.Path, name: str):
    """The lines of a set and the template each belongs to."""
    plain = folder / name / f"{name}_2k.log_structured.csv"
    corrected = plain.with_name(f"{plain.stem}_corrected.csv")
    with open(corrected if corrected.exists() else plain, encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return [" ".join(r["Content"].splitlines()) for r in rows], [r["EventTemplate"] for r in rows]


def groups(labels):
    out = defaultdict(list)
    for i, label in enumerate(labels):
        out[label].append(i)
    return {tuple(members) for members in out.values()}


def score(truth, found):
    """Grouping accuracy and F1 of groups."""
    truth, found = groups(truth), groups(found)
    right = truth & found
    lines = sum(map(len, truth))
    if not right:
        return 0.0, 0.0
    precision, recall = len(right) / len(found), len(right) / len(truth)
    return sum(map(len, right)) / lines, 2 * precision * recall / (precision + recall)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("gengfu")
    args.add_argument("folder", type=pathlib.Path)
    args.add_argument("--sets", choices=["all", "tuned"], default="all")
    args.add_argument("--least-ga", type=float, default=0.0)
    args.add_argument("--least-fga", type=float, default=0.0)
    args = args.parse_args()
    names = TUNED if args.sets == "tuned" else sorted(TUNED + UNSEEN, key=str.lower)
    missing = [n for n in names if not (args.folder / n).is_dir()]
    if missing:
        print(f"SKIPPED: no labelled logs: {args.folder} has no {', '.join(missing)}", file=sys.stderr)
        return 0
    figures = []
    print(f"{'set':12} {'labelled':>8} {'found':>6} {'GA':>6} {'FGA':>6}")
    for name in names:
        lines, truth = labelled(args.folder, name)
        run = subprocess.run([args.gengfu, "templates", "--ids"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
        ids = run.stdout.split()
        if len(ids) != len(lines):
            print(f"FAILED: {name}: {len(lines)} lines in, {len(ids)} ids out", file=sys.stderr)
            return 1
        ga, fga = score(truth, ids)
        figures.append((ga, fga))
        print(f"{name:12} {len(set(truth)):8} {len(set(ids)):6} {ga:6.3f} {fga:6.3f}{'' if name in TUNED else '  unseen'}")
    ga, fga = (sum(f[i] for f in figures) / len(figures) for i in (0, 1))
    print(f"average of {len(figures)}: GA {ga:.3f}, FGA {fga:.3f}")
    return int(ga < args.least_ga or fga < args.least_fga)


if __name__ == "__main__":
    sys.exit(main())
