"""An ended operation as span attributes, metrics and records. It decides nothing about when one ends."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry._logs import Logger, LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode, get_current_span

from throughline import endings, names
from throughline.attributes import put
from throughline.contained import contained
from throughline.content import beginning, encoded, limited
from throughline.fingerprints import fingerprint
from throughline.operation import Operation, content_attributes, later_attributes, start_attributes, take_words

if TYPE_CHECKING:
    from throughline.recorder import Recorder
    from throughline.recording import Recording
    from throughline.records.journal import Journal

_LONGEST_MESSAGE = 10_000  # bytes of an error's message: providers quote the prompt in it
_TEXTS = (names.RETRIEVAL_QUERY_TEXT, names.MEMORY_QUERY_TEXT)
"""Content that the conventions want as plain text; all other is structured, and JSON on spans."""


def emit(recorder: Recorder, recording: Recording, known: dict[str, Any], message: str, duration: float) -> None:
    """Export `recording`, which took `duration` seconds; `known` is on its span already, `message` is its error's."""
    op, settings = recording.op, recorder.settings
    contained(fingerprint, op, recorder.fingerprints)
    words, content, message = masked(recorder, op, message)
    attributes, begun = later_attributes(op) | words, start_attributes(op)
    if begun != known:  # something of it was learnt only during the call
        attributes |= {key: value for key, value in begun.items() if known.get(key) != value}
    if recording.span_is_ours:
        shown = (content, message) if settings.content_on_span else ({}, "")
        _on_span(recording.span, op, attributes, *shown)
        kind = recording.reader.measures or recording.reader.operation
        contained(
            recorder.instruments.measure, kind, op, duration, recording.times, recording.context, recording.totals
        )
    if settings.emit_records and (recorder.journal is not None or not discards(recorder.logger)):
        content, message = (content, message) if settings.content_on_event else ({}, "")
        if recorder.seal is not None and message:
            content, message = {**content, names.EXCEPTION_MESSAGE: message}, ""
        if op.error_type and not recording.reader.encloses:
            contained(_log_exception, recorder.logger, recording, message)
        log_record(recorder, recording, duration, {**known, **attributes}, content)


def _on_span(span: Span, op: Operation, attributes: dict[str, Any], content: Mapping[str, Any], message: str) -> None:
    if span.is_recording():
        put(span, attributes)
        if content:
            put(span, {key: value if key in _TEXTS else encoded(value) for key, value in content.items()})
    if op.error_type:
        span.set_status(Status(StatusCode.ERROR, message or None))


def masked(recorder: Recorder, op: Operation, message: str) -> tuple[dict[str, Any], Mapping[str, Any], str]:
    """The application's words, content and error message after masking, in the size in which they are exported.

    Its words, such as a tool's description, are attributes though content is not captured; sealed, they are content.
    """
    counts: Counter[str] = Counter()
    words, content = take_words(op), content_attributes(op) if recorder.captures else {}
    if words:
        words = contained(recorder.masker.value, words, counts) or {}
    if recorder.seal is not None:
        words, content = {}, {**content, **words}
    content = recorder.masker.value(content, counts) if content else content
    message = recorder.masker.text(message, counts) if message and recorder.captures else ""
    if counts:
        op.mask_count = counts.total()
        op.mask_kinds = [f"{kind}:{count}" for kind, count in sorted(counts.items())]
    return words, _sized(recorder, op, content) if content else {}, beginning(message, _LONGEST_MESSAGE)


def _sized(recorder: Recorder, op: Operation, content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stays on span and record: the large goes to the store, if there is one, and the rest is cut to a size."""
    if recorder.offload is not None:
        content, references = recorder.offload.take(content)
        op.content_references = references or None
    content, notes = limited(content, recorder.settings.content_limit)
    if recorder.seal is not None:  # what hashes of the original may tell is sealed with it
        return {**content, names.CONTENT_TRUNCATED: notes} if notes else content
    op.content_truncated = notes or None
    return content


def log_record(
    recorder: Recorder,
    recording: Recording,
    duration: float,
    attributes: dict[str, Any],
    content: Mapping[str, Any],
) -> None:
    """The record. One that encloses others is another event, so that who sums records counts each call once."""
    span = recording.span.get_span_context()
    # A span of another tracer, or the caller's where no SDK makes spans, is not this operation's alone.
    # Nor is one that was begun before a fork, as both processes may end it.
    unique = recording.span_is_ours and recording.span.is_recording() and recording.forks == endings.forks[0]
    identity = f"{span.trace_id:032x}{span.span_id:016x}" if unique else os.urandom(24).hex()
    event = names.OPERATION_DETAILS if recording.reader.encloses else names.CLIENT_INFERENCE_OPERATION_DETAILS
    attributes = {
        **attributes,
        **sealed(recorder, content, identity, event),
        names.RECORD_ID: identity,
        names.DURATION: duration,
        names.START_TIME_UNIX_NANO: recording.started,
    }
    keep(recorder, event, attributes, recording.started + int(duration * 1e9), recording.context)


def keep(recorder: Recorder, event: str, attributes: dict[str, Any], time: int, current: Context) -> None:
    """Put a record where it is kept: into the journal, and where there is none or it cannot, the SDK's way."""
    if recorder.journal is not None and contained(_journalled, recorder.journal, event, attributes, time, current):
        return
    recorder.logger.emit(
        LogRecord(
            timestamp=time,
            context=current,
            severity_number=SeverityNumber.INFO,
            event_name=event,
            attributes=attributes,
        )
    )


def _journalled(journal: Journal, event: str, attributes: dict[str, Any], time: int, current: Context) -> bool:
    span = get_current_span(current).get_span_context()
    return journal.append(event, attributes, time=time, trace_id=span.trace_id, span_id=span.span_id)


def sealed(recorder: Recorder, content: Mapping[str, Any], record_id: str, event: str) -> Mapping[str, Any]:
    """This content as the record may show it: as it is, or closed to all but the auditor. Never open by a fault."""
    if recorder.seal is None or not content:
        return content
    return contained(recorder.seal.record, content, record_id, event) or {}


def _log_exception(logger: Logger, recording: Recording, message: str) -> None:
    attributes = {names.EXCEPTION_TYPE: recording.op.error_type or ""}
    if message:
        attributes[names.EXCEPTION_MESSAGE] = message
    logger.emit(
        LogRecord(
            timestamp=time_ns(),
            context=recording.context,
            severity_number=SeverityNumber.WARN,
            event_name=names.CLIENT_OPERATION_EXCEPTION,
            attributes=attributes,
        )
    )


def discards(logger: Logger) -> bool:
    """Whether nobody set up logs, so that making a record would be for nothing."""
    return isinstance(getattr(logger, "_logger", logger), NoOpLogger)  # a stand-in shows the one behind it
