"""An Ollama server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx as http
import ollama
from instrumentation.endings import anever_read, never_read
from instrumentation.generators import CANNOT, LEFT, LEFT_ASYNC
from instrumentation.ollama_client.exchanges import EMBEDDED, EXCHANGES, GENERATED
from instrumentation.scenarios import Client, Handler
from throughline import names
from throughline.adapters import ollama as ollama_adapter

THINKS = "think" in inspect.signature(ollama.Client.chat).parameters
_NO_RETRIES = "the client tries nothing again"


class _Blocks(http.SyncByteStream, http.AsyncByteStream):
    """A body that arrives block by block, sync and async alike."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks

    async def __aiter__(self) -> Any:
        for block in self._blocks:
            yield block


def event_stream(blocks: Any) -> Any:
    body = blocks if isinstance(blocks, http.AsyncByteStream) else _Blocks(blocks)
    return http.Response(200, headers={"content-type": "application/x-ndjson"}, stream=body)


def events(chunks: Iterable[Any]) -> Iterator[bytes]:
    for chunk in chunks:
        yield json.dumps(chunk).encode() + b"\n"


def failure(status: int) -> Any:
    return lambda: http.Response(status, json={"error": "no"})


def client(handler: Handler, kind: Any = ollama.Client, host: str = "models.example.org") -> Any:
    return kind(host, transport=http.MockTransport(handler))


class Ollama(Client):
    """The fixtures of the shared scenarios."""

    name = "ollama"
    adapter = ollama_adapter.Ollama()
    reader = ollama_adapter.Chat()
    exchanges = {name: each for name, each in EXCHANGES.items() if THINKS or name != "reasoning"}
    wanted = frozenset({"reply", "tools", "parallel tools", "structured output", "media"}
                       | ({"reasoning"} if THINKS else set()))  # fmt: skip # its server caches, but tells nothing of it
    http = http
    untold = frozenset({names.RESPONSE_ID})
    refusals = {
        "no such model": (failure(404), "404"),
        "overloaded": (failure(503), "503"),
        "time-out": (http.ReadTimeout("slow"), "ReadTimeout"),
    }
    abandoned = [*LEFT, (never_read, "dropped")]
    abandoned_async = [*LEFT_ASYNC, (anever_read, "dropped")]
    cannot = {
        **CANNOT,
        "test_retries_are_seen": _NO_RETRIES,
        "test_a_connection_that_failed_is_an_attempt_too": _NO_RETRIES,
    }
    method = "chat"

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return client(handler, ollama.AsyncClient if asynchronous else ollama.Client)

    def body(self, reply: Any) -> Any:
        return http.Response(200, json=reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return event_stream(blocks)

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": "no"}, "ResponseError"

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return getattr(api, self.method)(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        method = getattr(api, self.method)
        match way:
            case "reply":
                return method(**request)
            case "stream":
                return list(method(**request, stream=True))
            case "async reply":
                return await method(**request)
            case "async stream":
                return [chunk async for chunk in await method(**request, stream=True)]
        raise AssertionError(way)


class Generate(Ollama):
    """Texts without turns."""

    reader = ollama_adapter.Generate()
    exchanges = {"reply": GENERATED}
    wanted = frozenset({"reply"})
    method = "generate"


class Embeddings(Ollama):
    """Vectors of texts."""

    reader = ollama_adapter.Embed()
    exchanges = {"reply": EMBEDDED}
    wanted = frozenset({"reply"})
    offers = frozenset({"async"})
    untold = frozenset({names.REQUEST_ENCODING_FORMATS})
    method = "embed"
