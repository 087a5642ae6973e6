"""The metrics of the conventions: instruments with their buckets, and how an operation is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Meter

from throughline import names
from throughline.operation import Operation, metric_attributes

SECONDS = tuple(0.01 * 2**n for n in range(14))
"""0.01 to 81.92 s, each twice the one before."""
TOKENS = tuple(4**n for n in range(14))
"""1 to 67,108,864 tokens, each four times the one before."""


class Instruments:
    """The histograms of client operations."""

    def __init__(self, meter: Meter) -> None:
        def seconds(name: str, description: str) -> Any:
            return meter.create_histogram(name, "s", description, explicit_bucket_boundaries_advisory=SECONDS)

        self._duration = seconds(names.CLIENT_OPERATION_DURATION, "GenAI operation duration.")
        self._first_chunk = seconds(
            names.CLIENT_OPERATION_TIME_TO_FIRST_CHUNK, "Time from the request to the first chunk of a stream."
        )
        self._chunk = seconds(
            names.CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, "Time between a chunk of a stream and the one before it."
        )
        self._tokens = meter.create_histogram(
            names.CLIENT_TOKEN_USAGE,
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )

    def measure(self, op: Operation, duration: float, chunk_times: Sequence[float], context: Context) -> None:
        """Record one operation; `duration` in seconds, `chunk_times` the clock at each chunk's arrival, in seconds."""
        dimensions = metric_attributes(op)
        self._duration.record(duration, dimensions, context)
        # By the conventions only the duration is broken down by error.
        dimensions = {key: value for key, value in dimensions.items() if key != names.ERROR_TYPE}
        if op.time_to_first_chunk is not None:
            self._first_chunk.record(op.time_to_first_chunk, dimensions, context)
        for earlier, later in zip(chunk_times, chunk_times[1:], strict=False):
            self._chunk.record(later - earlier, dimensions, context)
        if op.input_tokens is not None:
            self._tokens.record(op.input_tokens, {**dimensions, names.TOKEN_TYPE: "input"}, context)
        if op.output_tokens is not None:
            self._tokens.record(op.output_tokens, {**dimensions, names.TOKEN_TYPE: "output"}, context)
