"""Cohere's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import cohere
import httpx as http
from instrumentation.cohere_client import exchanges_v1
from instrumentation.cohere_client.exchanges import EMBEDDED, EXCHANGES, RERANKED
from instrumentation.generators import CANNOT, LEFT, LEFT_ASYNC
from instrumentation.scenarios import Client, Handler
from throughline import names
from throughline.adapters import cohere as cohere_adapter
from throughline.adapters import cohere_v1

from instrumentation import httpx_wire

for module in ("base_client", "raw_base_client", "v2.client", "v2.raw_client"):  # imported only when they are used
    importlib.import_module(f"cohere.{module}")
http_client = importlib.import_module("cohere.core.http_client")
http_client.INITIAL_RETRY_DELAY_SECONDS = 0.001  # type: ignore[attr-defined] # the tests wait for nobody
http_client.MAX_RETRY_DELAY_SECONDS = 0.001  # type: ignore[attr-defined]
COUNTED = inspect.signature(http_client.HttpClient.request).parameters["retries"].default
"""How many attempts older versions believe to have made before the first one."""
tries_connections_again = hasattr(http_client, "_retry_timeout_from_retries")


events = partial(httpx_wire.named_events, otherwise="message-end")


def failure(status: int, headers: dict[str, str] | None = None) -> Any:
    return lambda: http.Response(status, json={"message": "no"}, headers=headers or {})


class Api(NamedTuple):
    """A client, and what each of its calls has besides, as older versions are told only there how often to try."""

    client: Any
    options: Mapping[str, Any]


def client(handler: Handler, kind: Any = None, *, retries: int = 0, **options: Any) -> Any:
    kind = kind or cohere.ClientV2
    http_client = httpx_wire.http_client(http, handler, asynchronous="Async" in kind.__name__)
    return Api(
        kind(api_key="key", httpx_client=http_client, **options),
        {"request_options": {"max_retries": retries + COUNTED}},
    )


class Cohere(Client):
    """The fixtures of the shared scenarios."""

    name = "cohere"
    adapter = cohere_adapter.Cohere()
    reader = cohere_adapter.ChatV2()
    exchanges = EXCHANGES
    http = http
    untold = frozenset({names.RESPONSE_MODEL})
    overloaded = failure(503, {"retry-after-ms": "1"}), 503
    refusals = {
        "no such model": (failure(404), "NotFoundError"),
        "too many": (failure(429), "TooManyRequestsError"),
        "overloaded": (failure(503), "ServiceUnavailableError"),
        "time-out": (http.ReadTimeout("slow"), "ReadTimeout"),
        "no connection": (http.ConnectError("refused"), "ConnectError"),
    }
    not_called = frozenset({(cohere_adapter.Cohere, "deliver")})  # of a stream, which comes as a generator
    abandoned = LEFT
    abandoned_async = LEFT_ASYNC
    cannot = {
        **CANNOT,
        "test_the_providers_error_amid_a_stream": "the client raises none: its last chunk tells it, see test_cohere.py",
        **({} if tries_connections_again else {
            "test_a_connection_that_failed_is_an_attempt_too": "this version tries again only after a status"}),
    }  # fmt: skip

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, cohere.AsyncClientV2 if asynchronous else cohere.ClientV2, retries=retries)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def refused_midway(self) -> tuple[Any, str]:
        raise NotImplementedError

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        stream = api.client.chat_stream(**request, **api.options)
        return _given(stream) if hasattr(stream, "__anext__") else stream

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        return await call(way, "chat", api, request)


async def _given(value: Any) -> Any:
    return value


async def call(way: str, method: str, api: Api, request: Mapping[str, Any]) -> Any:
    """Call `method`, or its streaming twin, in this way; which API it is, the client knows unless the way says it."""
    owner = api.client.v2 if "v2" in way else api.client
    owner = owner.with_raw_response if "raw" in way else owner
    if not way.endswith("stream"):
        result = getattr(owner, method)(**request, **api.options)
        result = await result if inspect.isawaitable(result) else result
        return result.data if "raw" in way else result
    stream = getattr(owner, f"{method}_stream")(**request, **api.options)
    if "raw" not in way:
        return [chunk async for chunk in stream] if way.startswith("async") else list(stream)
    if way.startswith("async"):
        async with stream as response:
            return [chunk async for chunk in response.data]
    with stream as response:
        return list(response.data)


class First(Cohere):
    """Chat by the first API, whose streams are lines of JSON."""

    reader = cohere_v1.Chat()
    exchanges = exchanges_v1.EXCHANGES
    wanted = frozenset({"reply", "tools"})
    method = "chat"

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, cohere.AsyncClient if asynchronous else cohere.Client, retries=retries)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return httpx_wire.lines(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return httpx_wire.event_stream(http, blocks, "application/stream+json")

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        stream = getattr(api.client, f"{self.method}_stream")(**request, **api.options)
        return _given(stream) if hasattr(stream, "__anext__") else stream

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        return await call(way, self.method, api, request)


class Generate(First):
    """Texts without turns, by the first API."""

    reader = cohere_v1.Generate()
    exchanges = {"reply": exchanges_v1.GENERATED}
    wanted = frozenset({"reply"})
    method = "generate"


class Embeddings(Cohere):
    """Vectors of texts, by both APIs."""

    reader = cohere_adapter.Embed()
    exchanges = {"reply": EMBEDDED}
    wanted = frozenset({"reply"})
    offers = frozenset({"async"})
    method = "embed"

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if "v1" in way:
            kind = cohere.AsyncClient if way.startswith("async") else cohere.Client
            handler = api.client._client_wrapper.httpx_client.httpx_client._transport.handler
            api = client(handler, kind)
            request = {**request, "batching": False} if self.method == "embed" else request
        return await call(way, self.method, api, request)


class Rerank(Embeddings):
    """Documents in the order of what they have to do with a question, by both APIs."""

    reader = cohere_adapter.Rerank()
    exchanges = {"reply": RERANKED}
    untold = frozenset({names.DATA_SOURCE_ID})
    method = "rerank"
