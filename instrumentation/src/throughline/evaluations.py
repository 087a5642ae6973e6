"""Scores of an answer, from code, users or judges, emitted as the conventions' evaluation event."""

from __future__ import annotations

import os
import re
from time import time_ns

from opentelemetry import context, trace
from opentelemetry.context import Context

from throughline import instrumentor, names
from throughline.contained import contained
from throughline.emission import keep, sealed
from throughline.identity import KEYS, carried

_TRACE_ID, _SPAN_ID = re.compile("(?!0+$)[0-9A-Fa-f]{32}"), re.compile("(?!0+$)[0-9A-Fa-f]{16}")


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
) -> None:
    """Emit that `name` (say, `groundedness`) gave `score` or `label` to an answer.

    The answer is the current span's, or the one of `trace_id` (32 hexadecimal digits) and `span_id` (16), so that a
    user's rating can come minutes later. The explanation is masked. Raises ValueError for an id that is none.
    """
    evaluated = _evaluated(trace_id, span_id) if trace_id or span_id else context.get_current()
    active = instrumentor.recorder()
    if active is None:
        return
    record_id = os.urandom(24).hex()
    explained = contained(active.masker.text, explanation) if explanation else None
    content = {names.EVALUATION_EXPLANATION: explained} if explained else {}
    attributes = {
        names.EVALUATION_NAME: name,
        names.EVALUATION_SCORE_VALUE: None if score is None else float(score),
        names.EVALUATION_SCORE_LABEL: label,
        names.RESPONSE_ID: response_id,
        names.ERROR_TYPE: error_type,
        names.RECORD_ID: record_id,
        **sealed(active, content, record_id, names.EVALUATION_RESULT),
        **{KEYS[field]: value for field, value in carried(context.get_current()).items()},
    }
    known = {key: value for key, value in attributes.items() if value is not None}
    contained(keep, active, names.EVALUATION_RESULT, known, time_ns(), evaluated)


def _evaluated(trace_id: str | None, span_id: str | None) -> Context:
    if not _TRACE_ID.fullmatch(trace_id or "") or (span_id and not _SPAN_ID.fullmatch(span_id)):
        raise ValueError("trace_id and span_id are 32 and 16 hexadecimal digits, not all zero")
    numbers = int(trace_id or "", 16), int(span_id or "0", 16)
    evaluated = trace.SpanContext(*numbers, is_remote=True, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
    return trace.set_span_in_context(trace.NonRecordingSpan(evaluated), Context())
