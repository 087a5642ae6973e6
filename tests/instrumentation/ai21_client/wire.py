"""AI21's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import ai21
import httpx as http
from ai21.models.chat import UserMessage
from instrumentation.ai21_client.exchanges import EXCHANGES
from instrumentation.scenarios import Client, Handler
from tenacity import wait_none
from throughline import names
from throughline.adapters import ai21 as ai21_adapter


def failure(status: int) -> Any:
    return lambda: http.Response(status, json={"detail": "no"})


class _Blocks(http.SyncByteStream, http.AsyncByteStream):
    """A body that arrives block by block, sync and async alike."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._blocks

    async def __aiter__(self) -> Any:
        for block in self._blocks:
            yield block


def client(handler: Handler, cls: Any = ai21.AI21Client, *, retries: int = 0, **options: Any) -> Any:
    """It counts attempts, not retries, and waits a second at least, but for here."""
    own = (http.AsyncClient if "Async" in cls.__name__ else http.Client)(transport=http.MockTransport(handler))
    made = cls(num_retries=retries + 1 if retries else None, **(options or {"api_key": "key"}))
    made._client = own  # not every one of them takes one
    made._request.retry.wait = wait_none()
    return made


class AI21(Client):
    """The fixtures of the shared scenarios."""

    name = "ai21"
    adapter = ai21_adapter.AI21()
    reader = ai21_adapter.Chat()
    exchanges = EXCHANGES
    http = http
    wanted = frozenset(EXCHANGES)  # it takes no media, and its server tells of no reasoning and no cache
    untold = frozenset({names.RESPONSE_MODEL})
    cannot = {
        "test_one_shot_iterators_in_the_request_arrive": "the client itself reads the messages twice",
        "test_a_connection_that_failed_is_an_attempt_too": "its transport connects again, which nobody above it sees",
    }
    overloaded = failure(503), 503
    refusals = {
        "no such model": (failure(404), "404"),
        "too many": (failure(429), "TooManyRequestsError"),
        "broken": (failure(500), "AI21ServerError"),
        "time-out": (http.ReadTimeout("slow"), "ReadTimeout"),
        "no connection": (http.ConnectError("refused"), "ConnectError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, ai21.AsyncAI21Client if asynchronous else ai21.AI21Client, retries=retries)

    def body(self, reply: Any) -> Any:
        return http.Response(200, json=reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return (f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)

    def event_stream(self, blocks: Any) -> Any:
        body = blocks if isinstance(blocks, http.AsyncByteStream) else _Blocks(chain(blocks, [b"data: [DONE]\n\n"]))
        return http.Response(200, headers={"content-type": "text/event-stream"}, stream=body)

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": {"message": "overloaded"}}, "ValidationError"

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "messages": [UserMessage(content=text)]}

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return api.chat.completions.create(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        create = api.chat.completions.create
        match way:
            case "reply":
                return create(**request)
            case "stream":
                return list(create(**request, stream=True))
            case "async reply":
                return await create(**request)
            case "async stream":
                return [chunk async for chunk in await create(**request, stream=True)]
        raise AssertionError(way)
