"""Where an operation becomes telemetry: started, fed, and ended exactly once as span, metrics and record."""

from __future__ import annotations

import asyncio
import json
import secrets
import weakref
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import perf_counter, time_ns
from typing import Any

from opentelemetry import context, trace
from opentelemetry._logs import Logger, LogRecord, NoOpLogger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from throughline import endings, foreign, names
from throughline.adapter import Adapter, Call, Route
from throughline.contained import contained, lost
from throughline.identity import carried, stamp_all_spans
from throughline.instruments import Instruments
from throughline.operation import Operation, content_attributes, later_attributes, start_attributes
from throughline.privacy.masking import Masker
from throughline.settings import Settings
from throughline.streams import ByteFeed, Watched, Watcher, watch
from throughline.usage import estimate

_RUNNING = context.create_key("throughline.running")
_SUPPRESS = context._SUPPRESS_INSTRUMENTATION_KEY
_SUPPRESS_HTTP = context._SUPPRESS_HTTP_INSTRUMENTATION_KEY
_SPAN = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))  # the API sets it at twice our cost
_SUPPRESS_PLAIN = "suppress_instrumentation"  # as older instrumentations write it


def running(current: Context) -> Recording | None:
    """The operation that is being called in this context, for what a client does inside its call."""
    found = current.get(_RUNNING)
    return found if isinstance(found, Recording) else None


def _is_nested(current: Context) -> bool:
    """Whether this is inside an operation. What was started there may outlive it, and is not inside any more then."""
    return _RUNNING in current and (outer := running(current)) is not None and not outer.done


class Recorder:
    """What all operations share: where telemetry goes and what the owner decided."""

    def __init__(
        self, tracer: Tracer, instruments: Instruments, logger: Logger, settings: Settings, masker: Masker
    ) -> None:
        self.tracer, self.instruments, self.logger = tracer, instruments, logger
        self.settings, self.masker = settings, masker
        self.captures = settings.content_on_span or settings.content_on_event
        self.reads_content = self.captures or settings.estimate_usage
        self.amends = settings.stream_usage or bool(settings.trace_hosts)
        self.on = True
        endings.install()

    def begin(self, adapter: Adapter, call: Call) -> Recording | None:
        """Start recording this call; None where it is no operation, one is running already, or it is suppressed."""
        current = context.get_current()
        if not self.on or _is_nested(current) or current.get(_SUPPRESS) or current.get(_SUPPRESS_PLAIN):
            return None
        route = adapter.route(call)
        if route is None:
            return None
        recording = Recording(self, route, current)
        contained(adapter.prepare, call, recording)
        if self.amends:
            contained(recording.amend, adapter, call)
        return recording

    def start(self, route: Route) -> Recording:
        """Start recording an operation that the application does by itself, such as a retrieval."""
        return Recording(self, route, context.get_current())


