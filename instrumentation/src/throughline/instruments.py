"""The metrics of the conventions: instruments with their buckets, and how an operation is measured."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, sub
from time import monotonic
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter

from throughline import names
from throughline.histograms import Series
from throughline.operation import METRIC_FIELDS, Operation, metric_attributes

SECONDS = tuple(0.01 * 2**n for n in range(14))
"""0.01 to 81.92 s, each twice the one before."""
TOKENS = tuple(4**n for n in range(14))
"""1 to 67,108,864 tokens, each four times the one before."""

_MOST_SERIES = 2000  # the dimensions are bounded, a mistake in them is not
_dimensions = attrgetter(*METRIC_FIELDS)


class _Measured:
    """The series of all operations that have the same dimensions."""

    __slots__ = ("chunk", "duration", "first_chunk", "input_tokens", "output_tokens")

    def __init__(self, instruments: Instruments, op: Operation) -> None:
        dimensions = metric_attributes(op)
        self.duration = Series(instruments.duration, dimensions)
        # by the conventions only the duration is broken down by error
        dimensions = {name: value for name, value in dimensions.items() if name != names.ERROR_TYPE}
        self.first_chunk = Series(instruments.first_chunk, dimensions)
        self.chunk = Series(instruments.chunk, dimensions)
        self.input_tokens = Series(instruments.tokens, {**dimensions, names.TOKEN_TYPE: "input"})
        self.output_tokens = Series(instruments.tokens, {**dimensions, names.TOKEN_TYPE: "output"})


class Instruments:
    """The histograms of client operations."""

    def __init__(self, meter: Meter) -> None:
        def histogram(name: str, unit: str, description: str, bounds: Sequence[float]) -> Histogram:
            return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)

        self.duration = histogram(names.CLIENT_OPERATION_DURATION, "s", "GenAI operation duration.", SECONDS)
        self.first_chunk = histogram(
            names.CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "s", "From the request to a stream's first chunk.", SECONDS
        )
        self.chunk = histogram(
            names.CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, "s", "From one chunk of a stream to the next.", SECONDS
        )
        self.tokens = histogram(names.CLIENT_TOKEN_USAGE, "{token}", "Input and output tokens used.", TOKENS)
        self._measured: dict[tuple[Any, ...], _Measured] = {}

    def measure(self, op: Operation, duration: float, chunk_times: Sequence[float], context: Context) -> None:
        """Record one operation; `duration` in seconds, `chunk_times` the clock at each chunk's arrival, in seconds."""
        dimensions = _dimensions(op)
        measured = self._measured.get(dimensions) or self._first_of(op, dimensions)
        now = monotonic()
        measured.duration.record((duration,), context, now)
        if op.time_to_first_chunk is not None:
            measured.first_chunk.record((op.time_to_first_chunk,), context, now)
        if len(chunk_times) > 1:
            measured.chunk.record(list(map(sub, chunk_times[1:], chunk_times)), context, now)
        if op.input_tokens is not None:
            measured.input_tokens.record((op.input_tokens,), context, now)
        if op.output_tokens is not None:
            measured.output_tokens.record((op.output_tokens,), context, now)

    def _first_of(self, op: Operation, dimensions: tuple[Any, ...]) -> _Measured:
        if len(self._measured) >= _MOST_SERIES:
            self._measured.clear()
        self._measured[dimensions] = measured = _Measured(self, op)
        return measured
