"""xiaozhi.py URL TOKEN DOOR: what the xiaozhi server does with us, with its own client (mcp 1.22.0), and what a user then says.

DOOR is where alarms come in.

In: a server over the sample day. Out: one line per step and exit status 0, or the first promise that was broken.
The xiaozhi server runs a call again, up to three times, for every exception; so nothing here may raise, whatever the arguments are.
"""

import asyncio
import importlib.metadata
import json
import logging
import re
import sys
import time
import urllib.request
from contextlib import asynccontextmanager
from datetime import timedelta

from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from mcp.types import ServerNotification

URL, TOKEN, DOOR = sys.argv[1:4]
READY_S = 1.0
"""A voice session lists our tools while the user begins to speak; it gives up after 10 s."""
ANSWER_S = 8.0
"""A tool answers within this, if only with how far it is."""
MARK = "【仅供选择下一步,不要读出】"
UNSPEAKABLE = ["```", "**", "##", "|", "{", "}", "<", ">", "http://", "https://", "\t"]
"""What a robot must not read aloud."""
SERDE = ["invalid type", "missing field", "unknown field", "unknown variant", "expected", "deserialize", "serde", " at line ", "panicked"]
"""Words of a parser; they help nobody who listens."""
NONSENSE = [
    [None],
    [True, False],
    [0, -1, 10**18, 2.5, -1e300],
    ["", " ", "0", "-1"],
    ["胡说", "2026-13-45", "25:99", "{{ 7 * 7 }}"],
    ["\u202e\u0000x", "'; drop table docs; --", "../../etc/passwd", "*" * 5000],
    [[], ["a", 1]],
    [{}, {"a": {"b": []}}],
]
"""Values by kind: every argument of every tool gets one of each kind, and they take turns."""
ROBOTS = 6
"""Sessions at once, as robots in several rooms open them."""
LISTENS_S = 35
"""Two keep-alive pings and some, in a session that has heard a notification."""


@asynccontextmanager
async def session(hear=None):
    """Exactly as `core/providers/tools/server_mcp/mcp_client.py` opens one."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with streamablehttp_client(url=URL, headers=headers, timeout=30, sse_read_timeout=300, terminate_on_close=True) as (read, write, _):
        async with ClientSession(read_stream=read, write_stream=write, read_timeout_seconds=timedelta(seconds=15), message_handler=hear) as client:
            yield client


async def tell(client, tool, arguments):
    """The one text of an answer. Checks what holds for every answer."""
    begun = time.monotonic()
    result = await client.call_tool(tool, arguments=arguments)
    took = time.monotonic() - begun
    asked = f"{tool} {json.dumps(arguments, ensure_ascii=False)[:120]}"
    assert len(result.content) == 1 and result.content[0].type == "text", f"{asked}: not one text"
    assert result.structuredContent is None, f"{asked}: structured content is spoken twice"
    text = result.content[0].text
    assert text.strip(), f"{asked}: nothing to say"
    assert took <= ANSWER_S, f"{asked}: took {took:.1f} s"
    for word in SERDE:
        assert word not in text.lower(), f"{asked}: a parser speaks: {text}"
    return text


def heard(text):
    """The part that is read aloud; it holds nothing a voice garbles."""
    spoken = text.split(MARK)[0].strip()
    for sign in UNSPEAKABLE:
        assert sign not in spoken, f"a voice cannot say {sign!r}: {spoken}"
    return spoken


async def ready():
    begun = time.monotonic()
    async with session() as client:
        about = await client.initialize()
        tools = (await client.list_tools()).tools
        took = time.monotonic() - begun
        assert took < READY_S, f"initialize and list took {took:.2f} s"
        assert about.protocolVersion == "2025-06-18", about.protocolVersion
        for tool in tools:
            assert not tool.name.startswith("mcp_") and tool.outputSchema is None, tool.name
            assert tool.description.startswith("【K8s集群日志】"), tool.name
            assert "$" not in json.dumps(tool.inputSchema), f"{tool.name}: the schema is not flat"
    print(f"ready: {len(tools)} tools in {took * 1000:.0f} ms")
    return tools


async def nothing_given(tools):
    async with session() as client:
        await client.initialize()
        for tool in tools:
            heard(await tell(client, tool.name, {}))
    print(f"every argument left out: {len(tools)} answers")


def turns(tools):
    """(tool, arguments) of every nonsense, the same in every run."""
    turn = 0
    for tool in tools:
        for name in [*tool.inputSchema["properties"], "no_such_argument"]:
            for kind in NONSENSE:
                value = kind[turn // len(NONSENSE) % len(kind)]
                turn += 1
                # Reading a day again would only measure the round.
                if tool.name == "summarize_day" and name == "refresh" and value in (True, "true", 1):
                    value = False
                yield tool.name, {name: value}


async def nonsense(tools):
    # `switch_owner_keys` waits 3 s for the robot to have written its `.env`; whoever else has a question is answered meanwhile.
    left = iter(sorted(turns(tools), key=lambda turn: turn[0] != "switch_owner_keys"))
    calls, slowest = 0, 0.0

    async def robot():
        nonlocal calls, slowest
        async with session() as client:
            await client.initialize()
            for tool, arguments in left:
                begun = time.monotonic()
                await tell(client, tool, arguments)
                slowest = max(slowest, time.monotonic() - begun)
                calls += 1

    await asyncio.gather(*(robot() for _ in range(ROBOTS)))
    print(f"nonsense: {calls} calls, each answered with a text, the slowest in {slowest * 1000:.0f} ms")


class Complaints(logging.Handler):
    """What the client writes into its log about us."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.heard = []

    def emit(self, record):
        self.heard.append(record.getMessage())


