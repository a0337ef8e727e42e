#!/usr/bin/env python3
"""hostile.py BIN SHARED: objects that are made to burst a reader are refused with a reason, within bounded memory, and the rest of the day is read.

A gzip bomb with and without line ends, a line of 1 GB, JSON nested 100,000 deep, invalid UTF-8, a CSV whose quote never closes, forms that are not read.
"""
import gzip
import json
import os
import resource
import struct
import zlib

from world import expect, generate, run, workplace

MEMORY_MB = 300
SECOND = '{"__TIMESTAMP__":1795276861234,"__CONTENT__":"%s","__TAG__":{"namespace":"shop","pod_name":"a-0"}}\n'


def packed(path, *parts):
    """A gzip object of many members: each part is text, or text and how often it comes."""
    with open(path, "wb") as f:
        for text, times in (part if isinstance(part, tuple) else (part, 1) for part in parts):
            f.write(gzip.compress(text, mtime=0) * times)


def bomb(path, head, text, times):
    """The same as one member."""
    deflate = zlib.compressobj(1, zlib.DEFLATED, 31)
    with open(path, "wb") as f:
        f.write(deflate.compress(head))
        for _ in range(times):
            f.write(deflate.compress(text))
        f.write(deflate.flush())


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    truth = generate(at("day"), scale=0.02)
    folder = at("day/bucket/business/2026/11/22/00")
    os.makedirs(folder, exist_ok=True)
    megabyte, good = b"x" * (1 << 20), (SECOND % "before").encode()
    deep = "[" * 100_000 + "]" * 100_000
    lines = {"deep": SECOND.replace('"%s"', deep), "escaped": SECOND % json.dumps(json.dumps(deep))[1:-1]}
    bomb(f"{folder}/_a_bomb.gz", good, megabyte, 1_100)
    packed(f"{folder}/_b_blank.gz", good, (b"\n" * (1 << 20), 3_000))
    packed(f"{folder}/_c_line.gz", good, b'{"__TIMESTAMP__":1795276861234,"__CONTENT__":"', (megabyte, 1_000), b'"}\n', (SECOND % "behind").encode())
    packed(f"{folder}/_d_deep.gz", (SECOND % "one more").encode() + lines["deep"].encode() + lines["escaped"].encode())
    packed(f"{folder}/_e_bytes.gz", b"{\"__TIMESTAMP__\":1795276861234,\"__CONTENT__\":\"\xff\xfe\xf0\x9f\"}\n" + (SECOND % "and one").encode())
    with open(f"{folder}/_f_quote.csv", "wb") as f:
        f.write(b"__TIMESTAMP__,__CONTENT__\n1795276861234,\"never closed\n" + b"1,\n" * 1_000_000)
    with open(f"{folder}/_g_lies.snappy", "wb") as f:
        f.write(struct.pack(">II", 0xFFFFFFFF, 0x7FFFFFFF) + b"\xff\xff\xff\xff\x0f\0")
    for name, head in [("_h.lzo", b"\x89LZO\0\r\n\x1a\n"), ("_i.parquet", b"PAR1" + b"\0" * 100 + b"PAR1"), ("_j.zst", b"\x28\xb5\x2f\xfd" + b"\0" * 50), ("_k.txt", b"plain words\n" * 9)]:
        with open(f"{folder}/{name}", "wb") as f:
            f.write(head)

    # The records above lie a minute after the day's end; ask for the day before, which has the generated truth.
    status, report, told = run(at("data"), f"file://{at('day/bucket')}")
    expect(f"status {status}\n{told}", status == 3)
    business = report["coverage"]["business"]
    problems = {p["key"].rsplit("/", 1)[-1]: p["reason"] for p in business["problems"]}
    for name in ["_a_bomb.gz", "_b_blank.gz", "_g_lies.snappy", "_h.lzo", "_i.parquet", "_j.zst", "_k.txt"]:
        expect(f"nothing about {name} in {problems}", problems.get(name))
    expect(f"reasons of their own: {problems}", len({problems[n] for n in ["_a_bomb.gz", "_g_lies.snappy", "_h.lzo", "_i.parquet", "_j.zst", "_k.txt"]}) == 6)
    expect(f"lzop is told how to change: {problems['_h.lzo']}", "gzip" in problems["_h.lzo"] and "JSON" in problems["_i.parquet"])
    reasons = business["rejections"]
    expect(f"a long line and a deep one are refused as such: {reasons}", reasons.get("too_long", 0) >= 1 and reasons.get("too_deep", 0) >= 1 and reasons.get("cut", 0) >= 1)
    expect(f"invalid UTF-8 is refused beside the nine plain lines: {reasons}", reasons.get("not_json", 0) >= 10)
    expect(f"{business['records']} records, not {truth['counts']['business']['records']}", business["records"] == truth["counts"]["business"]["records"])
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    expect(f"{peak_mb} MB of memory", peak_mb <= MEMORY_MB)
print(f"hostile: {len(problems)} objects refused with a reason, {sum(reasons.values())} lines too; {peak_mb} MB at most")
