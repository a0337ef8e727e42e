#!/usr/bin/env python3
"""same_report.py A B: fails unless both reports are the same but for timings, the model's note, checked_at, where files were written, and
whose they are: a folder without a key belongs to `default`, a bucket to the owner of its key."""
import json
import sys


def bare(value):
    if isinstance(value, dict):
        return {k: bare(v) for k, v in value.items() if k not in ("timings_ms", "llm", "checked_at", "files", "owner")}
    return [bare(v) for v in value] if isinstance(value, list) else value


a, b = (bare(json.load(open(path, encoding="utf-8"))) for path in sys.argv[1:3])
for key in sorted(set(a) | set(b)):
    if a.get(key) != b.get(key):
        print("differs in `%s`:\n%s\n%s" % (key, json.dumps(a.get(key), ensure_ascii=False)[:2000], json.dumps(b.get(key), ensure_ascii=False)[:2000]))
sys.exit(a != b)