async def listening():
    """A session that lies idle for a while, after a notification: pings keep its stream open and are no messages."""
    heard = asyncio.Event()

    async def hear(message):
        if isinstance(message, ServerNotification):
            heard.set()

    async with session(hear) as client:
        await client.initialize()
        for resource in (await client.list_resources()).resources:
            if str(resource.uri).endswith("/llm_summary.txt"):
                await client.subscribe_resource(resource.uri)
        await tell(client, "summarize_day", {"refresh": True})
        async with asyncio.timeout(LISTENS_S):
            await heard.wait()
        await asyncio.sleep(LISTENS_S)
        await client.send_ping()
    print(f"listened for {LISTENS_S} s after a notification")


async def conversation():
    """A morning: 开始播报, a question about it, who did it, and how to take it back. Each turn is a call as a model would choose it."""
    async with session() as client:
        await client.initialize()
        robot = {"device_id": "aa:bb:cc:dd:ee:ff", "speaker": "张三"}
        turns = [
            ("开始播报", "summarize_day", {}, lambda said: "billing" in said),
            ("详细说说", "trace_cause", {}, lambda said: "billing" in said),
            ("谁改的", "search_audit", {}, lambda said: "billing" in said),
            ("回滚", "propose_rollback", {}, lambda said: "回滚" in said or "rollout undo" in said),
        ]
        for words, tool, arguments, fits in turns:
            said = heard(await tell(client, tool, arguments | robot))
            assert fits(said), f"{words}: {said}"
            assert len(said) <= 400, f"{words}: {len(said)} characters are too long to listen to"
            print(f"  用户: {words}\n  机器人: {said}")
        told = heard(await tell(client, "summarize_day", {"detail": "brief"} | robot))
        assert len(told) <= 120, f"brief is {len(told)} characters: {told}"


def rings(day):
    """An alarm of Cloud Monitor about a problem of that day; gives what its sender hears."""
    body = {"sessionId": "s-1", "alarmStatus": "1", "alarmType": "metric",
            "alarmObjInfo": {"region": "gz", "dimensions": {"namespace": "pay", "workload_kind": "Deployment", "workload_name": "billing"}},
            "alarmPolicyInfo": {"policyId": "policy-1", "policyName": "Pod 重启", "conditions": {"metricName": "K8sPodRestartTotal",
                "metricShowName": "Pod 重启次数", "calcType": ">", "calcValue": "5", "currentValue": "23", "unit": "次"}},
            "firstOccurTime": f"{day} 12:00:00", "recoverTime": "0"}
    with urllib.request.urlopen(urllib.request.Request(DOOR, json.dumps(body).encode()), timeout=5) as answer:
        return json.load(answer)


async def alarm():
    """An alarm comes; the user asks whether there is one, and for more of it."""
    async with session() as client:
        await client.initialize()
        robot = {"device_id": "aa:bb:cc:dd:ee:ff"}
        day = re.search(r"date=(\d{4}-\d\d-\d\d)", await tell(client, "summarize_day", robot))[1]
        heard_back = await asyncio.to_thread(rings, day)
        assert heard_back == {"sessionId": "s-1", "retCode": 0}, heard_back
        text = await tell(client, "analyze_alert", robot)
        said = heard(text)
        assert "billing" in said and "23次" in said, said
        assert len(said) <= 400, f"{len(said)} characters are too long to listen to"
        number = re.search(r"alert=(\d+)", text)[1]
        page = await tell(client, "analyze_alert", {"alert": number, "detail": "full"} | robot)
        assert "策略问题" not in page and "billing" in page, page
    print(f"  用户: 有没有告警\n  机器人: {said}")


async def main():
    version = importlib.metadata.version("mcp")
    assert version == "1.22.0", f"mcp {version} is not what the xiaozhi server pins"
    complaints = Complaints()
    logging.getLogger("mcp").addHandler(complaints)
    tools = await ready()
    await conversation()
    await alarm()
    await nothing_given(tools)
    await asyncio.gather(listening(), nonsense(tools))
    assert not complaints.heard, f"the client complains: {complaints.heard[:3]}"


asyncio.run(main())
print("xiaozhi: ok")
