#!/usr/bin/env python3
"""dirty.py BIN SHARED [SEED...]: spoiled days are counted to the line, in both JSON types, and each bad object is named."""
import os
import sys

from world import expect, generate, run, workplace

SEEDS = [int(seed) for seed in sys.argv[3:]] or [3, 14]

for form in ("json0", "json1"):
    for seed in SEEDS:
        with workplace() as work:
            truth = generate(os.path.join(work, "day"), "--dirty", "--format", form, seed=seed)
            status, report, told = run(os.path.join(work, "data"), f"file://{work}/day/bucket")
        day = f"{form}, seed {seed}"
        expect(f"{day}: status {status}\n{told}", status == 3)
        for kind, counts in truth["counts"].items():
            found = report["coverage"][kind]
            # Lines before a cut are salvaged.
            wanted = {**counts, **{name.removesuffix("_salvage"): n for name, n in counts.items() if name.endswith("_salvage")}}
            wrong = {name: (found[name], wanted[name]) for name in ("objects", "lines", "records", "rejected", "duplicates", "outside_day") if found[name] != wanted[name]}
            bad = {d["key"] for d in truth["dirty"] if d["kind"] == kind and (d["what"] == "truncated gzip" or d.get("readable") is False)}
            named = {p["key"] for p in found.get("problems", [])}
            expect(f"{day}, {kind}: (found, true) {wrong}", not wrong)
            expect(f"{day}, {kind}: named {named}, bad {bad}", named == bad and found["complete"] == (not bad))
print(f"dirty: {2 * len(SEEDS)} days counted to the line")
