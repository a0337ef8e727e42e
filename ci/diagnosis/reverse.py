"""reverse.py DAY...: every rollback of DAY/report.json against the objects that DAY/bucket holds, found here without the product.

A reverse patch, applied to the object after the change, gives the object before it (but for what servers and controllers write on
their own); every step that takes something away is guarded by a test; nothing is offered where writes before the change are not in the
log; a command is words of a shell and nothing more; a reason stands where no command is offered.
"""
import gzip
import json
import pathlib
import shlex
import sys

import jsonpatch

NOISE = ("resourceVersion", "generation", "managedFields", "uid", "creationTimestamp", "selfLink")
WRITTEN_BY_CONTROLLERS = ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")


def records(bucket):
    """Every audit record of a finished request, in time order."""
    found = {}
    for path in sorted(bucket.rglob("*.gz")):
        if "audit" not in path.relative_to(bucket).parts[0]:
            continue
        for line in gzip.decompress(path.read_bytes()).splitlines():
            record = json.loads(line)
            record = record.get("__CONTENT__", record)
            if record.get("stage") == "ResponseComplete" and record.get("objectRef"):
                found[record["auditID"]] = record
    return sorted(found.values(), key=lambda r: r["stageTimestamp"])


def bare(body):
    body = json.loads(json.dumps(body))
    body.pop("status", None)
    metadata = body.get("metadata", {})
    for field in NOISE:
        metadata.pop(field, None)
    for name in WRITTEN_BY_CONTROLLERS:
        metadata.get("annotations", {}).pop(name, None)
    if not metadata.get("annotations", True):
        metadata.pop("annotations")
    return body


def address(record):
    ref = record["objectRef"]
    return ref.get("resource"), ref.get("namespace"), ref.get("name"), ref.get("subresource")


def body(record, field="responseObject"):
    found = record.get(field)
    return found if isinstance(found, dict) and found.get("metadata", {}).get("name") else None


def before(changes, at):
    """The object's last known state before record number `at`; what a scaling answers is no state of the object but of its number."""
    same = [r for r in changes[:at] if address(r)[:3] == address(changes[at])[:3] and r["verb"] != "delete" and body(r)]
    whole = [r for r in same if not address(r)[3]]
    state = json.loads(json.dumps(body(whole[-1])))
    for scaling in (r for r in same[same.index(whole[-1]):] if r["objectRef"].get("subresource") == "scale"):
        state["spec"]["replicas"] = body(scaling)["spec"].get("replicas", 0)
    return state


def unseen(changes, at):
    """Whether writes before record number `at` are not in the log: one write raises the generation by one at most."""
    now = body(changes[at])
    if changes[at]["objectRef"].get("subresource") or not now:
        return False
    same = [r for r in changes[:at] if address(r)[:3] == address(changes[at])[:3] and r["verb"] != "delete"]
    known = [r for r in same if body(r) and "generation" in body(r)["metadata"]]
    if not known or "generation" not in now["metadata"]:
        return False
    since = [r for r in same[same.index(known[-1]) + 1:] if address(r)[3] == "scale" and r["responseStatus"].get("code", 200) < 300]
    return now["metadata"]["generation"] > body(known[-1])["metadata"]["generation"] + len(since) + 1


def after(changes, at):
    """The object as record number `at` left it."""
    if changes[at]["objectRef"].get("subresource") != "scale":
        return body(changes[at])
    state = before(changes, at)
    state["spec"]["replicas"] = body(changes[at])["spec"].get("replicas", 0)
    return state


def unguarded(steps):
    """Steps that take something away without a test of the same field, or of the name of the list element that it lies in."""
    for at, step in enumerate(steps):
        tested = [s["path"] for s in steps[:at] if s["op"] == "test"]
        element = [path[:-len("/name")] for path in tested if path.endswith("/name")]
        if step["op"] in ("remove", "replace") and step["path"] not in tested and not any((step["path"] + "/").startswith(e + "/") for e in element):
            yield step


def check(day):
    report = json.loads((day / "report.json").read_text())
    wanted = [i for i in report["incidents"] if i.get("rollback")]
    if not wanted:
        return 0, 0, 0
    changes = records(day / "bucket")
    patched = created = other = 0
    for incident in wanted:
        rollback, where = incident["rollback"], f"{day.name} {incident['id']}"
        command = rollback["command"]
        if not command:
            assert rollback["preconditions"], f"{where}: neither a command nor a reason"
            other += 1
            continue
        words = shlex.split(command)
        assert words[0] in ("kubectl", "printf"), f"{where}: {command}"
        at = next(n for n, r in enumerate(changes) if r["auditID"] == incident["change"]["audit_id"])
        assert not unseen(changes, at), f"{where}: writes before the change are not in the log, and yet a command is offered"
        if rollback.get("patch"):
            assert words[words.index("-p") + 1] == rollback["patch"], f"{where}: the command's patch is another one"
            assert not list(unguarded(json.loads(rollback["patch"]))), f"{where}: steps without a guard"
            undone = jsonpatch.apply_patch(after(changes, at), json.loads(rollback["patch"]))
            assert bare(undone) == bare(before(changes, at)), f"{where}: the patch does not give the object before"
            patched += 1
        elif words[0] == "printf":
            made, was = bare(json.loads(words[2])), bare(before(changes, at))
            for one in (made, was):
                for field in ("ownerReferences", "finalizers"):
                    one["metadata"].pop(field, None)
            assert made == was, f"{where}: the manifest is not the deleted object"
            created += 1
        else:
            other += 1
    return patched, created, other


counts = [0, 0, 0]
for day in sys.argv[1:]:
    counts = [a + b for a, b in zip(counts, check(pathlib.Path(day)))]
print("rollbacks: {} patches give the object before, {} manifests the deleted object, {} others".format(*counts))
