"""Requests over real transports: what is said of the transport, and whose trace goes over the wire."""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import mcp
import pytest
import uvicorn
from instrumentation.mcp_client.framework import as_tool
from instrumentation.mcp_client.sessions import FIRST, connected, server, text_of
from instrumentation.steps import check_everything
from instrumentation.telemetry import Telemetry, plain
from mcp import ClientSession, StdioServerParameters
from mcp.client import streamable_http
from opentelemetry.trace import SpanKind
from throughline import names

TESTS = Path(__file__).parents[2]
HTTP = {"network.transport": "tcp", "network.protocol.name": "http"}


def of_client(telemetry: Telemetry, name: str) -> Any:
    (span,) = [span for span in telemetry.spans() if span.name == name and span.kind is SpanKind.CLIENT]
    return span


@asynccontextmanager
async def over_stdio() -> AsyncIterator[ClientSession]:
    """A session with a server in a process of its own, which records by itself."""
    paths = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "instrumentation.mcp_client.stdio_server"],
        env={"PYTHONPATH": os.pathsep.join(paths), "PATH": os.environ["PATH"]},
    )
    async with mcp.stdio_client(parameters) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()
        yield session


@asynccontextmanager
async def over_http(**options: Any) -> AsyncIterator[tuple[ClientSession, int]]:
    """A session with a server on a free port of this machine."""
    app = server().streamable_http_app()
    running = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", lifespan="on"))
    async with anyio.create_task_group() as group:
        group.start_soon(running.serve)
        while not running.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await anyio.sleep(0.01)
        port = running.servers[0].sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        older = getattr(streamable_http, "streamablehttp_client", None)
        connect = older if options else getattr(streamable_http, "streamable_http_client", older)
        async with connect(url, **options) as streams, ClientSession(*streams[:2]) as session:
            await session.initialize()
            yield session, port
        running.should_exit = True
    gc.collect()  # what older versions leave open is complained of here, and in no other test


async def recorded(session: Any) -> dict[str, Any]:
    """The server's own span of the call of `add`."""
    spans = json.loads(text_of(await session.call_tool("recorded", {})))
    (span,) = [span for span in spans if span["name"] == "tools/call add"]
    return dict(span)


def identity(span: Any) -> str:
    return f"{span.context.trace_id:032x}{span.context.span_id:016x}"


@pytest.mark.parametrize("allowed", [True, False])
async def test_over_a_pipe_the_servers_trace_is_the_clients_where_the_owner_allowed_it(
    telemetry: Telemetry, allowed: bool
) -> None:
    telemetry.instrument(trace_hosts=frozenset({"stdio"} if allowed else {"127.0.0.1"}))
    async with over_stdio() as session:
        assert text_of(await session.call_tool("add", {"first": 1, "second": 2})) == "3"
        served = await recorded(session)
    asked = of_client(telemetry, "tools/call add")
    attributes = plain(asked.attributes)
    assert attributes[names.NETWORK_TRANSPORT] == "pipe"
    assert {names.SERVER_ADDRESS, names.NETWORK_PROTOCOL_NAME, names.MCP_SESSION_ID}.isdisjoint(attributes)
    assert served["attributes"][names.NETWORK_TRANSPORT] == "pipe"
    assert served["parent"] == (identity(asked) if allowed else None)
    check_everything(telemetry)


async def test_from_inside_a_frameworks_tool_the_trace_is_that_tools(telemetry: Telemetry) -> None:
    telemetry.instrument(trace_hosts=frozenset({"stdio"}))
    async with over_stdio() as session:
        assert await as_tool(session, "add").ainvoke({"first": 1, "second": 2}) == "3"
        served = await recorded(session)
    (tool,) = [span for span in telemetry.spans() if span.name == "execute_tool add"]
    assert served["parent"] == identity(tool)
    assert tool.attributes[names.NETWORK_TRANSPORT] == "pipe"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # older versions leave streams open
