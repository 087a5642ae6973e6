"""What a reply, as far as it came, says of its operation, and what that cost. Not when the operation ends."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any

from throughline.adapter import Reader
from throughline.charging import charge
from throughline.contained import contained
from throughline.operation import Operation
from throughline.totals import MODEL_CALLS
from throughline.usage import estimate

if TYPE_CHECKING:
    from throughline.recorder import Recorder


def learn(recorder: Recorder, reader: Reader, op: Operation, reply: Any, began: float) -> None:
    """Fill `op`, which `began` at this Unix time in seconds, from its whole reply or from what a stream gave of it."""
    contained(reader.response, op, reply)
    if recorder.reads_content:
        contained(reader.response_content, op, reply)
    if op.name == "retrieval" and op.end_reason == "completed" and op.error_type is None:
        contained(_count, op, reader, reply)
    if recorder.prices is not None and op.input_tokens is not None:
        contained(charge, op, recorder.prices, began)
    if recorder.settings.estimate_usage:
        contained(estimate, op)


def _count(op: Operation, reader: Reader, reply: Any) -> None:
    """Write how many documents were found, none included, and the highest of their scores."""
    scores = reader.scores(reply)
    if scores is None and op.documents is not None:
        scores = [document.get("score") for document in op.documents]
    if scores is None:
        return
    told = list(scores)
    op.retrieval_count = len(told)
    numbers = [float(score) for score in told if not isinstance(score, bool) and isinstance(score, Real)]
    op.retrieval_top_score = max(filter(isfinite, numbers), default=None)


def pace(op: Operation, times: Sequence[float], began: float, ended: float) -> None:
    """Write the seconds per output token of a model's whole answer of several tokens.

    Of a stream, those from the first of its chunks, which arrived at `times`, to the last one, by the tokens after the
    first; else those of the last attempt, from `began` to `ended`, by all tokens. All times are by one clock, in
    seconds; the formula is that of the conventions' `gen_ai.server.time_per_output_token`.
    """
    tokens = op.output_tokens
    if tokens is None or tokens < 2 or op.end_reason != "completed" or op.name not in MODEL_CALLS:
        return
    if not (times or op.stream):
        seconds = (ended - began) / tokens
    else:
        seconds = (times[-1] - times[0]) / (tokens - 1) if times else 0.0
    op.time_per_output_token = seconds if seconds > 0 else None
