"""Scores of an answer, from code, users or judges, emitted as the conventions' evaluation event."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from opentelemetry import context, trace
from opentelemetry.context import Context

from throughline import instrumentor, names
from throughline.contained import contained
from throughline.emission import keep, sealed
from throughline.identity import stamps

if TYPE_CHECKING:
    from throughline.recorder import Recorder

Source = Literal["code", "user", "judge"]
_SOURCES: Final[tuple[str, ...]] = get_args(Source)
_TRACE_ID, _SPAN_ID = re.compile("(?!0+$)[0-9A-Fa-f]{32}"), re.compile("(?!0+$)[0-9A-Fa-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What somebody or something thinks of an answer; what is unknown is None."""

    name: str
    score: float | None = None
    label: str | None = None
    explanation: str | None = None
    response_id: str | None = None
    error_type: str | None = None
    source: Source = "code"
    scorer: str | None = None


def evaluate(
    name: str,
    *,
    score: float | None = None,
    label: str | None = None,
    explanation: str | None = None,
    response_id: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    error_type: str | None = None,
    source: Source = "code",
    scorer: str | None = None,
) -> None:
    """Emit that `name` (say, `groundedness`) gave `score` or `label` to an answer.

    The answer is the current span's, or the one of `trace_id` (32 hexadecimal digits) and `span_id` (16), so that a
    user's rating can come minutes later. `source` is who scored: `code`, `user` or `judge`; `scorer` is by which rule
    or model, as `name/version`. The explanation is masked. Raises ValueError for an id or a source that is none.
    """
    evaluated = spanned(trace_id, span_id) if trace_id or span_id else context.get_current()
    if source not in _SOURCES:
        raise ValueError(f"source is {source!r}; it may be {', '.join(_SOURCES)}")
    evaluation = Evaluation(
        name=name, score=score if score is None else float(score), label=label, explanation=explanation,
        response_id=response_id, error_type=error_type, source=source, scorer=scorer,
    )  # fmt: skip
    emit(evaluation, evaluated, stamps(context.get_current()))


def emit(evaluation: Evaluation, evaluated: Context, identity: Mapping[str, Any]) -> None:
    """Record it, where Throughline is on, of the answer in the span of `evaluated`; never raises."""
    active = instrumentor.recorder()
    if active is not None:
        known = contained(attributes_of, active, evaluation, identity)
        if known is not None:
            contained(keep, active, names.EVALUATION_RESULT, known, time_ns(), evaluated)


def attributes_of(
    active: Recorder, evaluation: Evaluation, identity: Mapping[str, Any], record_id: str | None = None
) -> dict[str, Any]:
    """The evaluation's record: its explanation masked, and sealed where content is; an id of its own by default."""
    record_id = record_id or os.urandom(24).hex()
    explanation = evaluation.explanation
    explained = contained(active.masker.text, explanation) if explanation else None
    content = {names.EVALUATION_EXPLANATION: explained} if explained else {}
    attributes = {
        names.EVALUATION_NAME: evaluation.name,
        names.EVALUATION_SCORE_VALUE: evaluation.score,
        names.EVALUATION_SCORE_LABEL: evaluation.label,
        names.EVALUATION_SOURCE: evaluation.source,
        names.EVALUATION_SCORER: evaluation.scorer,
        names.RESPONSE_ID: evaluation.response_id,
        names.ERROR_TYPE: evaluation.error_type,
        names.RECORD_ID: record_id,
        **sealed(active, content, record_id, names.EVALUATION_RESULT),
        **identity,
    }
    return {key: value for key, value in attributes.items() if value is not None}


def spanned(trace_id: str | None, span_id: str | None) -> Context:
    """A context in which the span of these ids is the current one. Raises ValueError for an id that is none."""
    if not _TRACE_ID.fullmatch(trace_id or "") or (span_id and not _SPAN_ID.fullmatch(span_id)):
        raise ValueError("trace_id and span_id are 32 and 16 hexadecimal digits, not all zero")
    numbers = int(trace_id or "", 16), int(span_id or "0", 16)
    found = trace.SpanContext(*numbers, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(found), Context())
