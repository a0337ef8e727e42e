#!/usr/bin/env python3
"""How much faster `gengfu templates` is than Drain3 (PyPI), on the same business lines in the same run.

    ci/mining/speed.py GENGFU SHARED [--lines 1000000] [--sample 50000] [--least 50]

SHARED holds `incidents/gen.py`, which writes a day; its business lines go in as they are, no two of them equal byte for byte (a stack
trace is joined to one line). Drain3 gets the first --sample of them with its default configuration and no masks, which is as fast as it
gets; both figures are lines per second of processor time of one process, so that a busy machine spoils neither. The second figure of
gengfu is over lines that stay distinct after masking: each has words of its own. Exits 1 when the ratio is below --least. Needs `drain3`.
"""

import argparse
import glob
import gzip
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

# Business lines of a generated day at scale 1, about.
LINES_AT_SCALE_1 = 17_000


def generated(shared: pathlib.Path, lines: int, work: str):
    """Distinct business lines of one generated day."""
    scale = max(0.05, 1.1 * lines / LINES_AT_SCALE_1)
    gen = [sys.executable, str(shared / "incidents" / "gen.py"), "--out", work, "--seed", "1", "--days-before", "0", "--scale", f"{scale:.2f}"]
    subprocess.run(gen, check=True, stdout=subprocess.DEVNULL)
    seen = set()
    for path in sorted(glob.glob(f"{work}/bucket/business/**/*.gz", recursive=True)):
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as f:
            for record in f:
                text = " ".join(str(json.loads(record).get("__CONTENT__", "")).split("\n"))
                if text and text not in seen:
                    seen.add(text)
                    yield text
                    if len(seen) == lines:
                        return


def word(n: int) -> str:
    return "".join(chr(97 + n // 26**k % 26) for k in range(5))


def mined(gengfu: str, text: bytes, lines: int) -> float:
    """Lines per second of processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([gengfu, "templates"], input=text, capture_output=True, check=True).stdout.decode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    counted = sum(int(row.split()[0]) for row in out.splitlines())
    if counted != lines:
        sys.exit(f"FAILED: {lines} lines in, {counted} counted")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"gengfu: {lines} lines, {len(text) / 1e6:.0f} MB, {len(out.splitlines())} templates, {cpu:.2f} s of processor: {lines / cpu / 1e6:.2f} M lines/s")
    return lines / cpu


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("gengfu")
    args.add_argument("shared", type=pathlib.Path)
    args.add_argument("--lines", type=int, default=1_000_000)
    args.add_argument("--sample", type=int, default=50_000)
    args.add_argument("--least", type=float, default=50.0)
    args = args.parse_args()
    try:
        from drain3 import TemplateMiner
        from drain3.template_miner_config import TemplateMinerConfig
    except ImportError:
        print("SKIPPED: Drain3 is not installed (pip install drain3)", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        lines = list(generated(args.shared, args.lines, work))
    ours = mined(args.gengfu, "\n".join(lines).encode() + b"\n", len(lines))

    miner = TemplateMiner(config=TemplateMinerConfig())
    sample = lines[: args.sample]
    start = time.process_time()
    for line in sample:
        miner.add_log_message(line)
    cpu = time.process_time() - start
    theirs = len(sample) / cpu
    print(f"Drain3: {len(sample)} lines, {len(miner.drain.clusters)} templates, {cpu:.2f} s of processor: {theirs / 1e3:.1f} k lines/s")

    n = len(lines)
    apart = (f"2026-11-21 16:03:28,123 INFO search.api[7]: query {word(i * 7919)} of {word(i)} took {i % 1000}ms" for i in range(n))
    mined(args.gengfu, "\n".join(apart).encode() + b"\n", n)
    print(f"ratio {ours / theirs:.1f}")
    return int(ours / theirs < args.least)


if __name__ == "__main__":
    sys.exit(main())