@pytest.mark.parametrize("allowed", [True, False])
async def test_over_http_both_sides_say_where_and_of_which_session(telemetry: Telemetry, allowed: bool) -> None:
    telemetry.instrument(trace_hosts=frozenset({"127.0.0.1"} if allowed else {"stdio"}))
    async with over_http() as (session, port):
        assert text_of(await session.call_tool("add", {"first": 1, "second": 2})) == "3"
    asked = of_client(telemetry, "tools/call add")
    (served,) = [s for s in telemetry.spans() if s.name == "tools/call add" and s.kind is SpanKind.SERVER]
    of_asked, of_served = plain(asked.attributes), plain(served.attributes)
    assert HTTP.items() <= of_asked.items()
    assert HTTP.items() <= of_served.items()
    assert (of_asked[names.SERVER_ADDRESS], of_asked[names.SERVER_PORT]) == ("127.0.0.1", port)
    assert len(of_asked[names.MCP_SESSION_ID]) > 8
    assert of_served[names.MCP_SESSION_ID] == of_asked[names.MCP_SESSION_ID]
    assert of_served[names.CLIENT_ADDRESS] == "127.0.0.1"
    assert of_served[names.NETWORK_PROTOCOL_VERSION] == "1.1"
    assert (served.parent is not None and served.parent.span_id == asked.context.span_id) is allowed
    (point,) = [
        point
        for point in telemetry.points()[names.MCP_CLIENT_OPERATION_DURATION]
        if point.attributes["mcp.method.name"] == "tools/call"
    ]
    assert {**HTTP, "server.address": "127.0.0.1", "server.port": port}.items() <= plain(point.attributes).items()
    check_everything(telemetry)


@pytest.mark.skipif(not FIRST, reason="the second generation serves each request in its own context")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::DeprecationWarning")
async def test_a_server_that_runs_elsewhere_takes_the_trace_of_the_http_request(telemetry: Telemetry) -> None:
    telemetry.instrument()
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    async with over_http(headers={"traceparent": f"00-{trace}-{parent}-01"}) as (session, _):
        await session.call_tool("add", {"first": 1, "second": 2})
    (served,) = [s for s in telemetry.spans() if s.name == "tools/call add" and s.kind is SpanKind.SERVER]
    assert (f"{served.context.trace_id:032x}", f"{served.parent.span_id:016x}") == (trace, parent)


async def written(trace_hosts: frozenset[str] = frozenset(), *, telemetry: Telemetry | None = None) -> list[Any]:
    """All that a client writes, as it goes over the wire."""
    kept: list[Any] = []
    if telemetry is not None:
        telemetry.instrument(trace_hosts=trace_hosts)

    class Kept:
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        async def send(self, item: Any) -> None:
            kept.append(item.message.model_dump(by_alias=True, mode="json", exclude_none=True))
            await self.stream.send(item)

        async def aclose(self) -> None:
            await self.stream.aclose()

        async def __aenter__(self) -> Any:
            return self

        async def __aexit__(self, *_: Any) -> None:
            await self.aclose()

    async with connected(through=Kept) as session:
        await session.list_tools()
        await session.call_tool("add", {"first": 1, "second": 2})
        await session.get_prompt("greeting", {"name": "Ada"})
    return kept


async def test_what_is_written_is_what_the_uninstrumented_client_writes(telemetry: Telemetry) -> None:
    expected = await written()
    assert len(expected) == 5
    assert await written(frozenset({"stdio", "127.0.0.1"}), telemetry=telemetry) == expected


async def test_a_server_takes_the_trace_that_comes_with_a_request_and_nothing_else_of_it(telemetry: Telemetry) -> None:
    telemetry.instrument()
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    meta = {"traceparent": f"00-{trace}-{parent}-01", "baggage": "user.id=somebody"}
    request = {"jsonrpc": "2.0", "id": 7, "method": "tools/call"}
    asked = {"name": "add", "arguments": {"first": 1, "second": 2}, "_meta": meta}
    async with connected() as session:
        await send_raw(session, {**request, "params": asked})
        await session.call_tool("echo", {"text": "after it"})
    (served,) = [span for span in telemetry.spans() if span.name == "tools/call add"]
    assert (f"{served.context.trace_id:032x}", f"{served.parent.span_id:016x}") == (trace, parent)
    assert served.parent.is_remote
    assert names.USER_ID not in served.attributes
    assert served.attributes[names.JSONRPC_REQUEST_ID] == "7"


async def send_raw(session: Any, message: dict[str, Any]) -> None:
    """Write a request that no client makes, and never wait for its answer."""
    from mcp.shared.message import SessionMessage
    from mcp.types import JSONRPCMessage, JSONRPCRequest

    request = JSONRPCRequest.model_validate(message)
    stream = session._write_stream if FIRST else session._dispatcher._write_stream
    await stream.send(SessionMessage(JSONRPCMessage(request) if FIRST else request))
