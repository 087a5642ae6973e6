"""An Ollama server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import httpx as http
import ollama
from instrumentation.endings import anever_read, never_read
from instrumentation.generators import CANNOT, LEFT, LEFT_ASYNC
from instrumentation.ollama_client.exchanges import EMBEDDED, EXCHANGES, GENERATED
from instrumentation.scenarios import Client, Handler, read, streamed
from throughline import names
from throughline.adapters import ollama as ollama_adapter

from instrumentation import httpx_wire

THINKS = "think" in inspect.signature(ollama.Client.chat).parameters
_NO_RETRIES = "the client tries nothing again"


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

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return httpx_wire.lines(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return httpx_wire.event_stream(http, blocks, "application/x-ndjson")

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": "no"}, "ResponseError"

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return getattr(api, self.method)(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        return await read(way, self.stream(api, request) if streamed(way) else getattr(api, self.method)(**request))


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
