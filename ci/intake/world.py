"""What the checks of intake stand on: generated days, the binary, and a COS that misbehaves on request."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BIN, SHARED = (os.path.realpath(path) for path in sys.argv[1:3])
DATE = "2026-11-21"
KEY = {"TENCENTCLOUD_SECRET_ID": "AKIDEXAMPLE", "TENCENTCLOUD_SECRET_KEY": "SecretKeyExample", "TENCENTCLOUD_REGION": "ap-guangzhou"}
# What a key and a clock say about the process, and where files were written, are no part of "the same report".
BESIDES = ("timings_ms", "llm", "checked_at", "files", "owner", "revision")


@contextlib.contextmanager
def workplace():
    folder = tempfile.mkdtemp()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def generate(out, *options, seed=7, scale=0.05, days_before=0):
    """A day's bucket and the truth about it."""
    subprocess.run([sys.executable, os.path.join(SHARED, "incidents", "gen.py"), "--date", DATE, "--out", out, "--seed", str(seed),
                    "--scale", str(scale), "--days-before", str(days_before), *options], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(os.path.join(out, "truth.json"), encoding="utf-8") as f:
        return json.load(f)


def command(data, bucket, environment=None):
    os.makedirs(data, exist_ok=True)
    env = {"PATH": os.environ["PATH"], "HOME": data, "GENGFU_BUCKET": bucket, "GENGFU_DATA_DIR": data, "GENGFU_BASELINE_DAYS": "0", **(environment or {})}
    return {"args": [BIN, "run", "--date", DATE, "--json"], "env": env, "cwd": data, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


def run(data, bucket, environment=None):
    """Exit status, report (None when there is none) and what the operator was told."""
    done = subprocess.run(**command(data, bucket, environment))
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else None, done.stderr.decode()


def same(a, b):
    """The names of what differs between two reports."""
    def bare(value):
        if isinstance(value, dict):
            return {k: bare(v) for k, v in value.items() if k not in BESIDES}
        return [bare(v) for v in value] if isinstance(value, list) else value
    return [key for key in sorted({*a, *b} - {*BESIDES}) if bare(a.get(key)) != bare(b.get(key))]


@contextlib.contextmanager
def cos(root, *options):
    """A COS over the bucket at `root`; gives the environment that leads to it."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    server = subprocess.Popen([sys.executable, os.path.join(SHARED, "tools", "cos_mock.py"), "--root", root, "--port", str(port), *options],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield {**KEY, "GENGFU_COS_ENDPOINT": f"http://127.0.0.1:{port}"}
    finally:
        server.kill()
        server.wait()


def expect(what, fact):
    if not fact:
        sys.exit(f"FAILED: {what}")
