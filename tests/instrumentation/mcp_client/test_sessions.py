"""Requests of a client and a server in one process: the whole spans, records and metrics, and how they end."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest
from instrumentation.mcp_client.framework import as_tool, sides
from instrumentation.mcp_client.sessions import (
    CANARY,
    FIRST,
    PROTOCOL,
    McpError,
    connected,
    failed,
    resource_uri,
    server,
    text_of,
)
from instrumentation.openai_client.wire import chat_reply, client, json_response
from instrumentation.scenarios import structured
from instrumentation.steps import check_everything, ending
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind, StatusCode
from throughline import ContentMode, names
from throughline.recording import Recording

BOTH = ContentMode.SPAN_AND_EVENT
COMMON = {"mcp.protocol.version": PROTOCOL, "throughline.end_reason": "completed"}
CALLS: dict[str, tuple[Any, dict[str, Any]]] = {
    "tools/call add": (
        lambda session: session.call_tool("add", {"first": 1, "second": 2}),
        {"mcp.method.name": "tools/call", "gen_ai.tool.name": "add", "gen_ai.operation.name": "execute_tool"},
    ),
    "tools/list": (lambda session: session.list_tools(), {"mcp.method.name": "tools/list"}),
    "prompts/get greeting": (
        lambda session: session.get_prompt("greeting", {"name": "Ada"}),
        {"mcp.method.name": "prompts/get", "gen_ai.prompt.name": "greeting"},
    ),
    "prompts/list": (lambda session: session.list_prompts(), {"mcp.method.name": "prompts/list"}),
    "resources/read": (
        lambda session: session.read_resource(resource_uri("file://notes.txt")),
        {"mcp.method.name": "resources/read"},
    ),
    "resources/list": (lambda session: session.list_resources(), {"mcp.method.name": "resources/list"}),
}


@pytest.mark.parametrize("name", CALLS)
async def test_the_whole_request_on_both_sides(telemetry: Telemetry, name: str) -> None:
    call, wanted = CALLS[name]
    async with connected() as session:
        expected = (await call(session)).model_dump()
    telemetry.instrument()
    async with connected() as session:
        assert (await call(session)).model_dump() == expected
    number = "1" if FIRST else "2"
    for span in sides(telemetry, name):
        attributes = plain(span.attributes)
        uri = attributes.pop(names.MCP_RESOURCE_URI, None)
        assert (uri is not None) is (name == "resources/read")
        assert attributes == {**COMMON, **wanted, "jsonrpc.request.id": number}
        assert span.status.status_code is StatusCode.UNSET
    check_everything(telemetry)


async def test_a_resource_is_told_without_the_login_in_its_address(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        with pytest.raises(McpError):  # there is no such resource
            await session.read_resource(resource_uri("postgres://ada:hunter2@db.test/notes"))
    for span in sides(telemetry, "resources/read"):
        assert plain(span.attributes)[names.MCP_RESOURCE_URI] == "postgres://db.test/notes"
    assert "hunter2" not in telemetry.everything()


async def test_the_handshake_is_a_request_and_says_the_version(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        await session.send_ping()
    asked, served = telemetry.spans() if FIRST else reversed(telemetry.spans())
    assert {asked.name, served.name} == {"initialize"}
    for span in (asked, served):
        assert span.attributes[names.MCP_PROTOCOL_VERSION] == PROTOCOL
    check_everything(telemetry)


async def test_metrics_of_both_sides_have_the_dimensions_of_the_conventions(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        await session.call_tool("fail", {"text": "x"})
    points = telemetry.points()
    wanted = {
        "mcp.method.name": "tools/call", "gen_ai.tool.name": "fail", "gen_ai.operation.name": "execute_tool",
        "mcp.protocol.version": PROTOCOL, "error.type": "tool_error",
    }  # fmt: skip
    for metric in (names.MCP_CLIENT_OPERATION_DURATION, names.MCP_SERVER_OPERATION_DURATION):
        found = [plain(point.attributes) for point in points[metric]]
        assert sorted(one["mcp.method.name"] for one in found) == ["initialize", "tools/call"]
        assert wanted in found
    assert set(points) == {names.MCP_CLIENT_OPERATION_DURATION, names.MCP_SERVER_OPERATION_DURATION}


async def test_a_tool_that_fails_is_an_error_of_both_sides_though_the_answer_came(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        assert failed(await session.call_tool("fail", {"text": CANARY}))
    for span in sides(telemetry, "tools/call fail"):
        assert ending(span) == ("error", "tool_error")
        assert names.RPC_RESPONSE_STATUS_CODE not in span.attributes
    assert CANARY not in telemetry.everything()


async def test_an_error_of_json_rpc_gives_its_code(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        with pytest.raises(McpError):
            await session.get_prompt("none")
    asked, served = sides(telemetry, "prompts/get none")
    assert ending(asked) == ("error", "0")
    assert asked.attributes[names.RPC_RESPONSE_STATUS_CODE] == "0"
    assert ending(served)[0] == "error"
    check_everything(telemetry)


async def test_a_time_out_is_an_error_without_a_code_of_the_server(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        short: Any = __import__("datetime").timedelta(milliseconds=50) if FIRST else 0.05
        with pytest.raises(McpError):
            await session.call_tool("wait", {}, read_timeout_seconds=short)
    asked, _ = sides(telemetry, "tools/call wait")
    assert ending(asked) == ("error", "408" if FIRST else "-32001")
    assert names.RPC_RESPONSE_STATUS_CODE not in asked.attributes


async def test_a_cancelled_task_is_cancelled_on_both_sides(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        task = asyncio.ensure_future(session.call_tool("wait", {}))
        await session.list_tools()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    for span in sides(telemetry, "tools/call wait"):
        assert ending(span)[0] == "cancelled"
    check_everything(telemetry)


async def test_content_is_there_only_where_asked_for(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with connected() as session:
        assert text_of(await session.call_tool("echo", {"text": CANARY})) == CANARY
        await session.get_prompt("greeting", {"name": CANARY})
        with pytest.raises(McpError):
            await session.get_prompt("greeting", {"nobody": CANARY})
    assert CANARY not in telemetry.everything()


async def test_arguments_and_results_are_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    async with connected() as session:
        await session.call_tool("echo", {"text": "hello"})
        await session.call_tool("draw", {})
    for span in sides(telemetry, "tools/call echo"):
        assert structured(span.attributes[names.TOOL_CALL_ARGUMENTS]) == {"text": "hello"}
        assert structured(span.attributes[names.TOOL_CALL_RESULT])["content"] == [{"type": "text", "text": "hello"}]
    for span in sides(telemetry, "tools/call draw"):
        (picture,) = structured(span.attributes[names.TOOL_CALL_RESULT])["content"]
        assert picture["uri"].startswith("sha256:")
        assert (picture["modality"], picture["size"]) == ("image", 70)
    check_everything(telemetry)


async def test_parallel_calls_keep_apart(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    async with connected() as session:
        results = await asyncio.gather(*(session.call_tool("add", {"first": n, "second": 0}) for n in range(8)))
    assert [text_of(result) for result in results] == [str(n) for n in range(8)]
    for kind in (SpanKind.CLIENT, SpanKind.SERVER):
        spans = [span for span in telemetry.spans() if span.kind is kind and "add" in span.name]
        ids = {span.attributes[names.JSONRPC_REQUEST_ID] for span in spans}
        assert len(ids) == 8
        shown = {
            structured(span.attributes[names.TOOL_CALL_ARGUMENTS])["first"]: structured(
                span.attributes[names.TOOL_CALL_RESULT]
            )["content"][0]["text"]
            for span in spans
        }
        assert shown == {n: str(n) for n in range(8)}


async def test_model_calls_of_a_servers_tool_are_its_steps_and_counted_there(telemetry: Telemetry) -> None:
    made = server()

    @made.tool()
    async def ask() -> str:
        """Asks."""
        request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        return str(client(lambda _: json_response(chat_reply())).chat.completions.create(**request).id)

    telemetry.instrument()
    async with connected(made) as session:
        await session.call_tool("ask", {})
    _, served = sides(telemetry, "tools/call ask")
    (call,) = [span for span in telemetry.spans() if span.name == "chat gpt-4o"]
    assert call.parent.span_id == served.context.span_id
    assert served.attributes[names.TOTAL_INFERENCE_CALLS] == 1
    check_everything(telemetry)


@pytest.mark.filterwarnings("ignore:The sampling capability is deprecated")
async def test_a_servers_own_question_to_its_client_is_recorded_the_other_way_round(telemetry: Telemetry) -> None:
    from mcp import types

    async def answer(*_: Any) -> Any:
        content = types.TextContent(type="text", text="Hm.")
        return types.CreateMessageResult(role="assistant", content=content, model="m")

    made = server()

    async def consult(ctx: Any) -> str:
        """Consults."""
        message = types.SamplingMessage(role="user", content=types.TextContent(type="text", text="?"))
        return str((await ctx.session.create_message([message], max_tokens=5)).content.text)

    consult.__annotations__["ctx"] = __import__(type(made).__module__, fromlist=["Context"]).Context
    made.tool()(consult)
    telemetry.instrument()
    async with connected(made, sampling_callback=answer) as session:
        assert text_of(await session.call_tool("consult", {})) == "Hm."
    asked, served = sides(telemetry, "sampling/createMessage")
    _, around = sides(telemetry, "tools/call consult")
    assert asked.parent.span_id == around.context.span_id
    assert served.attributes[names.MCP_METHOD_NAME] == "sampling/createMessage"
    check_everything(telemetry)


async def test_sessions_leave_nothing_behind(telemetry: Telemetry) -> None:
    before = {id(one) for one in gc.get_objects() if isinstance(one, Recording)}
    telemetry.instrument(content=BOTH)
    for _ in range(3):
        async with connected() as session:
            await session.call_tool("add", {"first": 1, "second": 2})
            await as_tool(session, "add").ainvoke({"first": 1, "second": 2})
    del session
    telemetry.log_exporter.clear()  # a record knows its context
    gc.collect()
    assert {id(one) for one in gc.get_objects() if isinstance(one, Recording)} <= before
