#!/usr/bin/env python3
"""clusters.py BIN SHARED: two clusters of one owner, each with a `shop/checkout` of its own, are judged as if each were alone, and every object says where it lives."""
import os
import shutil

from world import expect, generate, run, workplace

NAMES = ("cls-1a2b3c4d", "cls-5e6f7a8b")


def unnamed(lines_folder):
    """The generator's own cluster name is the same in both days; a place says whose the records are."""
    import glob
    import gzip
    for path in glob.glob(f"{lines_folder}/**/*.gz", recursive=True):
        with gzip.open(path) as f:
            data = f.read()
        for mark in (b'"clusterId":', b'"cluster_id":'):
            while (at := data.find(mark)) >= 0:
                end = data.index(b'"', data.index(b'"', at + len(mark)) + 1) + 1
                end += data[end:end + 1] == b","
                start = at - (data[end:end + 1] == b"}" and data[at - 1:at] == b",")
                data = data[:start] + data[end:]
        with open(path, "wb") as f:
            f.write(gzip.compress(data, mtime=0))


def told(report, cluster=None):
    """What is told of a cluster: cause, object, change, in any order."""
    mine = lambda o: cluster is None or o.get("cluster") == cluster
    incidents = [(i["root"]["cause"], i["root"]["object"]["name"], (i["change"] or {}).get("audit_id"), bool(i["rollback"])) for i in report["incidents"] if mine(i["root"]["object"])]
    findings = [(f["cause"], f["object"]["kind"], f["object"]["name"], f["count"]) for f in report["findings"] if mine(f["object"])]
    return sorted(map(str, incidents)), sorted(map(str, findings))


with workplace() as work:
    at = lambda name: os.path.join(work, name)
    alone, prefixes = {}, {"BUSINESS": [], "EVENT": [], "AUDIT": []}
    for n, (name, seed) in enumerate(zip(NAMES, (21, 22))):
        generate(at(name), "--incidents", "2", seed=seed, days_before=1)
        unnamed(at(f"{name}/bucket"))
        status, alone[name], err = run(at(f"data{n}"), f"file://{at(name)}/bucket", {"GENGFU_BASELINE_DAYS": "1"})
        expect(f"{name} alone: status {status}\n{err}", status == 0 and alone[name]["incidents"])
        for kind in prefixes:
            shutil.copytree(at(f"{name}/bucket/{kind.lower()}"), at(f"both/{kind.lower()}-{n}"))
            prefixes[kind].append(f"{kind.lower()}-{n}/;cluster={name}")
    places = {f"GENGFU_{kind}_PREFIX": ",".join(list_) for kind, list_ in prefixes.items()}
    status, both, err = run(at("data"), f"file://{at('both')}", {**places, "GENGFU_CLUSTERS": ",".join(NAMES), "GENGFU_BASELINE_DAYS": "1"})
    expect(f"both: status {status}\n{err}", status == 0)
    for name in NAMES:
        for what, mine, there in zip(("incidents", "findings"), told(alone[name]), told(both, name)):
            expect(f"{what} of {name}:\nalone {mine}\nboth  {there}", mine == there)
    expect("every incident says its cluster", all(i["root"]["object"].get("cluster") in NAMES and i["root"]["object"]["cluster"] in i["title"] for i in both["incidents"]))
    expect("one cluster is not named", not any("cluster" in i["root"]["object"] for name in NAMES for i in alone[name]["incidents"]))
    ids = [i["identity"] for i in both["incidents"]]
    expect(f"identities: {ids}", len(set(ids)) == len(ids))
print(f"clusters: {len(both['incidents'])} incidents of two clusters, each as if its cluster were alone")
