"""traces.py BIN DAY...: a round over each DAY/bucket, kept as DAY/report.json, and then the way back: from every kind of log that shows an
incident, `gengfu trace` reaches the same root and change in three steps, and what it asks the audit log looks at the time of the change
and finds its record; an error nobody wrote ends with no cause; no two titles are equal.

`WITHOUT=audit,event` also takes that kind out of each bucket and sees that the trace stops there and names it. Fails below .95.
"""
import datetime
import collections
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

DATE = os.environ.get("DATE", "2026-11-21")
KINDS = {"business": "业务日志", "event": "事件日志", "audit": "审计日志"}


def gengfu(binary, bucket, data, *words):
    env = dict(os.environ, GENGFU_BUCKET=f"file://{bucket.resolve()}", GENGFU_DATA_DIR=str(data))
    out = subprocess.run([binary, *words], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    try:
        return json.loads(out.stdout)
    except json.JSONDecodeError:
        sys.exit(f"{bucket} {words}: exit {out.returncode}: {out.stderr[-800:]}")


def trace(binary, bucket, data, kind, words):
    return gengfu(binary, bucket, data, "trace", "--from", kind, "--date", DATE, "--json", words)


def audit_id(holder):
    return (holder["change"] or {}).get("audit_id")


def questions(report):
    """Incident, kind, and words that a person would take from that kind's finding; a line that several incidents share says nothing of
    which is meant, so where there is no other the object is named that the incident is about."""
    holders = collections.Counter(f for incident in report["incidents"] for f in incident["findings"])
    for incident in report["incidents"]:
        for kind in sorted({link["kind"] for link in incident["chain"]}):
            of_kind = [f for f in report["findings"] if f["id"] in incident["findings"] and f["kind"] == kind]
            own = next((f for f in of_kind if holders[f["id"]] == 1), None)
            yield incident, kind, own["title"] if own else incident["root"]["object"]["name"]


def same_way(found, incident):
    return (found["verdict"] == "cause" and found["root"] == incident["root"] and audit_id(found) == audit_id(incident)
            and len(found["steps"]) == 3 and all(step["query"] for step in found["steps"]) and asked(found, incident))


def window(query):
    """The time that a query looks at; without an end: to the end of the day."""
    words = dict(word.split("=", 1) for word in query.split() if "=" in word)
    time = datetime.datetime.fromisoformat
    end = time(DATE).astimezone(time(words["from"]).tzinfo) + datetime.timedelta(days=2)
    return time(words["from"]), time(words["to"]) if "to" in words else end


def asked(found, incident):
    """Whether the audit log was really asked: the query that led to the change looks at its time and finds its record."""
    audit = next(step for step in found["steps"] if step["kind"] == "audit")
    change = incident["change"]
    if not change or change["at"][:10] != DATE:
        return True
    came_after = found["start"]["kind"] != "audit"
    at = datetime.datetime.fromisoformat(change["at"])
    inside = not came_after or window(audit["query"])[0] <= at <= window(audit["query"])[1]
    return inside and audit["hits"] > 0 and change["evidence"] in audit["evidence"]


def without(binary, day, kind, report):
    """The same questions with one kind of log gone: (asked, stopped and named)."""
    with tempfile.TemporaryDirectory() as scratch:
        bucket = pathlib.Path(scratch) / "bucket"
        shutil.copytree(day / "bucket", bucket, ignore=lambda folder, names: [kind] if pathlib.Path(folder) == day / "bucket" else [])
        data = pathlib.Path(scratch) / "data"
        lame = gengfu(binary, bucket, data, "run", "--date", DATE, "--json")
        of = stopped = 0
        for incident, at, words in questions(lame):
            if at == kind:
                continue
            found = trace(binary, bucket, data, at, words)
            of += 1
            named = any(kind in m or KINDS[kind] in m for m in found["missing"])
            # Events and audit name a cause by themselves.
            unknown = kind != "business" or incident["root"]["cause"] == "unknown"
            known = unknown or found["root"] == incident["root"] and audit_id(found) == audit_id(incident)
            stopped += found["verdict"] == "stopped" and named and known
        return of, stopped


def main(binary, *days):
    of = right = 0
    gone = {kind: [0, 0] for kind in os.environ.get("WITHOUT", "").split(",") if kind}
    for day in map(pathlib.Path, days):
        with tempfile.TemporaryDirectory() as data:
            report = gengfu(binary, day / "bucket", data, "run", "--date", DATE, "--json")
            (day / "report.json").write_text(json.dumps(report, ensure_ascii=False))
            titles = [incident["title"] for incident in report["incidents"]]
            assert len(set(titles)) == len(titles), f"{day}: two incidents are told alike: {titles}"
            for incident, kind, words in questions(report):
                found = trace(binary, day / "bucket", data, kind, words)
                of += 1
                right += same_way(found, incident)
                if not same_way(found, incident):
                    print(f"  {day.name} {incident['id']} from {kind}: {words!r} ends in {found['verdict']} {found['root']} {[(s['query'], s['hits']) for s in found['steps']]}")
            unknown = trace(binary, day / "bucket", data, "business", "qwzx no such words")
            assert unknown["verdict"] == "no_cause", f"{day}: an error nobody wrote has the cause {unknown['root']}"
        for kind, count in gone.items():
            count[:] = [a + b for a, b in zip(count, without(binary, day, kind, report))]
    print(f"traces: {right} of {of} reach the root and the change of their incident")
    for kind, (lame, stopped) in gone.items():
        print(f"without {kind}: {stopped} of {lame} stop there and name it")
    return right < 0.95 * of


sys.exit(main(*sys.argv[1:]))
