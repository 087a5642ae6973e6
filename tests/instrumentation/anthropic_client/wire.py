"""Anthropic's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import anthropic
from instrumentation.anthropic_client.exchanges import EXCHANGES
from instrumentation.scenarios import Client, Handler
from throughline.adapters import anthropic as anthropic_adapter

from instrumentation import httpx_wire

http = httpx_wire.library_in(anthropic._base_client)
event_stream = partial(httpx_wire.event_stream, http)
events = partial(httpx_wire.named_events, otherwise="message_delta")


def failure(kind: str, status: int, headers: dict[str, str] | None = None) -> Any:
    error = {"type": "error", "error": {"type": kind, "message": "no"}}
    return lambda: http.Response(status, json=error, headers=headers or {})


def client(handler: Handler, cls: Any = anthropic.Anthropic, *, retries: int = 0, **options: Any) -> Any:
    http_client = httpx_wire.http_client(http, handler, asynchronous="Async" in cls.__name__)
    options = options or {"api_key": "key"}
    return cls(http_client=http_client, max_retries=retries, **options)


class Anthropic(Client):
    """The fixtures of the shared scenarios."""

    name = "anthropic"
    adapter = anthropic_adapter.Anthropic()
    reader = anthropic_adapter.Messages()
    exchanges = EXCHANGES
    http = http
    overloaded = failure("overloaded_error", 529, {"retry-after-ms": "1"}), 529
    refusals = {
        "no such model": (failure("not_found_error", 404), "NotFoundError"),
        "too many": (failure("rate_limit_error", 429), "RateLimitError"),
        "overloaded": (
            failure("overloaded_error", 529),
            anthropic._exceptions.OverloadedError.__name__
            if hasattr(anthropic._exceptions, "OverloadedError")
            else "InternalServerError",
        ),
        "time-out": (http.ReadTimeout("slow"), "APITimeoutError"),
        "no connection": (http.ConnectError("refused"), "APIConnectionError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic, retries=retries)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def refused_midway(self) -> tuple[Any, str]:
        chunk = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
        return chunk, MIDWAY

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return api.messages.create(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        messages = api.beta.messages if "beta" in way else api.messages
        how = way.replace("beta ", "")
        return await _async(how, messages, request) if how.startswith("async") else _sync(how, messages, request)


def _midway() -> str:
    """Versions differ in whether an error amid a stream has the type of the one it would be as a response."""
    response = http.Response(200, request=http.Request("POST", "https://api.anthropic.com"))
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
    return type(client(lambda _: None)._make_status_error("no", body=body, response=response)).__qualname__


MIDWAY = _midway()


def _sync(how: str, messages: Any, request: Mapping[str, Any]) -> Any:
    match how:
        case "reply":
            return messages.create(**request)
        case "stream":
            return list(messages.create(**request, stream=True))
        case "raw reply":
            return messages.with_raw_response.create(**request).parse()
        case "raw stream":
            return list(messages.with_raw_response.create(**request, stream=True).parse())
        case "lazy reply":
            with messages.with_streaming_response.create(**request) as response:
                return response.parse()
        case "lazy stream":
            with messages.with_streaming_response.create(**request, stream=True) as response:
                return list(response.parse())
        case "helper":
            with messages.stream(**request) as stream:
                return stream.get_final_message()
        case "text helper":
            with messages.stream(**request) as stream:
                return list(stream.text_stream)
    raise AssertionError(how)


async def _async(how: str, messages: Any, request: Mapping[str, Any]) -> Any:
    match how.removeprefix("async "):
        case "reply":
            return await messages.create(**request)
        case "stream":
            return [chunk async for chunk in await messages.create(**request, stream=True)]
        case "raw reply":
            parsed = (await messages.with_raw_response.create(**request)).parse()
            return await parsed if inspect.isawaitable(parsed) else parsed  # which it is depends on the version
        case "lazy reply":
            async with messages.with_streaming_response.create(**request) as response:
                return await response.parse()
        case "lazy stream":
            async with messages.with_streaming_response.create(**request, stream=True) as response:
                return [chunk async for chunk in await response.parse()]
        case "helper":
            async with messages.stream(**request) as stream:
                return await stream.get_final_message()
        case "text helper":
            async with messages.stream(**request) as stream:
                return [text async for text in stream.text_stream]
    raise AssertionError(how)
