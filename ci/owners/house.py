"""What the checks of owners stand on: a server over generated buckets, owners with keys, and a robot that calls its tools."""
import contextlib
import csv
import datetime
import io
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "intake"))
import world  # noqa: E402

SHANGHAI = datetime.timezone(datetime.timedelta(hours=8))
YESTERDAY = (datetime.datetime.now(SHANGHAI) - datetime.timedelta(days=1)).date().isoformat()
# A server tells of yesterday.
world.DATE = YESTERDAY
MARK = "【仅供选择下一步,不要读出】"


def environment(data, **more):
    return {"PATH": os.environ["PATH"], "HOME": data, "GENGFU_DATA_DIR": data, "GENGFU_BASELINE_DAYS": "0", "GENGFU_BIND": "127.0.0.1:0",
            "TENCENTCLOUD_REGION": "ap-guangzhou", "GENGFU_ENV_FILE": os.path.join(data, "keys.env"), **more}


def register(data, owners, **more):
    """Owners from a user table: alias, id, key, bucket."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["alias", "secret_id", "secret_key", "bucket"])
    rows.writerows(owners)
    subprocess.run([world.BIN, "owner", "import", "--csv", "-"], input=table.getvalue(), text=True, check=True, env=environment(data, **more),
                   cwd=data, stdout=subprocess.DEVNULL)


@contextlib.contextmanager
def serving(data, **more):
    """A running server: its process, its address, and the lines it has logged so far."""
    process = subprocess.Popen([world.BIN, "serve"], env=environment(data, **more), cwd=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    logged = []
    reader = threading.Thread(target=lambda: logged.extend(process.stderr), daemon=True)
    reader.start()
    try:
        address = process.stdout.readline().split()[-1]
        yield process, address, logged
    finally:
        process.terminate()
        process.wait()
        reader.join()


class Robot:
    def __init__(self, address, token=""):
        self.address, self.token, self.session = address, token, None
        self.post("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "ci", "version": "1"}})

    def post(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if self.session:
            headers |= {"mcp-session-id": self.session, "mcp-protocol-version": "2025-06-18"}
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.address, body, headers), timeout=30) as answer:
            self.session = answer.headers.get("mcp-session-id", self.session)
            text = answer.read().decode()
        lines = [line[5:].strip() for line in text.splitlines() if line.startswith("data:")] or [text]
        answers = [json.loads(line) for line in lines if line]
        return next(a["result"] for a in answers if "result" in a)

    def call(self, tool, **arguments):
        """What the robot would tell, and the line for the model."""
        text = self.post("tools/call", {"name": tool, "arguments": arguments})["content"][0]["text"]
        told, _, aside = text.partition(MARK)
        return told, aside


def report_of(data, owner):
    with open(os.path.join(data, "analysis_results", owner, YESTERDAY, "report.json"), encoding="utf-8") as f:
        return json.load(f)


def wait_for(what, fact, seconds):
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            sys.exit(f"FAILED: {what} within {seconds} s")
        time.sleep(0.05)
