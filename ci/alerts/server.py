"""The binary as a server, and a robot that talks to it."""
import contextlib
import json
import os
import re
import subprocess
import time
import urllib.request

from stand_ins import MAC
from world import BIN, expect

TOKEN = "token-of-the-alarm-check"


def settings(home, environment):
    """Everything that a process of ours sees, in a folder of its own."""
    os.makedirs(home, exist_ok=True)
    return {"PATH": os.environ["PATH"], "HOME": home, "GENGFU_DATA_DIR": home, "GENGFU_BASELINE_DAYS": "0", "GENGFU_BIND": "127.0.0.1:0",
            "GENGFU_TOKENS": f"{TOKEN};name=robot", "GENGFU_RUN_AT": "23:59", **environment}


@contextlib.contextmanager
def serve(home, environment):
    """A server; gives the address of MCP."""
    env = settings(home, environment)
    with open(f"{home}/out", "w") as out, open(f"{home}/err", "w") as err:
        server = subprocess.Popen([BIN, "serve"], cwd=home, env=env, stdout=out, stderr=err)
    try:
        until = time.monotonic() + 60
        while server.poll() is None and time.monotonic() < until:
            with open(f"{home}/out") as f:
                found = re.search(r"http://127\.0\.0\.1:\d+/mcp", f.read())
            if found:
                yield found[0]
                return
            time.sleep(0.05)
        with open(f"{home}/err") as f:
            expect(f"the server did not start\n{f.read()}", False)
    finally:
        server.terminate()
        server.wait()


class Robot:
    """As much of MCP over HTTP as the conversation needs."""

    def __init__(self, url):
        self.url, self.session, self.n = url, None, 0
        self.send("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "robot", "version": "1"}})

    def send(self, method, params):
        self.n += 1
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": f"Bearer {TOKEN}"}
        if self.session:
            headers |= {"Mcp-Session-Id": self.session, "MCP-Protocol-Version": "2025-06-18"}
        body = json.dumps({"jsonrpc": "2.0", "id": self.n, "method": method, "params": params}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url, body, headers), timeout=30) as response:
            self.session = self.session or response.headers.get("Mcp-Session-Id")
            text = response.read().decode()
        data = [line[5:] for line in text.splitlines() if line.startswith("data:") and line[5:].strip()]
        return json.loads(data[-1] if data else text)

    def ask(self, tool, **arguments):
        answer = self.send("tools/call", {"name": tool, "arguments": {"device_id": MAC, **arguments}})
        return answer["result"]["content"][0]["text"]
