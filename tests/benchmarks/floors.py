"""The least that any tracing of a call costs: OpenTelemetry's SDK used by hand, with constants for values.

floor0: a client span with 15 attributes around the call.
floor1: floor0 and the histogram records that the conventions demand of that call: operation duration, token usage once
        a token type and, of a stream, time to first chunk.
floor1+: floor1 and one time_per_output_chunk record for each chunk of a stream after the first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.trace import SpanKind, Tracer
from subjects import Workload, exhaust, exhaust_async

_SECONDS = [0.01 * 2**n for n in range(14)]
_TOKENS = [4**n for n in range(14)]
_DIMENSIONS: dict[str, Any] = {
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "server.address": "api.openai.com",
    "server.port": 443,
}
_LATER: dict[str, Any] = {
    "gen_ai.request.max_tokens": 5,
    "gen_ai.request.temperature": 0.1,
    "openai.api.type": "chat_completions",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.usage.reasoning.output_tokens": 3,
}

LEVELS = ("floor0", "floor1", "floor1+")


class ByHand:
    """The three floors around one call."""

    def __init__(self, workload: Workload, tracer: Tracer, meter: Meter) -> None:
        self._workload, self._tracer = workload, tracer
        self._start = {"gen_ai.operation.name": workload.operation, **_DIMENSIONS}
        self._dimensions = {**self._start, "gen_ai.response.model": "gpt-4o-2024-08-06"}

        def histogram(name: str, unit: str, bounds: list[Any]) -> Any:
            return meter.create_histogram(name, unit, explicit_bucket_boundaries_advisory=bounds)

        self._duration = histogram("gen_ai.client.operation.duration", "s", _SECONDS)
        self._first = histogram("gen_ai.client.operation.time_to_first_chunk", "s", _SECONDS)
        self._chunk = histogram("gen_ai.client.operation.time_per_output_chunk", "s", _SECONDS)
        self._tokens = histogram("gen_ai.client.token.usage", "{token}", _TOKENS)

    def sync_call(self, level: str, client: Any) -> Callable[[], None]:
        """A function that makes the call inside the floor's span."""
        call, streamed = self._workload.call, self._workload.streamed
        consume = self._each if level == "floor1+" else exhaust

        def traced() -> None:
            began = perf_counter()
            with self._span() as span:
                result = call(client)
                if streamed:
                    consume(result)
                span.set_attributes(_LATER)
            if level != "floor0":
                self._record(perf_counter() - began)

        return traced

    def async_call(self, level: str, client: Any) -> Callable[[], Awaitable[None]]:
        """The same, awaited."""
        call, streamed = self._workload.way(asynchronous=True), self._workload.streamed
        consume = self._each_async if level == "floor1+" else exhaust_async

        async def traced() -> None:
            began = perf_counter()
            with self._span() as span:
                result = await call(client)
                if streamed:
                    await consume(result)
                span.set_attributes(_LATER)
            if level != "floor0":
                self._record(perf_counter() - began)

        return traced

    def _span(self) -> Any:
        return self._tracer.start_as_current_span("chat gpt-4o", kind=SpanKind.CLIENT, attributes=self._start)

    def _record(self, duration: float) -> None:
        self._duration.record(duration, self._dimensions)
        if self._workload.streamed:
            self._first.record(duration / 2, self._dimensions)
        for kind in self._workload.token_types:
            self._tokens.record(11, {**self._dimensions, "gen_ai.token.type": kind})

    def _each(self, stream: Any) -> None:
        last = None
        for _chunk in stream:
            last = self._next(last)

    async def _each_async(self, stream: Any) -> None:
        last = None
        async for _chunk in stream:
            last = self._next(last)

    def _next(self, last: float | None) -> float:
        now = perf_counter()
        if last is not None:
            self._chunk.record(now - last, self._dimensions)
        return now
