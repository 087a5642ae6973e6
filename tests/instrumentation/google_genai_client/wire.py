"""Gemini's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import aclosing, closing
from functools import cache
from typing import Any

import pytest
from google import genai
from google.genai import _api_client, types
from instrumentation.endings import OurError
from instrumentation.google_genai_client.exchanges import EMBEDDINGS, EXCHANGES
from instrumentation.scenarios import Client, Handler
from throughline import names
from throughline.adapters import google_embeddings
from throughline.adapters import google_genai as google_adapter

http = getattr(_api_client, "httpx2", None) or _api_client.httpx  # newer versions rest on httpx2 where it is installed


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
    return http.Response(200, headers={"content-type": "text/event-stream"}, stream=body)


def events(chunks: Iterable[Any]) -> Iterator[bytes]:
    for chunk in chunks:
        yield f"data: {json.dumps(chunk)}\r\n\r\n".encode()


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


# Its streams are bare generators: no `with`, and nothing is asked of anybody before the first step. However they are
# left, it is the client's own generators that let go of what is watched, so that a close is not told from a drop.


def broken_off(stream: Any) -> None:
    for _ in stream:
        break


def closed_twice(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def consumer_raises(stream: Any) -> None:
    with pytest.raises(OurError), closing(stream):
        for _ in stream:
            raise OurError


def drained(stream: Any) -> None:
    for _ in stream:
        pass


async def abroken_off(stream: Any) -> None:
    async for _ in stream:
        break


async def aclosed_twice(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()
    await stream.aclose()


async def aconsumer_raises(stream: Any) -> None:
    with pytest.raises(OurError):
        async with aclosing(stream):
            async for _ in stream:
                raise OurError


async def adrained(stream: Any) -> None:
    async for _ in stream:
        pass


_LAZY = "a stream asks nothing of anybody before its first step; test_google_genai.py holds it from there"


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
    abandoned = (
        (broken_off, "dropped"),
        (closed_twice, "dropped"),
        (consumer_raises, "dropped"),
        (drained, "completed"),
    )
    abandoned_async = ((abroken_off, "dropped"), (aclosed_twice, "dropped"), (aconsumer_raises, "dropped"),
                       (adrained, "completed"))  # fmt: skip
    not_called = frozenset({(google_adapter.GoogleGenAI, "deliver")})  # of a sync stream, which comes as a generator
    cannot = {
        "test_the_callers_own_error_is_his_own": _LAZY,
        "test_an_interrupt_ends_the_operation_too": _LAZY,
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

    def body(self, reply: Any) -> Any:
        return http.Response(200, json=reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return event_stream(blocks)

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}, "503"

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "contents": text}

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return api.models.generate_content_stream(**request)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if "chat" in way:
            return await _chat(way, api, request)
        match way:
            case "reply":
                return api.models.generate_content(**request)
            case "stream":
                return list(api.models.generate_content_stream(**request))
            case "async reply":
                return await api.models.generate_content(**request)
            case "async stream":
                return [chunk async for chunk in await api.models.generate_content_stream(**request)]
        raise AssertionError(way)


async def _chat(way: str, api: Any, request: Mapping[str, Any]) -> Any:
    chat = api.chats.create(model=request["model"], config=request.get("config"))
    match way:
        case "chat reply":
            return chat.send_message(request["contents"])
        case "chat stream":
            return list(chat.send_message_stream(request["contents"]))
        case "async chat reply":
            return await chat.send_message(request["contents"])
        case "async chat stream":
            return [chunk async for chunk in await chat.send_message_stream(request["contents"])]
    raise AssertionError(way)


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
