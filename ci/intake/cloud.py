"""A stand-in of Tencent Cloud's API 3.0 (TKE and CLS) that refuses every request the official Python SDK would have signed otherwise.

    with cloud(account) as environment: ...

`account` names clusters, switches, shippers and, by topic, shipped lines as they would lie in the bucket; `shipped_ms` is the log time up to which the shipping
tasks have run. Needs tencentcloud-sdk-python-common.
"""
import contextlib
import json
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from tencentcloud.common import credential
from tencentcloud.common.abstract_client import AbstractClient
from tencentcloud.common.profile.client_profile import ClientProfile

from world import KEY

SERVICES = {"2020-10-16": "cls", "2018-05-25": "tke", "2018-07-24": "monitor"}
# Only its signing is used.
SDK = AbstractClient(credential.Credential(KEY["TENCENTCLOUD_SECRET_ID"], KEY["TENCENTCLOUD_SECRET_KEY"]), KEY["TENCENTCLOUD_REGION"], ClientProfile())


def expected_signature(headers, body):
    service = SERVICES[headers["X-TC-Version"]]
    date = datetime.fromtimestamp(int(headers["X-TC-Timestamp"]), timezone.utc).strftime("%Y-%m-%d")
    request = SimpleNamespace(method="POST", uri="/", data=body, header={
        "Content-Type": headers["Content-Type"], "Host": headers["Host"], "X-TC-Timestamp": headers["X-TC-Timestamp"]})
    signature = SDK._get_tc3_signature(None, request, date, service, KEY["TENCENTCLOUD_SECRET_KEY"])
    scope = f"{date}/{service}/tc3_request"
    return f"TC3-HMAC-SHA256 Credential={KEY['TENCENTCLOUD_SECRET_ID']}/{scope}, SignedHeaders=content-type;host, Signature={signature}"


def fits(query, fields):
    if query == "*":
        return True
    if query.startswith("verb:"):
        return fields.get("verb") in [part.strip().removeprefix("verb:") for part in query.split(" OR ")]
    text = json.dumps(fields, ensure_ascii=False).lower()
    return all(any(phrase.strip('"').lower() in text for phrase in group.strip("()").split(" OR ")) for group in query.split(" AND "))


def log_of(line):
    """A line as the topic has it: its time, its fields, and what the service keeps beside them."""
    fields = dict(line)
    beside = {name: fields.pop(key, "") for key, name in [("__SOURCE__", "Source"), ("__FILENAME__", "FileName"), ("__HOSTNAME__", "HostName")]}
    return milliseconds(fields.pop("__TIMESTAMP__")), fields, beside


def milliseconds(time):
    return int(time) * (1 if int(time) > 10**11 else 1000)


class Account:
    """What a key sees. `refused` are actions without permission; `seen` counts the actions that were asked."""

    def __init__(self, clusters=(), switches=(), shippers=(), topics=None, shipped_ms=0, refused=()):
        self.clusters, self.switches, self.shippers = list(clusters), list(switches), list(shippers)
        self.topics = {topic: sorted(map(log_of, lines), key=lambda log: log[0]) for topic, lines in (topics or {}).items()}
        self.shipped_ms, self.refused, self.seen, self.forged = shipped_ms, refused, {}, 0
        self.running, self.most_running, self.lock = {}, 0, threading.Lock()

    def answer(self, action, body):
        with self.lock:
            self.seen[action] = self.seen.get(action, 0) + 1
        if action in self.refused:
            return {"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}
        page = slice(body.get("Offset", 0), body.get("Offset", 0) + body.get("Limit", 20))
        match action:
            case "DescribeClusters":
                return {"TotalCount": len(self.clusters), "Clusters": self.clusters[page]}
            case "DescribeLogSwitches":
                return {"SwitchSet": [s for s in self.switches if s["ClusterId"] in body["ClusterIds"]]}
            case "DescribeShippers":
                wanted = [v for f in body.get("Filters", []) if f["Key"] == "topicId" for v in f["Values"]]
                found = [s for s in self.shippers if not wanted or s["TopicId"] in wanted]
                return {"TotalCount": len(found), "Shippers": found[page]}
            case "DescribeShipperTasks":
                end, step = self.shipped_ms, 300_000
                ends = range(max(body["StartTime"], end - 6 * 3_600_000) // step * step + step, min(body["EndTime"], end) + 1, step)
                return {"Tasks": [{"RangeStart": e - step, "RangeEnd": e, "Status": "success"} for e in ends]}
            case "DescribeTopics":
                return {"TotalCount": 0, "Topics": []}
            case "SearchLog":
                return self.search(body)
            case "DescribeLogContext":
                return self.context(body)
            case "DescribeLogHistogram":
                found = self.matching(body, body["Query"])
                return {"HistogramInfos": [{"Count": len(found), "BTime": body["From"]}]}
        return {"Error": {"Code": "InvalidAction", "Message": action}}

    def matching(self, body, query):
        """With each its number in the topic."""
        return [(n, *log) for n, log in enumerate(self.topics.get(body["TopicId"], ())) if body["From"] <= log[0] < body["To"] and fits(query, log[1])]

    def context(self, body):
        """The logs of the same file, with the one in the middle."""
        assert 0 <= body["PrevLogs"] <= 100 and 0 <= body["NextLogs"] <= 100 and body["PkgId"] == "P", body
        logs, at = self.topics[body["TopicId"]], body["PkgLogId"]
        utc8 = datetime.fromtimestamp(logs[at][0] / 1000, timezone(timedelta(hours=8))).isoformat(" ", "milliseconds").removesuffix("+08:00")
        assert body["BTime"] == utc8, body
        file = [n for n, log in enumerate(logs) if log[2] == logs[at][2]]
        middle = file.index(at)
        first, end = max(0, middle - body["PrevLogs"]), middle + 1 + body["NextLogs"]
        return {"PrevOver": first == 0, "NextOver": end >= len(file), "LogContextInfos": [
            {"BTime": logs[n][0], "PkgId": "P", "PkgLogId": n, "Source": logs[n][2]["Source"], "Filename": logs[n][2]["FileName"],
             "HostName": logs[n][2]["HostName"], "Content": json.dumps(logs[n][1], ensure_ascii=False)} for n in file[first:end]]}

    def search(self, body):
        topic = body["TopicId"]
        with self.lock:
            self.running[topic] = self.running.get(topic, 0) + 1
            self.most_running = max(self.most_running, self.running[topic])
        time.sleep(0.02)
        assert 0 < body["Limit"] <= 1000 and body["Sort"] == "asc" and body["QuerySyntax"] == 1, body
        found, skip = self.matching(body, body["QueryString"]), int(body.get("Context") or 0)
        # The service pages through ten thousand logs and no further.
        end = min(skip + body["Limit"], len(found), 10_000)
        with self.lock:
            self.running[topic] -= 1
        return {"Context": str(end), "ListOver": end == len(found), "Results": [
            {"Time": ms, "TopicId": topic, "PkgId": "P", "PkgLogId": str(n), **beside, "LogJson": json.dumps(fields, ensure_ascii=False)}
            for n, ms, fields, beside in found[skip:end]]}


@contextlib.contextmanager
def cloud(account):
    """The account on loopback; gives the environment that leads to it."""
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] == expected_signature(self.headers, body.decode()):
                answer = account.answer(self.headers["X-TC-Action"], json.loads(body))
            else:
                account.forged += 1
                answer = {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "no"}}
            data = json.dumps({"Response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield {**KEY, "GENGFU_CLS_ENDPOINT": url, "GENGFU_TKE_ENDPOINT": url}
    finally:
        server.shutdown()
        server.server_close()
