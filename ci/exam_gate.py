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
top1 = sum(r["top1"] for r in rows) / len(rows)
decoys = sum(r["decoy_false_positives"] for r in rows)
print("top-1 %.3f (gate %.3f), decoys taken %d" % (top1, gate["top1"], decoys))
sys.exit(top1 < gate["top1"] - 0.02 or decoys > gate["decoys"])
