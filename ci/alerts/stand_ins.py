"""Stand-ins of what is told: xiaozhi's MQTT gateway with one robot, and a DingTalk group.

The gateway behaves as `app.js` of xiaozhi-mqtt-gateway does: a token is the SHA-256 of its own date and key, a robot is idle, busy or offline, only `mcp`
commands pass, and a robot that is away answers 500 `设备未连接`.
"""
import contextlib
import datetime
import hashlib
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "Sign4tureKey!"
MAC = "aa:bb:cc:00:11:22"
CLIENT = f"GID_default@@@{MAC.replace(':', '_')}@@@{MAC.replace(':', '_')}"


class Told:
    """What arrived: `spoken` and `written` are queues of texts, `refused` counts calls with a token of another day."""

    def __init__(self):
        self.state = {"exists": True, "isAlive": False}
        self.spoken, self.written, self.refused = queue.Queue(), queue.Queue(), 0

    def command(self, path, body):
        if not self.state["exists"]:
            return 500, {"success": False, "error": "设备未连接"}
        if body.get("type") != "mcp":
            return 500, {"success": False, "error": "指令类型无效"}
        params = body["payload"]["params"]
        if path.rsplit("/", 1)[1] != CLIENT or params["name"] != "self.remote_wakeup":
            return 500, {"success": False, "error": f"Unknown tool: {params['name']}"}
        self.spoken.put(params["arguments"]["reason"])
        return 200, {"success": True, "data": {"content": [{"type": "text", "text": "true"}], "isError": False}}

    def answer(self, path, headers, body):
        if path == "/robot/send":
            self.written.put(body["markdown"]["text"])
            return 200, {"errcode": 0}
        today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        if headers["Authorization"] != "Bearer " + hashlib.sha256((today + KEY).encode()).hexdigest():
            self.refused += 1
            return 401, {"error": "无效的授权令牌"}
        if path == "/api/devices/status":
            return 200, {CLIENT: self.state} if body.get("clientIds") == [CLIENT] else {}
        return self.command(path, body)


@contextlib.contextmanager
def listeners():
    """The stand-ins on loopback: what they were told, and the environment that leads to them."""
    told = Told()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = told.answer(self.path, self.headers, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield told, {"GENGFU_GATEWAY_URL": url, "GENGFU_GATEWAY_KEY": KEY, "GENGFU_DEVICES": f"{MAC};name=客厅", "GENGFU_CHAT_WEBHOOK": f"{url}/robot/send"}
    finally:
        server.shutdown()
        server.server_close()
