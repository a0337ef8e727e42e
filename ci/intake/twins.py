#!/usr/bin/env python3
"""twins.py BIN SHARED: objects that come late, come twice or change on a day already read, and lines read again for a question.

After a first run a partial copy of an old object and a late object appear, then an old object is replaced by a part of itself: each
time the day is the same as one read at once. Then `fetch_logs` is asked for random windows, objects and words, and its totals
are compared with a count over the raw files.
"""
import glob
import gzip
import json
import os
import random
import re
import shutil
import subprocess
import urllib.request

from world import DATE, command, expect, generate, run, same, workplace

QUESTIONS = 24
TOKEN = "token-of-the-intake-check"


def objects(root, kind):
    """The day's own hours; the first of them begins with the end of the day before."""
    return sorted(glob.glob(f"{root}/{kind}/2026/11/21/*/*.gz"))


def lines_of(path):
    with gzip.open(path) as f:
        return f.read().splitlines(keepends=True)


def write(path, lines):
    with open(path, "wb") as f:
        f.write(gzip.compress(b"".join(lines), mtime=0))


def late_days(work, root):
    late = objects(root, "audit")[40]
    shutil.move(late, os.path.join(work, "late.gz"))
    bucket = f"file://{root}"
    data = os.path.join(work, "data")
    expect("the first run ends well", run(data, bucket)[0] == 0)

    def as_fresh(what):
        _, again, _ = run(data, bucket)
        _, fresh, _ = run(os.path.join(work, f"fresh of {what}"), bucket)
        expect(f"{what}: differs in {same(again, fresh)}", not same(again, fresh))

    for kind in ("business", "event", "audit"):
        old = objects(root, kind)[50]
        whole = lines_of(old)
        # One twin comes before its original in the order of keys, one behind it.
        write(old.replace(".gz", "0.gz"), whole[: len(whole) // 2])
        write(os.path.join(os.path.dirname(old), "0" + os.path.basename(old)), whole[len(whole) // 3:])
    shutil.move(os.path.join(work, "late.gz"), late)
    as_fresh("twins and a late object")

    for kind in ("business", "event", "audit"):
        old = objects(root, kind)[48]
        whole = lines_of(old)
        write(old.replace(".gz", "0.gz"), whole)
    as_fresh("whole copies")
    for kind in ("business", "event", "audit"):
        old = next(path for path in objects(root, kind) if path.endswith("0.gz") and os.path.exists(path[:-4] + ".gz") and len(lines_of(path)) > 2)
        write(old[:-4] + ".gz", lines_of(old)[:1])
    as_fresh("replaced objects")


def records(root, kind):
    """Each record once: when, namespace, name, and the text that words are looked for in."""
    seen = {}
    for path in sorted(glob.glob(f"{root}/{kind}/**/*.gz", recursive=True)):
        for line in lines_of(path):
            r = json.loads(line)
            if kind == "business":
                tags = r.get("__TAG__", {})
                # A program's level is one of five words, whatever it calls it.
                own = {k: v for k, v in r.items() if k != "level" and (not k.startswith("__") or k == "__CONTENT__")}
                seen[line] = (r["__TIMESTAMP__"], tags.get("namespace", ""), tags.get("pod_name", ""), json.dumps(own, ensure_ascii=False))
            elif kind == "event":
                e = r["event"]
                o = e["involvedObject"]
                seen[e["metadata"]["uid"], e.get("count"), e.get("lastTimestamp")] = (
                    r["__TIMESTAMP__"], o.get("namespace", ""), o["name"], f"{e['reason']} {o['name']}: {e['message']}")
            else:
                o = r.get("objectRef") or {}
                seen[r["auditID"], r["stage"]] = (r["__TIMESTAMP__"], o.get("namespace", ""), o.get("name", ""), "")
    return list(seen.values())


def questions(root):
    dice = random.Random(21)
    midnight = 1795190400000
    for number in range(QUESTIONS):
        kind = ("business", "event", "audit")[number % 3]
        all_records = [r for r in records(root, kind) if 0 <= r[0] - midnight < 86_400_000]
        start = dice.randrange(0, 1380)
        end = dice.randrange(start + 5, min(start + 300, 1439))
        asked = {"kind": kind, "date": DATE, "start": f"{start // 60:02}:{start % 60:02}", "end": f"{end // 60:02}:{end % 60:02}", "limit": 3}
        fits = [r for r in all_records if start * 60_000 <= r[0] - midnight < end * 60_000]
        if fits and number % 4 in (1, 3):
            asked["object"] = dice.choice(fits)[2].rsplit("-", 1)[0].lower()
            fits = [r for r in fits if asked["object"] in r[2].lower()]
        words = [w for r in fits for w in re.findall(r"\b[a-z]{5,9}\b", r[3])]
        if words and number % 4 in (2, 3):
            asked["keyword"] = dice.choice(words)
            fits = [r for r in fits if asked["keyword"] in r[3].lower()]
        yield asked, len(fits)


def ask_all(work, root):
    at = command(os.path.join(work, "data"), f"file://{root}", {"GENGFU_BIND": "127.0.0.1:0", "GENGFU_TOKENS": f"{TOKEN};detail=full"})
    at["args"] = [at["args"][0], "serve"]
    at["stderr"] = subprocess.STDOUT
    server = subprocess.Popen(**at)
    try:
        url = None
        for line in server.stdout:
            found = re.search(rb"http://127\.0\.0\.1:\d+/mcp", line)
            if found:
                url = found[0].decode()
                break
        session = None
        wrong = []

        def call(method, params, number=None):
            nonlocal session
            body = {"jsonrpc": "2.0", "method": method, "params": params, **({} if number is None else {"id": number})}
            headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}",
                       "MCP-Protocol-Version": "2025-06-18", **({"Mcp-Session-Id": session} if session else {})}
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=60) as answer:
                session = answer.headers.get("Mcp-Session-Id") or session
                return answer.read().decode()

        call("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "check", "version": "1"}}, 1)
        call("notifications/initialized", {})
        for number, (asked, wanted) in enumerate(questions(root), 2):
            text = call("tools/call", {"name": "fetch_logs", "arguments": asked}, number)
            total = re.search(r"\btotal[=: ]+(\d+)", text)
            found = int(total[1]) if total else text[-600:]
            if found != wanted:
                wrong.append((asked, found, wanted))
        expect(f"totals of the bucket: {wrong}", not wrong)
    finally:
        server.kill()
        server.wait()


with workplace() as work:
    generate(os.path.join(work, "day"), seed=9, scale=0.2)
    root = os.path.join(work, "day/bucket")
    late_days(work, root)
    ask_all(work, root)
print(f"twins: as if read at once; {QUESTIONS} questions counted right")
