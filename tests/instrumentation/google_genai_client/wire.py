"""Gemini's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any

from google import genai
from google.genai import _api_client, types
from instrumentation.generators import CANNOT, LEFT, LEFT_ASYNC
from instrumentation.google_genai_client.exchanges import EMBEDDINGS, EXCHANGES
from instrumentation.scenarios import Client, Handler, read, streamed
from throughline import names
from throughline.adapters import google_embeddings
from throughline.adapters import google_genai as google_adapter

from instrumentation import httpx_wire

http = httpx_wire.library_in(_api_client)  # newer versions rest on httpx2 where it is installed
event_stream = partial(httpx_wire.event_stream, http)
events = partial(httpx_wire.events, end="\r\n\r\n")


def failure(code: int, status: str) -> Any:
    return lambda: http.Response(code, json={"error": {"code": code, "message": "no", "status": status}})


class _Server:
    """A transport whose answers change, so that one client serves many tests: making one takes longer than a call."""

    def __init__(self) -> None:
        self.handler: Handler = lambda _request: None
        self.transport = http.MockTransport(self.answer)

    def answer(self, request: Any) -> Any:
        return self.handler(request)


def client(handler: Handler, *, retries: int = 0, **options: Any) -> Any:
    server, made = _client(retries, **(options or {"api_key": "key"}))
    server.handler = handler
    return made


@cache
def _client(retries: int, **options: Any) -> tuple[_Server, Any]:
    server = _Server()
    own: dict[str, Any]
    if "httpx_client" in types.HttpOptions.model_fields:
        own = {
            "httpx_client": http.Client(transport=server.transport),
            "httpx_async_client": http.AsyncClient(transport=server.transport),
        }
    else:
        own = {name: {"transport": server.transport} for name in ("client_args", "async_client_args")}
    again = types.HttpRetryOptions(attempts=retries + 1, initial_delay=0.001, max_delay=0.002, jitter=0.001)
    http_options = types.HttpOptions(**own, retry_options=again if retries else None)
    return server, genai.Client(http_options=http_options, **options)


def left(ways: Sequence[tuple[Any, str]]) -> list[tuple[Any, str]]:
    """However its streams are left, the client's own generators let go of what is watched: closes look like drops."""
    return [(way, "completed" if reason == "completed" else "dropped") for way, reason in ways]


class GoogleGenAI(Client):
    """The fixtures of the shared scenarios."""

    name = "google_genai"
    adapter = google_adapter.GoogleGenAI()
    reader = google_adapter.GenerateContent()
    exchanges = EXCHANGES
    http = http
    overloaded = failure(503, "UNAVAILABLE"), 503
    refusals = {
        "no such model": (failure(404, "NOT_FOUND"), "404"),
        "too many": (failure(429, "RESOURCE_EXHAUSTED"), "429"),
        "overloaded": (failure(503, "UNAVAILABLE"), "503"),
        "time-out": (http.ReadTimeout("slow"), "ReadTimeout"),
        "no connection": (http.ConnectError("refused"), "ConnectError"),
    }
    abandoned = left(LEFT)
    abandoned_async = left(LEFT_ASYNC)
    not_called = frozenset({(google_adapter.GoogleGenAI, "deliver")})  # of a sync stream, which comes as a generator
    cannot = {
        **dict.fromkeys(CANNOT, "a stream asks nothing of anybody before its first step; test_google_genai.py holds it "
                                "from there"),
        "test_one_shot_iterators_in_the_request_arrive": "the client refuses an iterator as contents, and reads one in "
        "its config to a list before anything is sent",
        **({} if hasattr(_api_client, "_HTTPX_TRANSIENT_EXC") else {
            "test_a_connection_that_failed_is_an_attempt_too": "this version tries again only after a status"}),
        **({} if hasattr(_api_client, "_HTTPX_RESPONSE_TYPES") or hasattr(types.HttpOptions, "httpx_client") else {
            "test_the_providers_error_amid_a_stream": "this version passes it on as an empty chunk"}),
    }  # fmt: skip

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        made = client(handler, retries=retries)
        return made.aio if asynchronous else made

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}, "503"

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "contents": text}

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return api.models.generate_content_stream(**request)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if "chat" in way:
            return await _chat(way, api, request)
        return await read(way, self.stream(api, request) if streamed(way) else api.models.generate_content(**request))


async def _chat(way: str, api: Any, request: Mapping[str, Any]) -> Any:
    chat = api.chats.create(model=request["model"], config=request.get("config"))
    send = chat.send_message_stream if streamed(way) else chat.send_message
    return await read(way.replace("chat ", ""), send(request["contents"]))


class Embeddings(GoogleGenAI):
    """The same for `embed_content`."""

    reader = google_embeddings.Embeddings()
    exchanges = EMBEDDINGS
    offers = frozenset({"async"})
    wanted = frozenset({"reply"})
    untold = frozenset({names.RESPONSE_MODEL, names.REQUEST_ENCODING_FORMATS})

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        called = api.models.embed_content(**request)
        return await called if way.startswith("async") else called
