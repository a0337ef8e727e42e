#!/usr/bin/env python3
"""faults.py BIN SHARED: a COS in trouble gives the same report as the folder; each fault that only a human can cure is told in a sentence of its own.

Run it with a Python that has cos-python-sdk-v5.
"""
import os
import shutil

from world import cos, expect, generate, run, same, workplace

with workplace() as work:
    at = lambda name: os.path.join(work, name)
    generate(at("day"))
    root = at("day/bucket")
    keys = sorted(os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names)
    victim = next(key for key in keys if key.startswith("business/2026/11/21/12/"))
    os.makedirs(os.path.dirname(at(f"alone/{victim}")))
    shutil.copy(os.path.join(root, victim), at(f"alone/{victim}"))
    status, folder, _ = run(at("folder"), f"file://{root}")
    expect("the folder is read", status == 0)

    troubled = ["--fail", "503:0.05", "--cut", "0.05", "--page", "7", "--latency-ms", "20"]
    for name, options in [("troubled", troubled), ("double-slash", ["--double-slash"])]:
        with cos(root, *options) as environment:
            status, report, told = run(at(name), "cos://127", environment)
        # Keys with two slashes are other keys, so evidence names them otherwise.
        differs = [key for key in same(folder, report or {}) if name != "double-slash" or key not in ("findings", "claims")]
        expect(f"{name}: status {status}, differs in {differs}\n{told}", status == 0 and not differs)

    sentences = {}
    # Name, options of the server, what the client has, status, and a word of the cure that must be told.
    for name, options, client, wanted, cure in [
        ("wrong key", [], {"TENCENTCLOUD_SECRET_KEY": "Wrong"}, 1, "TENCENTCLOUD_SECRET_KEY"),
        ("wrong id", [], {"TENCENTCLOUD_SECRET_ID": "AKIDWRONG"}, 1, "TENCENTCLOUD_SECRET_ID"),
        ("expired token", ["--expired-token"], {"TENCENTCLOUD_TOKEN": "old"}, 1, "TENCENTCLOUD_TOKEN"),
        ("clock behind", ["--skew", "7200"], {}, 1, "NTP"),
        ("clock ahead", ["--skew", "-7200"], {}, 1, "NTP"),
        ("listing denied", ["--deny", "list"], {}, 1, "cos:GetBucket"),
        ("reading denied", ["--deny", "get"], {}, 1, "cos:GetObject"),
        ("archived", ["--archive", victim], {}, 3, victim),
        # The first read breaks off in the middle; when it goes on, the object is another.
        ("replaced", ["--replace", victim, "--cut", "1"], {}, 3, victim),
    ]:
        with cos(at("alone") if name == "replaced" else root, *options) as environment:
            status, report, told = run(at(name), "cos://127", {**environment, **client})
        problems = [p for kind in (report or {"coverage": {}})["coverage"].values() for p in kind.get("problems", [])]
        said = told + "".join(f"{p['key']} {p['reason']}" for p in problems)
        expect(f"{name}: status {status}, not {wanted}\n{told}", status == wanted)
        expect(f"{name}: nothing about {cure} in\n{said}", cure in said)
        sentences[name] = problems[0]["reason"] if problems else told
    expect(f"a sentence each: {sentences}", len(set(sentences.values())) == len(sentences))
print(f"faults: {len(sentences)} told apart, a COS in trouble reads like a folder")
