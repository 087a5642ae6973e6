"""The metrics of the conventions: instruments with their buckets, and how an operation is measured."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter, sub
from time import monotonic
from typing import Any, NamedTuple

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter

from throughline import names
from throughline.histograms import Series
from throughline.operation import METRIC_FIELDS, Operation, chosen_attributes
from throughline.totals import Totals

SECONDS = tuple(0.01 * 2**n for n in range(14))
"""0.01 to 81.92 s, each twice the one before."""
TOKENS = tuple(4**n for n in range(14))
"""1 to 67,108,864 tokens, each four times the one before."""

_DOUBLING = tuple(0.1 * 2**n for n in range(13))
_WORKFLOW = (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200)
_MCP = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_COUNT = (0, 1, 2, 4, 8, 16, 32, 64, 128)
_MCP_DIMENSIONS = ("name", "tool_name", "prompt_name", "mcp_method", "error_type", "mcp_protocol", "network_transport",
                   "network_protocol", "rpc_status")  # fmt: skip


class Measure(NamedTuple):
    """How long an operation other than a model call took, by these fields."""

    metric: str
    bounds: tuple[float, ...]
    dimensions: tuple[str, ...]


MEASURES: dict[str, Measure | None] = {
    "execute_tool": Measure(
        names.EXECUTE_TOOL_DURATION, SECONDS, ("tool_name", "tool_type", "agent_name", "error_type")
    ),
    "invoke_agent": Measure(names.INVOKE_AGENT_DURATION, _DOUBLING, ("agent_name", "model", "error_type")),
    "invoke_workflow": Measure(names.WORKFLOW_DURATION, _WORKFLOW, ("workflow_name", "error_type")),
    "mcp.client": Measure(
        names.MCP_CLIENT_OPERATION_DURATION, _MCP, (*_MCP_DIMENSIONS, "server_address", "server_port")
    ),
    "mcp.server": Measure(names.MCP_SERVER_OPERATION_DURATION, _MCP, _MCP_DIMENSIONS),
    "plan": None,  # the conventions have none
    "step": None,  # nor of what an application calls so
}
"""Operation, or what its reader `measures` → its metric; one that is not here is measured as a model call is."""

_MOST_SERIES = 2000  # the dimensions are bounded, a mistake in them is not
_dimensions = attrgetter(*METRIC_FIELDS)


class _Measured:
    """The series of all operations that have the same dimensions."""

    __slots__ = ("chunk", "duration", "first_chunk", "input_tokens", "output_tokens")

    def __init__(self, instruments: Instruments, op: Operation) -> None:
        dimensions = chosen_attributes(op, METRIC_FIELDS)
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
        self._steps = {
            key: histogram(measure.metric, "s", f"Duration: {key}.", measure.bounds)
            for key, measure in MEASURES.items()
            if measure
        }
        self._model_calls = histogram(
            names.INVOKE_AGENT_INFERENCE_CALLS, "{inference_call}", "Model calls of an agent's run.", _COUNT
        )
        self._tool_calls = histogram(names.INVOKE_AGENT_TOOL_CALLS, "{tool_call}", "Tools of an agent's run.", _COUNT)
        self._measured: dict[tuple[Any, ...], _Measured] = {}

    def measure(
        self, kind: str, op: Operation, duration: float, chunk_times: Sequence[float], context: Context,
        totals: Totals | None = None,
    ) -> None:  # fmt: skip
        """Record one operation; `duration` in seconds, `chunk_times` the clock at each chunk's arrival, in seconds.

        `kind`: a key of `MEASURES`, or anything else for a model call.
        """
        if kind not in MEASURES:
            self._measure_call(op, duration, chunk_times, context)
        elif measure := MEASURES[kind]:
            self._steps[kind].record(duration, chosen_attributes(op, measure.dimensions), context)
        if kind == "invoke_agent" and totals is not None:
            agent = chosen_attributes(op, ("agent_name",))
            self._model_calls.record(totals.own_model_calls, agent, context)
            self._tool_calls.record(totals.own_tools, agent, context)

    def _measure_call(self, op: Operation, duration: float, chunk_times: Sequence[float], context: Context) -> None:
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