class Recording:
    """One operation. Whatever ends it first ends it: its result, an error, a close, or the loss of its stream."""

    __slots__ = (
        "__weakref__", "_body", "_clock", "_known", "_message", "_reader", "_recorder", "_span", "_span_is_ours",
        "_started", "_watched", "attempts", "context", "done", "hides", "op", "refused", "times", "whole",
    )  # fmt: skip

    def __init__(self, recorder: Recorder, route: Route, current: Context) -> None:
        self._recorder, self._reader, self._body = recorder, route.reader, route.body
        self.whole: dict[str, Any] = {}
        self.times: list[float] = []
        self._message, self.attempts, self.done = "", 0, False
        self.refused: int | None = None  # the HTTP status of the attempt that failed last
        self.hides: Callable[[Any], bool] | None = None
        self._watched: weakref.ref[Watched] | None = None
        self.op = op = Operation()
        op.name, op.provider = route.reader.operation, route.provider
        op.server_address, op.server_port = route.address, route.port
        if current:
            op.__dict__.update(carried(current))
        contained(route.reader.request, op, route.body)
        leave_out_defaults(op)
        if recorder.reads_content:
            contained(route.reader.request_content, op, route.body)
        self._open_span(current)

    def _open_span(self, current: Context) -> None:
        op = self.op
        self._known = start_attributes(op)
        self._span_is_ours = not foreign.records_already(current)
        self._started, self._clock = time_ns(), perf_counter()
        if not self._span_is_ours:
            self._span, self.context = trace.get_current_span(current), current
            return
        stamp_all_spans()
        subject = op.model or op.data_source
        name = f"{op.name} {subject}" if subject else str(op.name)
        self._span = span = self._recorder.tracer.start_span(
            name, current, SpanKind.CLIENT, self._known, start_time=self._started
        )
        self.context = Context({**current, _SPAN: span})

    def inside(self) -> Context:
        """The context in which a client makes its call. Not kept: it leads back here, and only the collector of cyclic
        garbage would free the two."""
        return Context({**self.context, _RUNNING: self, _SUPPRESS_HTTP: True})

    def amend(self, adapter: Adapter, call: Call) -> None:
        """Change the request only where the owner opted in: a stream's usage, the trace for one's own proxy."""
        settings, body, headers = self._recorder.settings, None, {}
        if settings.stream_usage and self.op.stream:
            body = self._reader.ask_usage(self._body)
            self.hides = self._reader.only_usage if body is not None else None
        span = self._span.get_span_context()
        if self.op.server_address in settings.trace_hosts and span.is_valid:
            headers = {"traceparent": f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"}
        if body is not None or headers:
            adapter.amend(call, body, headers)

    # --- while it runs ----------------------------------------------------------------------------------------------

    def attempt_failed(self, error: str | int, delay: float) -> None:
        """The client will try again in `delay` seconds, after this exception or HTTP status."""
        self.attempts += 1
        what = names.HTTP_RESPONSE_STATUS_CODE if isinstance(error, int) else names.ERROR_TYPE
        if self._span_is_ours:
            self._span.add_event(
                names.ATTEMPT,
                {names.ATTEMPT_NUMBER: self.attempts, what: error, names.ATTEMPT_DELAY: delay},
            )

    @property
    def fold(self) -> Callable[[dict[str, Any], Any], None]:
        """What adds a stream's chunk to what is known of the reply: asked for once a stream, called once a chunk."""
        return self._fold_all if self._recorder.reads_content else self._reader.fold

    def _fold_all(self, whole: dict[str, Any], chunk: Any) -> None:
        self._reader.fold_content(whole, chunk)
        self._reader.fold(whole, chunk)

    def chunk(self, chunk: Any) -> None:
        """Take note of a chunk that was found in a stream of bytes."""
        self.times.append(perf_counter())
        contained(self.fold, self.whole, chunk)

    def watched(self, chunks: Any) -> Watched:
        """The same iterator, seen by this recording, which ends with it."""
        return self._watch(chunks, self)

    def watched_bytes(self, blocks: Callable[..., Any]) -> Callable[..., Any]:
        """`iter_bytes` or `aiter_bytes` of an HTTP response, whose blocks are decoded beside the caller."""

        def observed(*args: Any, **kwargs: Any) -> Watched:
            return self._watch(blocks(*args, **kwargs), ByteFeed(self, streaming=bool(self.op.stream)))

        return observed

    def _watch(self, iterator: Any, watcher: Watcher) -> Watched:
        watched = watch(iterator, watcher)
        self._watched = weakref.ref(watched)  # weakly, so that its loss is seen at once
        endings.opened(self)
        return watched

    def seen(self, body: Any) -> None:
        """The reply, before the client is done with it, in the shape of a stream's chunks put together."""
        if not self.done:
            self.whole = body

    def deliver(self, adapter: Adapter, result: Any) -> None:
        """Learn the result from the adapter; where it cannot read it, the operation ends here, without one."""
        try:
            adapter.deliver(result, self)
        except Exception as error:
            lost(adapter.deliver, error)
            self.finish({})

    # --- how it ends ------------------------------------------------------------------------------------------------

    def finish(self, body: Any = None) -> None:
        """It ended well, with this response or with the chunks seen so far."""
        self._end("completed", body)

    def fail(self, error: BaseException) -> None:
        """It ended with `error`, which the caller gets untouched."""
        if not self.done:
            self.op.error_type = type(error).__qualname__
            self._message = contained(str, error) or ""
        self._end("cancelled" if isinstance(error, asyncio.CancelledError) else "error")

    def closed(self) -> None:
        """The caller closed the stream. A close from within, at the stream's own end, is not his."""
        watched = self._watched() if self._watched else None
        if watched is None or not watched.gi_running:
            self._end("closed")

    def dropped(self) -> None:
        """The caller let go of the stream."""
        self._end("dropped")

    def _end(self, reason: str, body: Any = None) -> None:
        if self.done:
            return
        self.done = True
        endings.ended(self)
        duration = perf_counter() - self._clock
        if endings.in_collector():
            endings.later(partial(self._conclude, reason, body, duration))
        else:
            self._conclude(reason, body, duration)

    def _conclude(self, reason: str, body: Any, duration: float) -> None:
        contained(self._read, reason, body)
        contained(self._emit, duration)
        if self._span_is_ours:
            contained(self._span.end, self._started + int(duration * 1e9))
        self._body, self.whole, self.times = None, {}, []

    def _read(self, reason: str, body: Any) -> None:
        op, recorder = self.op, self._recorder
        op.end_reason = reason
        if self.attempts:
            op.attempt_count = self.attempts + 1
        if self.times:
            op.time_to_first_chunk = self.times[0] - self._clock
        reply = self.whole if body is None else body
        contained(self._reader.response, op, reply)
        if recorder.reads_content:
            contained(self._reader.response_content, op, reply)
        if recorder.settings.estimate_usage:
            contained(estimate, op)
        if op.error_type and reason == "completed":  # the provider says so in an answer that arrived whole
            op.end_reason = "error"

    def _emit(self, duration: float) -> None:
        recorder, op = self._recorder, self.op
        content, message = self._masked() if recorder.captures else ({}, "")
        attributes = later_attributes(op)
        if self._span_is_ours:
            if self._span.is_recording():
                self._span.set_attributes(attributes)
                if content and recorder.settings.content_on_span:
                    self._span.set_attributes({key: as_json(value) for key, value in content.items()})
            if op.error_type:
                shown = message if recorder.settings.content_on_span else ""
                self._span.set_status(Status(StatusCode.ERROR, shown or None))
            contained(recorder.instruments.measure, op, duration, self.times, self.context)
        if recorder.settings.emit_records and not discards(recorder.logger):
            content, message = (content, message) if recorder.settings.content_on_event else ({}, "")
            if op.error_type:
                contained(self._log_exception, message)
            self._log_record(duration, {**self._known, **attributes, **content})

    def _masked(self) -> tuple[dict[str, Any], str]:
        """Content and error message after masking."""
        recorder, op = self._recorder, self.op
        counts: Counter[str] = Counter()
        content = recorder.masker.value(content_attributes(op), counts)
        message = recorder.masker.text(self._message, counts) if self._message else ""
        if counts:
            op.mask_count = counts.total()
            op.mask_kinds = [f"{kind}:{count}" for kind, count in sorted(counts.items())]
        return content, message

    def _log_record(self, duration: float, attributes: dict[str, Any]) -> None:
        span = self._span.get_span_context()
        # A span of another tracer, or the caller's where no SDK makes spans, is not this operation's alone.
        unique = self._span_is_ours and self._span.is_recording()
        own = f"{span.trace_id:032x}{span.span_id:016x}" if unique else secrets.token_hex(24)
        more: dict[str, Any] = {
            names.RECORD_ID: own,
            names.DURATION: duration,
            names.START_TIME_UNIX_NANO: self._started,
        }
        self._recorder.logger.emit(
            LogRecord(
                timestamp=self._started + int(duration * 1e9),
                context=self.context,
                severity_number=SeverityNumber.INFO,
                event_name=names.CLIENT_INFERENCE_OPERATION_DETAILS,
                attributes={**attributes, **more},
            )
        )

    def _log_exception(self, message: str) -> None:
        attributes = {names.EXCEPTION_TYPE: self.op.error_type or ""}
        if message:
            attributes[names.EXCEPTION_MESSAGE] = message
        self._recorder.logger.emit(
            LogRecord(
                timestamp=time_ns(),
                context=self.context,
                severity_number=SeverityNumber.WARN,
                event_name=names.CLIENT_OPERATION_EXCEPTION,
                attributes=attributes,
            )
        )


def discards(logger: Logger) -> bool:
    """Whether nobody set up logs, so that making a record would be for nothing."""
    return isinstance(getattr(logger, "_logger", logger), NoOpLogger)  # a stand-in shows the one behind it


def leave_out_defaults(op: Operation) -> None:
    """The conventions want these only where they say something: a stream, and more choices than one."""
    if not op.stream:
        op.stream = None
    if op.choice_count == 1:
        op.choice_count = None


def as_json(value: Any) -> str:
    """Structured content as spans carry it."""
    return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
