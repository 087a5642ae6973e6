"""The metrics of the conventions: instruments with their buckets, and how an operation is measured."""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from throughline import names
from throughline.histograms import BulkHistogram
from throughline.operation import Operation, metric_attributes

SECONDS = tuple(0.01 * 2**n for n in range(14))
"""0.01 to 81.92 s, each twice the one before."""
TOKENS = tuple(4**n for n in range(14))
"""1 to 67,108,864 tokens, each four times the one before."""


class Instruments:
    """The histograms of client operations."""

    def __init__(self, meter: Meter) -> None:
        def histogram(name: str, unit: str, description: str, bounds: Sequence[float]) -> BulkHistogram:
            return BulkHistogram(
                meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=bounds)
            )

        self._duration = histogram(names.CLIENT_OPERATION_DURATION, "s", "GenAI operation duration.", SECONDS)
        self._first_chunk = histogram(
            names.CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "s", "From the request to a stream's first chunk.", SECONDS
        )
        self._chunk = histogram(
            names.CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, "s", "From one chunk of a stream to the next.", SECONDS
        )
        self._tokens = histogram(names.CLIENT_TOKEN_USAGE, "{token}", "Input and output tokens used.", TOKENS)

    def measure(self, op: Operation, duration: float, chunk_times: Sequence[float], context: Context) -> None:
        """Record one operation; `duration` in seconds, `chunk_times` the clock at each chunk's arrival, in seconds."""
        dimensions = metric_attributes(op)
        self._duration.record((duration,), dimensions, context)
        dimensions.pop(names.ERROR_TYPE, None)  # by the conventions only the duration is broken down by error
        if op.time_to_first_chunk is not None:
            self._first_chunk.record((op.time_to_first_chunk,), dimensions, context)
        if len(chunk_times) > 1:
            self._chunk.record(list(map(sub, chunk_times[1:], chunk_times)), dimensions, context)
        if op.input_tokens is not None:
            self._tokens.record((op.input_tokens,), {**dimensions, names.TOKEN_TYPE: "input"}, context)
        if op.output_tokens is not None:
            self._tokens.record((op.output_tokens,), {**dimensions, names.TOKEN_TYPE: "output"}, context)
