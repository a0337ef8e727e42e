#!/usr/bin/env python3
"""exam_gate.py SHARED DIR: scores DIR/*/{truth,report}.json; fails when the most important root is right less often than the last release allowed."""
import glob
import json
import os
import subprocess
import sys

shared, root = sys.argv[1:]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "exam_gate.json"), encoding="utf-8") as f:
    gate = json.load(f)
sys.path.insert(0, os.path.join(shared, "incidents"))
import score  # noqa: E402

subprocess.run([sys.executable, os.path.join(shared, "incidents", "score.py"), "--many", root], check=True)
rows = [score.score(score.load(p), score.load(os.path.join(os.path.dirname(p), "report.json"))) for p in sorted(glob.glob(os.path.join(root, "*", "truth.json")))]
stated = {}
for path, row in zip(sorted(glob.glob(os.path.join(root, "*", "truth.json"))), rows):
    for incident in score.load(os.path.join(os.path.dirname(path), "report.json"))["incidents"]:
        right = incident["root"] not in row["extra"]
        of = stated.setdefault(incident["confidence"], [0, 0])
        of[0] += right
        of[1] += 1
print("stated confidence and how often it was right: " + ", ".join("%s: %d/%d" % (c, *of) for c, of in sorted(stated.items(), reverse=True)))
top1 = sum(r["top1"] for r in rows) / len(rows)
decoys = sum(r["decoy_false_positives"] for r in rows)
print("top-1 %.3f (gate %.3f), decoys taken %d" % (top1, gate["top1"], decoys))
sys.exit(top1 < gate["top1"] - 0.02 or decoys > gate["decoys"])
