"""Servers from memory for clients that rest on httpx or httpx2. It knows no client and needs no pytest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

Handler = Callable[[Any], Any]


def library_in(module: Any) -> Any:
    """The one of httpx and httpx2 that this module of a client's imports: which one it is depends on the version."""
    return getattr(module, "httpx2", None) or module.httpx


def http_client(http: Any, handler: Handler, *, asynchronous: bool) -> Any:
    """The library's client, sync or async, whose requests `handler` answers."""
    return (http.AsyncClient if asynchronous else http.Client)(transport=http.MockTransport(handler))


@cache
def _blocks_of(http: Any) -> Any:
    class Blocks(http.SyncByteStream, http.AsyncByteStream):  # type: ignore[misc]
        """A body that arrives block by block, sync and async alike."""

        def __init__(self, blocks: Iterable[bytes]) -> None:
            self._blocks = iter(blocks)

        def __iter__(self) -> Iterator[bytes]:
            yield from self._blocks

        async def __aiter__(self) -> Any:
            for block in self._blocks:
                yield block

    return Blocks


def event_stream(http: Any, blocks: Any, content_type: str = "text/event-stream") -> Any:
    """A response with these blocks, from an iterable or a stream of the library."""
    body = blocks if isinstance(blocks, http.AsyncByteStream) else _blocks_of(http)(blocks)
    return http.Response(200, headers={"content-type": content_type}, stream=body)


def events(chunks: Iterable[Any], end: str = "\n\n") -> Iterator[bytes]:
    """Server-sent events without names."""
    for chunk in chunks:
        yield f"data: {json.dumps(chunk)}{end}".encode()


def named_events(chunks: Iterable[Any], otherwise: str) -> Iterator[bytes]:
    """Server-sent events named after the chunks' types; `otherwise` for what is no object."""
    for chunk in chunks:
        kind = chunk.get("type") if isinstance(chunk, dict) else otherwise
        yield f"event: {kind}\ndata: {json.dumps(chunk)}\n\n".encode()


def lines(chunks: Iterable[Any]) -> Iterator[bytes]:
    """Lines of JSON."""
    for chunk in chunks:
        yield json.dumps(chunk).encode() + b"\n"


def answering(*answers: Any) -> Handler:
    """A server that gives these responses (or makes them, or raises them) in turn, then the last one for ever."""
    waiting = list(answers)

    def handler(_request: Any) -> Any:
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer() if callable(answer) else answer

    return handler
