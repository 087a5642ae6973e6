"""A real MCP server and a real client, connected in memory; what the two generations of the library do differently."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.shared.memory import create_client_server_memory_streams

try:
    from mcp.server.fastmcp import FastMCP as _Server  # the first generation
    from mcp.server.fastmcp import Image
    from mcp.shared.exceptions import McpError

    FIRST, PROTOCOL = True, types.LATEST_PROTOCOL_VERSION
except ImportError:
    from mcp.server.mcpserver import Image
    from mcp.server.mcpserver import MCPServer as _Server
    from mcp.shared.exceptions import MCPError as McpError

    FIRST, PROTOCOL = False, "2025-11-25"  # the last one with a handshake

CANARY = "a secret that nobody may read"
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
__all__ = ["Image", "McpError"]


def server() -> Any:
    """A server with a tool that adds, one that fails, one that waits, one that draws; a prompt and a resource."""
    made = _Server("calculator", log_level="CRITICAL")

    @made.tool()
    async def add(first: int, second: int) -> str:
        """Adds."""
        return str(first + second)

    @made.tool()
    async def echo(text: str) -> str:
        """Says it again."""
        return text

    @made.tool()
    async def fail(text: str) -> str:
        """Fails."""
        raise LookupError(text)

    @made.tool()
    async def wait() -> str:
        """Waits for ever."""
        await anyio.Event().wait()
        return ""

    @made.tool()
    async def draw() -> Any:
        """Draws."""
        return Image(data=PICTURE, format="png")

    @made.prompt()
    async def greeting(name: str) -> str:
        """Greets."""
        return f"Hello, {name}."

    @made.resource("file://notes.txt")
    async def notes() -> str:
        """Notes."""
        return "Some notes."

    return made


def lowlevel(made: Any) -> Any:
    return made._mcp_server if FIRST else made._lowlevel_server


@asynccontextmanager
async def connected(made: Any = None, *, through: Any = None, **options: Any) -> AsyncIterator[ClientSession]:
    """A client's session with this server, both in this process; `through`: what takes the stream's place."""
    low = lowlevel(made or server())
    async with (
        create_client_server_memory_streams() as ((reads, writes), (server_reads, server_writes)),
        anyio.create_task_group() as group,
    ):
        group.start_soon(low.run, server_reads, server_writes, low.create_initialization_options())
        async with ClientSession(reads, through(writes) if through else writes, **options) as session:
            await session.initialize()
            yield session
        group.cancel_scope.cancel()


def text_of(result: Any) -> str:
    (block,) = result.content
    return str(block.text)


def failed(result: Any) -> bool:
    return bool(result.isError if FIRST else result.is_error)


def resource_uri(uri: str) -> Any:
    """A resource's address as the client's method wants it."""
    if not FIRST:
        return uri
    from pydantic import AnyUrl

    return AnyUrl(uri)
