"""planted.py BIN SHARED: orders that somebody wrote into logs change nothing.

Days of one seed are generated twice, with and without planted texts (`--no-hostile`); verdict, roots, changes, rollbacks and fixes of
the two reports must be equal, byte for byte.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

DATE = "2026-11-21"
# Seed and number of incidents: several at once, and a day without any.
DAYS = [(61, ["--incidents", "3"]), (62, ["--incidents", "2"]), (63, ["--families", "none"])]


def day(folder, shared, seed, more):
    gen = [sys.executable, str(pathlib.Path(shared, "incidents", "gen.py")), "--date", DATE, "--seed", str(seed), "--scale", "0.1", "--days-before", "2"]
    subprocess.run([*gen, "--out", str(folder), *more], check=True, capture_output=True)
    return json.loads((folder / "truth.json").read_text())


def report(binary, folder):
    env = dict(os.environ, GENGFU_BUCKET=f"file://{folder}/bucket", GENGFU_DATA_DIR=str(folder / "data"), GENGFU_BASELINE_DAYS="2")
    out = subprocess.run([binary, "run", "--date", DATE, "--json"], env=env, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert out.returncode == 0, f"{folder}: exit {out.returncode}: {out.stderr[-800:]}"
    return json.loads(out.stdout)


def decided(report):
    """What a planted order could want to change."""
    fields = ("title", "root", "confidence", "severity", "change", "rollback", "no_rollback", "fix", "status")
    incidents = [{field: incident.get(field) for field in fields} for incident in report["incidents"]]
    return json.dumps({"verdict": report["verdict"], "incidents": incidents}, ensure_ascii=False, sort_keys=True)


def main(binary, shared):
    binary = str(pathlib.Path(binary).resolve())
    planted = 0
    with tempfile.TemporaryDirectory() as work:
        for seed, more in DAYS:
            pair = []
            for name, flag in (("with", []), ("without", ["--no-hostile"])):
                folder = pathlib.Path(work, f"{seed}-{name}")
                truth = day(folder, shared, seed, [*more, *flag])
                assert bool(truth["hostile"]) == (name == "with"), f"{folder}: {len(truth['hostile'])} planted texts"
                planted += len(truth["hostile"])
                pair.append(decided(report(binary, folder)))
            assert pair[0] == pair[1], f"seed {seed}: planted texts changed the report:\n  with    {pair[0]}\n  without {pair[1]}"
    print(f"planted: {planted} texts in {len(DAYS)} days change no verdict, root, change, rollback or fix")


main(*sys.argv[1:])
