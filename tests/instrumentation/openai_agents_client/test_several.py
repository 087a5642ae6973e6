"""Several agents or runs at once, one inside another, and the tools of a server."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest
from agents import SQLiteSession
from instrumentation.mcp_client.sessions import connected
from instrumentation.openai_agents_client.subjects import (
    agent,
    answers,
    called,
    over_openai,
    planner_and_writer,
    quiet,
    ran,
    said,
)
from instrumentation.steps import check_everything, found, tree
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

BOTH = ContentMode.SPAN_AND_EVENT
WAYS = pytest.mark.parametrize("way", ["run", "streamed"])
RUN = "invoke_workflow Agent workflow"


@WAYS
async def test_an_agent_as_a_tool_is_a_run_inside_the_tool(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    writer = agent(over_openai(answers(said())), name="writer")
    tool = writer.as_tool(tool_name="write", tool_description="Writes.", run_config=quiet(workflow_name="inner"))
    await ran(way, agent(over_openai(answers(called("write", input="x"), said())), tools=[tool]))
    inner = ("invoke_workflow inner", [("invoke_agent writer", ["chat gpt-4o"])])
    planner = ["chat gpt-4o", ("execute_tool write", [inner]), "chat gpt-4o"]
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", planner)])]
    assert found(telemetry, RUN)[names.TOTAL_INFERENCE_CALLS] == 3
    (calls,) = [
        point for point in telemetry.points()[names.INVOKE_AGENT_INFERENCE_CALLS]
        if point.attributes[names.AGENT_NAME] == "planner"
    ]  # fmt: skip
    assert calls.sum == 2
    check_everything(telemetry)


@WAYS
async def test_runs_at_once_keep_apart(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    shared = planner_and_writer
    await asyncio.gather(*(ran(way, shared(), config=quiet(workflow_name=f"run-{n}")) for n in range(5)))
    roots = tree(telemetry)
    assert len(roots) == 5
    assert {name for name, _ in roots} == {f"invoke_workflow run-{n}" for n in range(5)}
    assert all([name for name, _ in inside] == ["invoke_agent planner", "invoke_agent writer"] for _, inside in roots)


async def test_one_agent_in_several_runs_at_once_keeps_its_runs_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    one = agent(over_openai(answers(said())))
    await asyncio.gather(*(ran("run", one) for _ in range(5)))
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat gpt-4o"])])] * 5


@WAYS
async def test_a_session_is_the_conversation(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    session = SQLiteSession("session-1")
    await ran(way, agent(over_openai(answers(said()))), session=session)
    session.close()
    for name in (RUN, "invoke_agent planner"):
        assert found(telemetry, name)[names.CONVERSATION_ID] == "session-1"


@asynccontextmanager
async def tools_of_a_server() -> Any:
    """A server as the SDK connects one, in this process."""
    from agents.mcp import MCPServer

    async with connected() as session:

        class Connected(MCPServer):
            name = "calculator"

            async def connect(self) -> None: ...
            async def cleanup(self) -> None: ...
            async def list_prompts(self) -> Any: ...
            async def get_prompt(self, name: str, arguments: Any = None) -> Any: ...

            async def list_tools(self, *_: Any, **__: Any) -> Any:
                return (await session.list_tools()).tools

            async def call_tool(self, tool_name: str, arguments: Any, *_: Any, **__: Any) -> Any:
                return await session.call_tool(tool_name, arguments)

        yield Connected()


async def test_a_servers_tool_is_one_span_with_what_mcp_says_of_it(telemetry: Telemetry) -> None:
    async with tools_of_a_server() as server:
        telemetry.instrument()
        planner = agent(over_openai(answers(called("add", first=1, second=2), said())), mcp_servers=[server])
        await ran("run", planner)
    tool = found(telemetry, "execute_tool add")
    assert tool[names.MCP_METHOD_NAME] == "tools/call"
    assert tool[names.TOOL_CALL_ID] == "add-0"
    asked = [span for span in telemetry.spans() if span.name == "tools/call add" and span.kind.name == "CLIENT"]
    assert not asked
    check_everything(telemetry)
