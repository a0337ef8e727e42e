"""modern.py URL TOKEN: a client of today (mcp 2.x) in both eras of the protocol: discover, list, call, read, get, complete, follow.

In: a server over the sample day. Out: one line per era and exit status 0, or the first promise that was broken.
"""

import asyncio
import importlib.metadata
import logging
import sys
import warnings

import httpx2
from mcp import Client, MCPDeprecationWarning, MCPError
from mcp.client.streamable_http import streamable_http_client
from mcp.types import PromptReference, ResourceTemplateReference

# Old ways are asked for on purpose, and a stream that is left while it still speaks is no mistake of the server.
warnings.simplefilter("ignore", MCPDeprecationWarning)
logging.getLogger("mcp").setLevel(logging.CRITICAL)

URL, TOKEN = sys.argv[1:3]
TOOLS = {"summarize_day", "analyze_business", "search_events", "search_audit", "fetch_logs", "trace_cause", "propose_rollback",
         "analyze_alert", "switch_owner_keys", "mark_incident", "task_status"}
PROMPTS = {"broadcast", "follow_up", "trace", "alert", "switch_owner"}
NOTICE_S = 60
"""A subscriber hears of a change within this."""


async def era(mode, version):
    limits = httpx2.Timeout(30, read=300)
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=limits) as http:
        async with Client(streamable_http_client(URL, http_client=http), mode=mode) as client:
            assert client.protocol_version == version, client.protocol_version
            tools = (await client.list_tools()).tools
            assert {t.name for t in tools} == TOOLS, [t.name for t in tools]

            told = await client.call_tool("summarize_day", {})
            text = told.content[0].text
            assert not told.is_error and "billing" in text, text
            odd = await client.call_tool("search_events", {"date": "第三十三日"})
            assert odd.is_error and odd.content[0].text.strip(), odd
            await refused(client.call_tool("no_such_tool", {}))

            resources = {str(r.uri) for r in (await client.list_resources()).resources}
            templates = [t.uri_template for t in (await client.list_resource_templates()).resource_templates]
            days = next(uri for uri in resources if uri.endswith("/days"))
            summary = next(uri for uri in resources if uri.endswith("/llm_summary.txt"))
            for uri in sorted(resources):
                read = (await client.read_resource(uri)).contents
                assert len(read) == 1 and read[0].text.strip(), uri
            for nowhere in ["gengfu://nobody/2026-11-21/report.json", summary.replace("llm_summary.txt", "../../owner.db"), "file:///etc/passwd"]:
                await refused(client.read_resource(nowhere))

            prompts = (await client.list_prompts()).prompts
            assert {p.name for p in prompts} == PROMPTS, [p.name for p in prompts]
            for prompt in prompts:
                given = {a.name: "{{ 700 * 7 }}" for a in prompt.arguments or []}
                got = await client.get_prompt(prompt.name, given)
                assert got.messages and "4900" not in got.messages[0].content.text, f"{prompt.name}: a value became a template"

            template = next(t for t in templates if t.endswith("/days"))
            owners = await client.complete(ResourceTemplateReference(type="ref/resource", uri=template), {"name": "owner", "value": ""})
            assert owners.completion.values, "no owner is offered"
            await follows(client, mode, days, [r for r in resources if r.endswith("/llm_summary.txt")])
    print(f"{mode}: {version}, {len(tools)} tools, {len(resources)} resources, {len(prompts)} prompts")


async def refused(asking):
    """What does not exist is a protocol error, and the connection goes on."""
    try:
        answer = await asking
    except MCPError:
        return
    raise AssertionError(f"answered: {answer}")


async def follows(client, mode, days, summaries):
    """Reading the day again is heard of; the older era is subscribed to one address at a time."""
    if mode == "legacy":
        await client.subscribe_resource(summaries[0])
        await client.unsubscribe_resource(summaries[0])
        return
    # The progress of the round, and the new revision of its report: whichever of the days that is.
    tasks = days.replace("/days", "/tasks")
    heard = set()
    async with client.listen(resource_subscriptions=[days, tasks, *summaries], resources_list_changed=True) as changes:
        await client.call_tool("summarize_day", {"refresh": True})
        async with asyncio.timeout(NOTICE_S):
            async for change in changes:
                heard |= {uri for uri in [tasks, *summaries] if uri in str(change)}
                if tasks in heard and len(heard) > 1:
                    break
    print("  heard of a round and its report")


async def main():
    print("mcp", importlib.metadata.version("mcp"))
    for mode, version in [("2026-07-28", "2026-07-28"), ("auto", "2026-07-28"), ("legacy", "2025-11-25")]:
        await era(mode, version)


asyncio.run(main())
print("modern: ok")
