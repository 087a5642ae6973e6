"""What a client of MCP may ask a server, both in this process, for the comparison. No test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from instrumentation.mcp_client.sessions import connected, resource_uri

ASKED: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "a tool": lambda session: session.call_tool("add", {"first": 1, "second": 2}),
    "a tool that fails": lambda session: session.call_tool("fail", {"text": "no"}),
    "an unknown tool": lambda session: session.call_tool("subtract", {}),
    "a prompt": lambda session: session.get_prompt("greeting", {"name": "Ada"}),
    "a resource": lambda session: session.read_resource(resource_uri("file://notes.txt")),
    "the tools": lambda session: session.list_tools(),
}


class Sessions:
    """A session for each question."""

    def calls(self) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
        for name, ask in ASKED.items():
            yield name, partial(self.asked, ask)

    async def asked(self, ask: Callable[[Any], Awaitable[Any]]) -> None:
        async with connected() as session:
            await ask(session)
