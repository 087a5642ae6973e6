"""What a client has to bring to the scenarios that all clients share: exchanges and ways to call. No scenario itself.

A new client writes a `Client` and, in a test file, `class TestWhole(operations.Whole): client = ...`, and so on for the
classes of `operations.py`, `endings.py`, `harmless.py` and `patching.py`, which hold the scenarios. What a client does
not offer (`offers`) or cannot meet (`cannot`, with the reason) is left out by `conftest.py`.
"""

from __future__ import annotations

import asyncio
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from instrumentation.conformance import CONTENT_SCHEMAS
from instrumentation.httpx_wire import Handler
from instrumentation.telemetry import Telemetry, plain
from throughline import names
from throughline.adapter import Adapter, Reader
from throughline.instruments import SECONDS, TOKENS

from instrumentation import httpx_wire

answering = httpx_wire.answering
needs = pytest.mark.needs
"""`@needs("stream")`: a scenario that arises only for clients that offer it."""
DIMENSIONS = (names.OPERATION_NAME, names.PROVIDER_NAME, names.REQUEST_MODEL, names.RESPONSE_MODEL,
              names.SERVER_ADDRESS, names.SERVER_PORT, names.ERROR_TYPE)  # fmt: skip

INFERENCE = ("chat", "generate_content", "text_completion")
_PROMPTING = ("system", "developer", "user")


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, its answer whole and in chunks, and all that is to be recorded of the two."""

    request: Mapping[str, Any]
    reply: Any
    chunks: Sequence[Any]
    recorded: Mapping[str, Any]
    """Every attribute of the span, but for content, times and what depends on how the call is made."""
    content: Mapping[str, Any] = field(default_factory=dict)
    ways: tuple[str, ...] = ("reply", "stream")

    @property
    def span_name(self) -> str:
        subject = self.recorded.get(names.DATA_SOURCE_ID) or self.recorded.get(names.REQUEST_MODEL)
        return " ".join(filter(None, (self.recorded[names.OPERATION_NAME], subject)))


class Client(ABC):
    """One client library, as the scenarios see it: the real one, on a transport that answers from memory."""

    name: ClassVar[str]
    """As in `throughline.adapters.CLIENTS`."""
    offers: ClassVar[frozenset[str]] = frozenset({"async", "stream"})
    """Ways to call that it has; scenarios that need another one do not arise."""
    cannot: ClassVar[Mapping[str, str]] = {}
    """Scenario, by its test's name, that cannot arise for this client → why."""
    wanted: ClassVar[frozenset[str]] = frozenset(
        {"reply", "tools", "parallel tools", "structured output", "media", "reasoning", "cached tokens"}
    )
    """Exchanges that it has to bring."""
    abandoned: ClassVar[Sequence[tuple[Callable[[Any], None], str]] | None] = None
    """How its streams can be left, and the end reason; None: in every way of `endings.ABANDONED`."""
    abandoned_async: ClassVar[Sequence[tuple[Callable[[Any], Any], str]] | None] = None
    untold: ClassVar[frozenset[str]] = frozenset()
    """Recommended attributes whose values are in no exchange with this provider."""
    asked_in: ClassVar[str] = names.INPUT_MESSAGES
    """The attribute that holds what was asked."""
    not_called: ClassVar[frozenset[tuple[type, str]]] = frozenset()
    """Methods of the reader or adapter that its first exchange does not need, so that breaking them shows nothing."""
    adapter: ClassVar[Adapter]
    reader: ClassVar[Reader]
    exchanges: ClassVar[Mapping[str, Exchange]]
    """The first one is called in every way of its list, and is what the scenarios of endings and faults use."""
    refusals: ClassVar[Mapping[str, tuple[Any, str]]]
    """What the server may answer instead of a reply, or the error of the transport; the `error.type` it makes."""
    overloaded: ClassVar[tuple[Any, int]]
    """A response that the client tries again after, at once, and its status."""
    http: ClassVar[Any]
    """The HTTP library that the installed version rests on: what the defaults below speak."""

    @property
    def exchange(self) -> Exchange:
        return next(iter(self.exchanges.values()))

    @abstractmethod
    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        """A client whose requests `handler` answers."""

    @abstractmethod
    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        """Call in this way, which begins with `async` for an asynchronous client, and read to the end."""

    @abstractmethod
    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        """A stream just begun; to be awaited where `api` is asynchronous."""

    @abstractmethod
    def refused_midway(self) -> tuple[Any, str]:
        """A chunk by which the provider says that it failed, and the `error.type` it makes."""

    # --- what differs for clients that do not send messages by an HTTP library like httpx ---------------------------

    def body(self, reply: Any) -> Any:
        """The HTTP response with this reply."""
        return self.http.Response(200, json=reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        """The blocks of bytes that a server sends for these chunks, its end of stream excluded."""
        return httpx_wire.events(chunks)

    def event_stream(self, blocks: Any) -> Any:
        """The HTTP response that sends these blocks, from an iterable or a stream of the HTTP library."""
        return httpx_wire.event_stream(self.http, blocks)

    def asking(self, text: str) -> Mapping[str, Any]:
        """The arguments of the first exchange, asking this instead."""
        return {**self.exchange.request, "messages": [{"role": "user", "content": text}]}

    def one_shot(self) -> tuple[Mapping[str, Any], Callable[[Any], Any], Any]:
        """Arguments with an iterator that can be read once, what finds it in a request, and what must be found."""
        messages = [{"role": "user", "content": "Say hello."}]
        arguments = {**self.exchange.request, "messages": (message for message in messages)}
        return arguments, lambda request: json.loads(request.content)["messages"], messages

    def sent(self, request: Any) -> Any:
        """All of a request that tracing might change, to compare."""
        own = {key: value for key, value in request.headers.items() if key != "idempotency-key"}
        return str(request.url), request.content, own

    def lost(self) -> BaseException:
        """What the transport raises when the connection breaks amid an answer."""
        error: BaseException = self.http.ReadError("lost")
        return error

    def unreachable(self) -> BaseException:
        """What it raises when there is no connection."""
        error: BaseException = self.http.ConnectError("refused")
        return error

    def endless(self, first: Sequence[bytes], asked: asyncio.Event) -> Any:
        """A response to an async client that gives these blocks, sets `asked` and never ends."""

        class Endless(self.http.AsyncByteStream):  # type: ignore[name-defined]
            async def __aiter__(self) -> Any:
                for block in first:
                    yield block
                asked.set()
                await asyncio.Event().wait()

        return self.event_stream(Endless())

    def answer(self, exchange: Exchange, *, streamed: bool) -> Callable[[], Any]:
        """What makes a fresh response to this exchange's request."""
        if streamed:
            return lambda: self.event_stream(self.events(exchange.chunks))
        return lambda: self.body(exchange.reply)

    def breaking(self, error: BaseException, *, after: int) -> Callable[[], Any]:
        """What makes a stream that breaks with `error` after so many chunks."""

        def blocks() -> Any:
            yield from list(self.events(self.exchange.chunks[:after]))
            raise error

        return lambda: self.event_stream(blocks())


def streamed(way: str) -> bool:
    """Whether the provider is asked for a stream: every way says so by its last word."""
    return way.split()[-1] in ("stream", "helper")


async def read(way: str, begun: Any) -> Any:
    """What comes of a call just begun in one of the plain ways: the reply, or all chunks."""
    assert way.removeprefix("async ") in ("reply", "stream")
    if not way.startswith("async"):
        return list(begun) if streamed(way) else begun
    result = await begun
    return [chunk async for chunk in result] if streamed(way) else result


def dumped(result: Any) -> Any:
    """A result as plain data with its types, to compare with another one."""
    if isinstance(result, list):
        return [dumped(item) for item in result]
    data = result.model_dump(warnings=False) if hasattr(result, "model_dump") else result
    return type(result).__name__, data


def structured(value: Any) -> Any:
    """Content as spans and records carry it, made comparable."""
    return json.loads(value) if isinstance(value, str) else json.loads(json.dumps(value, default=dict))


def content_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Take the content out of the attributes, with what is told of it without it: how many documents there are, the
    highest of their scores, and the fingerprint that a model call has where its prompt says a word."""
    found = attributes.pop(names.PROMPT_FINGERPRINT, None)
    asked = [structured(attributes.get(name, [])) for name in (names.SYSTEM_INSTRUCTIONS, names.INPUT_MESSAGES)]
    parts = [*asked[0], *(part for message in asked[1] for part in message["parts"] if message["role"] in _PROMPTING)]
    words = any(part["type"] == "text" and part["content"] for part in parts)
    if any(asked):  # which the record may have instead
        assert (found is not None) is (words and attributes[names.OPERATION_NAME] in INFERENCE)
    assert found is None or re.fullmatch("[0-9a-f]{16}", found)
    if documents := structured(attributes.get(names.RETRIEVAL_DOCUMENTS, [])):
        best = max((document["score"] for document in documents if "score" in document), default=None)
        assert attributes.pop(names.RETRIEVAL_COUNT) == len(documents)
        assert attributes.pop(names.RETRIEVAL_TOP_SCORE, None) == best
    return {name: structured(attributes.pop(name)) for name in CONTENT_SCHEMAS if name in attributes}


def without_time(attributes: dict[str, Any], *, chunks: bool) -> dict[str, Any]:
    """Attributes without the time to the first chunk, which must be there, and sensible, just where chunks came, and
    without the time per output token, which must be where a model gave a whole answer of several."""
    per_token = attributes.pop(names.TIME_PER_OUTPUT_TOKEN, None)
    several = attributes.get(names.USAGE_OUTPUT_TOKENS, 0) > 1 and attributes[names.OPERATION_NAME] in INFERENCE
    assert (per_token is not None) is (several and attributes[names.END_REASON] == "completed")
    assert per_token is None or 0 < per_token < 60
    first = attributes.pop(names.RESPONSE_TIME_TO_FIRST_CHUNK, None)
    assert (first is not None) is chunks
    assert first is None or 0 < first < 60
    return attributes


def check_record(telemetry: Telemetry, attributes: dict[str, Any]) -> None:
    """The record has the identity and the times of the span, and these attributes."""
    record, span = telemetry.record(), telemetry.span()
    found = plain(record.attributes)
    ids = span.context
    assert (record.trace_id, record.span_id) == (ids.trace_id, ids.span_id)
    assert found.pop(names.RECORD_ID) == f"{ids.trace_id:032x}{ids.span_id:016x}"
    assert found.pop(names.START_TIME_UNIX_NANO) == span.start_time
    assert found.pop(names.DURATION) == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-6)
    assert found.keys() == attributes.keys()
    assert content_of(found) == content_of(attributes)
    assert found == attributes


def check_metrics(telemetry: Telemetry, attributes: Mapping[str, Any], *, chunks: int) -> None:
    """The metrics of one call, with the conventions' buckets and no dimension but the bounded ones."""
    points = telemetry.points()
    dimensions = {name: attributes[name] for name in DIMENSIONS if name in attributes}
    (duration,) = points["gen_ai.client.operation.duration"]
    assert (plain(duration.attributes), duration.count) == (dimensions, 1)
    assert duration.explicit_bounds == SECONDS
    usage = {"input": attributes.get(names.USAGE_INPUT_TOKENS), "output": attributes.get(names.USAGE_OUTPUT_TOKENS)}
    tokens = points.get("gen_ai.client.token.usage", [])
    found = {point.attributes[names.TOKEN_TYPE]: point for point in tokens}
    assert {kind: point.sum for kind, point in found.items()} == {k: v for k, v in usage.items() if v is not None}
    for kind, point in found.items():
        assert plain(point.attributes) == {**dimensions, names.TOKEN_TYPE: kind}
        assert point.explicit_bounds == TOKENS
    counts = {"time_to_first_chunk": min(chunks, 1), "time_per_output_chunk": max(chunks - 1, 0)}
    for name, count in counts.items():
        assert sum(point.count for point in points.get(f"gen_ai.client.operation.{name}", [])) == count
