#!/usr/bin/env python3
"""layouts.py BIN SHARED: one day in every layout and every form in which CLS ships it gives the same records and the same incidents.

Layouts: partitions coarse and fine, the documented `%M` mistake, no partition at all, two slashes, a task that ships by UTC, names without a time, Chinese and
special characters. Forms: no compression, many gzip members, snappy framed and as Hadoop writes it, CSV with a header; lzop and Parquet are refused with the way out.

Run it with a Python that has cramjam.
"""
import csv
import datetime
import glob
import gzip
import io
import json
import os
import struct
import zlib

import cramjam

from world import expect, generate, run, workplace

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))


def objects(bucket):
    for kind in ("business", "event", "audit"):
        for path in sorted(glob.glob(f"{bucket}/{kind}/**/*.gz", recursive=True)):
            shipped = datetime.datetime.strptime(os.path.basename(path)[:12], "%Y%m%d%H%M").replace(tzinfo=SHANGHAI)
            with open(path, "rb") as f:
                yield kind, shipped, os.path.basename(path), f.read()


def put(root, key, data):
    path = os.path.join(root, key)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def lay(bucket, root, prefix, partition, zone=SHANGHAI, name=lambda name, n: name, form=lambda data: data):
    """The bucket's objects as another task would have shipped them."""
    for n, (kind, shipped, old, data) in enumerate(objects(bucket)):
        folder = shipped.astimezone(zone).strftime(partition)
        put(root, prefix.format(kind) + folder + name(old, n), form(data))


def members(data):
    text = gzip.decompress(data)
    return b"".join(gzip.compress(text[i:i + 3_000], mtime=0) for i in range(0, len(text), 3_000))


def hadoop(data):
    text, out = gzip.decompress(data), b""
    for i in range(0, len(text), 1 << 18):
        block = text[i:i + (1 << 18)]
        out += struct.pack(">I", len(block))
        for j in range(0, len(block), 1 << 16):
            chunk = bytes(cramjam.snappy.compress_raw(block[j:j + (1 << 16)]))
            out += struct.pack(">I", len(chunk)) + chunk
    return out


def as_csv(data):
    """Columns that a record does not have are empty, as the task is told to write them."""
    records = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    flat = []
    for record in records:
        tags = {f"__TAG__.{k}": v for k, v in record.pop("__TAG__", {}).items()}
        flat.append({k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in {**record, **tags}.items()})
    columns = sorted({key for record in flat for key in record})
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return gzip.compress(out.getvalue().encode(), mtime=0)


def told(report):
    """What must not depend on where and how a day lies: its records, and what was wrong with it."""
    return ({kind: c["records"] for kind, c in report["coverage"].items()},
            [(i["root"], i["start"], i["end"], (i["change"] or {}).get("audit_id")) for i in report["incidents"]])


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    generate(at("day"), seed=9)
    bucket = at("day/bucket")
    status, plain, err = run(at("plain"), f"file://{bucket}")
    expect(f"the day: status {status}\n{err}", status == 0 and plain["incidents"])
    random = lambda name, n: f"_{zlib.crc32(name.encode()):08x}_{n}.gz"
    utc = datetime.timezone.utc
    layouts = [
        ("a day in one folder", "{}/", "%Y%m%d/", {}, {}),
        ("hours in the name", "{}/", "%Y-%m-%d_%H/", {}, {}),
        ("minutes", "{}/", "%Y/%m/%d/%H/%M/", {}, {}),
        ("as Hive has it", "{}/", "dt=%Y%m%d/", {}, {}),
        ("minutes for months", "{}/", "%Y%M%d/%H/", {}, {}),
        ("flat", "{}/", "", {}, {"GENGFU_PARTITION": "/"}),
        ("flat, names without a time", "{}/", "", {"name": random}, {"GENGFU_PARTITION": "/"}),
        ("names without a time", "{}/", "%Y/%m/%d/%H/", {"name": random}, {}),
        ("two slashes", "{}//", "%Y/%m/%d/%H/", {}, {"GENGFU_PARTITION": "/%Y/%m/%d/%H/"}),
        ("by UTC", "{}/", "%Y/%m/%d/%H/", {"zone": utc}, {"GENGFU_PARTITION_TIMEZONE": "UTC"}),
        ("Chinese and special characters", "日志 a+b%25&=/{}'$/", "%Y/%m/%d/%H/", {}, {}),
    ]
    for n, (name, prefix, partition, how, environment) in enumerate(layouts):
        lay(bucket, at(f"layout{n}"), prefix, partition, **how)
        configured = prefix.replace("//", "/")
        places = {f"GENGFU_{kind.upper()}_PREFIX": configured.format(kind) for kind in ("business", "event", "audit")}
        status, report, err = run(at(f"data{n}"), f"file://{at(f'layout{n}')}", {**places, "GENGFU_PARTITION": partition, **environment})
        expect(f"{name}: status {status}\n{err}", status == 0)
        expect(f"{name}: {told(report)}\nnot {told(plain)}", told(report) == told(plain))
    forms = [
        ("no compression", gzip.decompress), ("many members", members), ("snappy, framed", lambda data: bytes(cramjam.snappy.compress(gzip.decompress(data)))),
        ("snappy, Hadoop", hadoop), ("CSV", as_csv),
    ]
    for n, (name, form) in enumerate(forms):
        lay(bucket, at(f"form{n}"), "{}/", "%Y/%m/%d/%H/", form=form)
        status, report, err = run(at(f"forms{n}"), f"file://{at(f'form{n}')}")
        expect(f"{name}: status {status}\n{err}", status == 0)
        expect(f"{name}: {told(report)}\nnot {told(plain)}", told(report) == told(plain))
    for name, head, way_out in [("lzop", b"\x89LZO\0\r\n\x1a\n", "gzip"), ("Parquet", b"PAR1", "JSON"), ("raw", b"plain words\n", "JSON")]:
        lay(bucket, at(name), "{}/", "%Y/%m/%d/%H/", form=lambda _: head)
        status, report, err = run(at(f"{name}-data"), f"file://{at(name)}")
        reasons = {p["reason"] for c in report["coverage"].values() for p in c.get("problems", [])}
        expect(f"{name}: status {status}, {reasons}", status == 3 and len(reasons) == 1 and way_out in reasons.pop())
print(f"layouts: {len(layouts)} layouts and {len(forms)} forms of a day give the same incidents; three forms are refused with the way out")
