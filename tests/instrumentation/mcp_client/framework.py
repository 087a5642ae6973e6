"""A framework's tool that stands for one of a server's, and finding the spans of both sides. No test."""

from __future__ import annotations

from typing import Any

from instrumentation.mcp_client.sessions import (
    text_of,
)
from instrumentation.telemetry import Telemetry
from langchain_core.tools import StructuredTool
from opentelemetry.trace import SpanKind


def sides(telemetry: Telemetry, name: str) -> tuple[Any, Any]:
    """The client's and the server's span of this name."""
    found = {span.kind: span for span in telemetry.spans() if span.name == name}
    assert len(found) == len([span for span in telemetry.spans() if span.name == name])
    return found.get(SpanKind.CLIENT), found.get(SpanKind.SERVER)


def as_tool(session: Any, name: str, asked: str | None = None, times: int = 1) -> StructuredTool:
    """A framework's tool that stands for one of the server's, as adapters between the two make it."""

    async def call(**arguments: Any) -> str:
        for _ in range(times):
            result = await session.call_tool(asked or name, arguments)
        return text_of(result)

    async def add(first: int, second: int) -> str:
        return await call(first=first, second=second)

    async def fail(text: str) -> str:
        return await call(text=text)

    functions = {"add": add, "fail": fail}
    return StructuredTool.from_function(coroutine=functions[asked or name], name=name, description="Does.")
