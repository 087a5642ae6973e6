"""Bedrock's answers from memory, as aiohttp gives them, and aioboto3's own clients that get them. No exchange."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

import aioboto3
import aiobotocore.endpoint
from aiobotocore.awsrequest import AioAWSResponse
from aiohttp import ClientResponse, RequestInfo
from aiohttp.helpers import TimerNoop
from instrumentation.bedrock_client.transport import ANSWERING, HEADERS, answered, encoded, settings
from instrumentation.scenarios import Handler
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

ADDRESS = URL("https://bedrock.example")


async def no_sleep(_seconds: float) -> None:
    """Between attempts."""


aiobotocore.endpoint.asyncio = SimpleNamespace(sleep=no_sleep)  # type: ignore[attr-defined]
SESSION = aioboto3.Session()


class Content:
    """What aiohttp received, block by block; an iterator that raises breaks the connection."""

    def __init__(self, blocks: Any) -> None:
        self._blocks, self._rest = blocks if hasattr(blocks, "__anext__") else _async(blocks), b""

    async def iter_chunks(self) -> AsyncIterator[tuple[bytes, bool]]:
        async for block in self._blocks:
            yield block, True

    async def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            block = await anext(self._blocks, b"")
            if not block:
                break
            self._rest += block
        size = len(self._rest) if size < 0 else size
        content, self._rest = self._rest[:size], self._rest[size:]
        return content

    def exception(self) -> None:
        """None: it broke for no reason that aiohttp knows of."""

    def set_exception(self, *_: Any) -> None:
        """Closed before its end."""


async def _async(blocks: Iterable[bytes]) -> AsyncIterator[bytes]:
    for block in blocks:
        yield block


def response(blocks: Any, headers: Mapping[str, str], status: int = 200) -> AioAWSResponse:
    no_headers = CIMultiDictProxy(CIMultiDict())
    known = {
        "writer": None, "continue100": None, "timer": TimerNoop(), "traces": [], "session": None,
        "request_info": RequestInfo(ADDRESS, "POST", no_headers, ADDRESS), "loop": asyncio.get_running_loop(),
        "stream_writer": SimpleNamespace(output_size=0),
    }  # fmt: skip
    wanted = inspect.signature(ClientResponse.__init__).parameters
    raw = ClientResponse("POST", ADDRESS, **{name: value for name, value in known.items() if name in wanted})
    raw.status, raw.content, raw._headers = status, Content(blocks), CIMultiDictProxy(CIMultiDict(headers))
    return AioAWSResponse(str(ADDRESS), status, dict(headers), raw)


def whole(content: Any, status: int = 200, **headers: str) -> AioAWSResponse:
    body = json.dumps(content, default=encoded).encode()
    sent = {**HEADERS, "content-length": str(len(body)), **{key.replace("_", "-"): v for key, v in headers.items()}}
    return response([body], sent, status)


def event_stream(frames: Any) -> AioAWSResponse:
    return response(frames, {**HEADERS, "content-type": "application/vnd.amazon.eventstream"})


def failure(kind: str, status: int) -> Any:
    return lambda: whole({"message": "no"}, status, x_amzn_errortype=kind)


class Api:
    """A client and who answers it; a plain client is shared, because making one takes longer than a call."""

    shared: ClassVar[dict[str, Any]] = {}

    def __init__(
        self, handler: Handler, service: str, retries: int = 0, mode: str = "standard", **options: Any
    ) -> None:
        self.handler, self.service, self.retries, self.mode, self.options = handler, service, retries, mode, options

    async def ready(self) -> Any:
        """The client, answered by this one's handler."""
        ANSWERING.set(self.handler)
        plain = not self.retries and not self.options
        client = self.shared.get(self.service) if plain else None
        if client is None:
            given = {**settings(self.retries, self.mode), **self.options}
            client = await SESSION.client(self.service, "eu-west-1", **given).__aenter__()
            client.meta.events.register("before-send", answered)
            if plain:
                self.shared[self.service] = client
        return client
