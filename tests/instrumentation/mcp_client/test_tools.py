"""Calls of a server's tools inside a framework's own, and the library's own tracing beside ours."""

from __future__ import annotations

import pytest
from instrumentation.mcp_client.framework import as_tool, sides
from instrumentation.mcp_client.sessions import (
    FIRST,
    PROTOCOL,
    connected,
    server,
    text_of,
)
from instrumentation.openai_client.wire import chat_reply, client, json_response
from instrumentation.steps import check_everything, ending
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind
from throughline import names


async def test_inside_a_frameworks_tool_of_the_same_name_there_is_no_second_span(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        assert await as_tool(session, "server_add", "add").ainvoke({"first": 1, "second": 2}) == "3"
    asked, served = sides(telemetry, "tools/call add")
    (tool,) = [span for span in telemetry.spans() if span.name == "execute_tool server_add"]
    assert asked is None
    attributes = plain(tool.attributes)
    assert attributes[names.MCP_METHOD_NAME] == "tools/call"
    assert attributes[names.MCP_PROTOCOL_VERSION] == PROTOCOL
    assert attributes[names.JSONRPC_REQUEST_ID] == served.attributes[names.JSONRPC_REQUEST_ID]
    assert (attributes[names.TOOL_NAME], tool.kind) == ("server_add", SpanKind.INTERNAL)
    if not FIRST:  # whose streams in memory take the caller's context along
        assert served.parent.span_id == tool.context.span_id
    points = telemetry.points()[names.MCP_CLIENT_OPERATION_DURATION]
    assert sum(point.count for point in points if point.attributes["mcp.method.name"] == "tools/call") == 1
    check_everything(telemetry)


async def test_a_servers_tool_that_fails_makes_the_frameworks_tool_fail(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        await as_tool(session, "fail").ainvoke({"text": "x"})
    (tool,) = [span for span in telemetry.spans() if span.name == "execute_tool fail"]
    assert ending(tool) == ("error", "tool_error")


async def test_another_tools_call_or_a_second_one_has_a_span_of_its_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        await as_tool(session, "research", "add").ainvoke({"first": 1, "second": 2})
        await as_tool(session, "add", times=3).ainvoke({"first": 1, "second": 2})
    parents = {span.context.span_id: span.name for span in telemetry.spans()}
    asked = [s for s in telemetry.spans() if s.name == "tools/call add" and s.kind is SpanKind.CLIENT]
    around = sorted(parents[span.parent.span_id] for span in asked)
    assert around == ["execute_tool add", "execute_tool add", "execute_tool research"]


@pytest.mark.skipif(FIRST, reason="a server in memory has the context of where it was started")
async def test_what_a_server_asks_in_process_is_counted_on_the_frameworks_tool(telemetry: Telemetry) -> None:
    made = server()

    async def asking(first: int, second: int) -> str:
        """Asks."""
        request = {"model": "gpt-4o", "messages": [{"role": "user", "content": f"{first}{second}"}]}
        return str(client(lambda _: json_response(chat_reply())).chat.completions.create(**request).id)

    made._tool_manager._tools["add"].fn = asking  # in the place of the one that adds
    telemetry.instrument()
    async with connected(made) as session:
        await as_tool(session, "add").ainvoke({"first": 1, "second": 2})
    (tool,) = [span for span in telemetry.spans() if span.name == "execute_tool add"]
    assert tool.attributes[names.TOTAL_INFERENCE_CALLS] == 1
    assert tool.attributes[names.TOTAL_INPUT_TOKENS] == 11


async def test_tools_are_counted_once_for_both_sides(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        await as_tool(session, "research", "add").ainvoke({"first": 1, "second": 2})
        await as_tool(session, "add").ainvoke({"first": 1, "second": 2})
    tools = {s.name: s.attributes.get(names.TOTAL_TOOL_CALLS) for s in telemetry.spans() if "execute_tool" in s.name}
    assert tools == {"execute_tool research": 1, "execute_tool add": None}


# --- the library's own tracing ----------------------------------------------------------------------------------------


@pytest.mark.skipif(FIRST, reason="the first generation traces nothing itself")
async def test_the_librarys_own_spans_are_there_only_where_ours_are_not(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mcp.shared import _otel

    monkeypatch.setattr(_otel, "_tracer", telemetry.tracer_provider.get_tracer("mcp-python-sdk"))
    async with connected() as session:
        await session.call_tool("add", {"first": 1, "second": 2})
    assert {"MCP send tools/call add", "tools/call add"} <= {span.name for span in telemetry.spans()}
    telemetry.span_exporter.clear()
    telemetry.instrument()
    async with connected() as session:
        await session.call_tool("add", {"first": 1, "second": 2})
        await as_tool(session, "add").ainvoke({"first": 1, "second": 2})
        await session.send_ping()
    own = [span.name for span in telemetry.spans() if span.instrumentation_scope.name == "mcp-python-sdk"]
    assert set(own) == {"MCP send ping", "ping", "notifications/initialized"}


@pytest.mark.skipif(FIRST, reason="the first generation has no client that connects by itself")
async def test_the_client_that_connects_in_process_is_recorded(telemetry: Telemetry) -> None:
    from mcp import Client

    telemetry.instrument()
    async with Client(server()) as api:
        assert text_of(await api.call_tool("add", {"first": 1, "second": 2})) == "3"
    asked, served = sides(telemetry, "tools/call add")
    assert served.parent.span_id == asked.context.span_id
    assert asked.attributes[names.MCP_PROTOCOL_VERSION] == served.attributes[names.MCP_PROTOCOL_VERSION]
