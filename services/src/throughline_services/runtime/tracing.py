"""The little that services need of OpenTelemetry: ids of the current trace, and repairs of its instrumentations."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry import trace
from opentelemetry.trace import Status, StatusCode
from starlette.applications import Starlette

from throughline_services.runtime import deadline


@dataclass(frozen=True, slots=True)
class TraceIds:
    """Where the current work is recorded, in hexadecimal; `traceparent` is the W3C header of it."""

    trace_id: str
    span_id: str
    traceparent: str


def current_ids() -> TraceIds | None:
    """None when nothing is being traced."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    trace_id, span_id = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
    return TraceIds(trace_id, span_id, f"00-{trace_id}-{span_id}-{context.trace_flags:02x}")


@contextmanager
def cancellation_recorded() -> Iterator[None]:
    """The grpc instrumentation leaves the span of a cancelled request as if it had succeeded."""
    try:
        yield
    except asyncio.CancelledError:
        late = deadline.remaining(limit=1.0) == 0.0
        code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
        span = trace.get_current_span()
        span.set_attribute("rpc.grpc.status_code", code.value[0])
        if late:  # the caller's own change of mind is no error of this server
            span.set_status(Status(StatusCode.ERROR, code.value[1]))
        raise


def without_message_spans(application: Starlette) -> Starlette:
    """A streamed answer would have one span for every chunk, and Starlette's instrumentation has no setting for it."""
    for middleware in application.user_middleware:
        if getattr(middleware.cls, "__name__", "") == "OpenTelemetryMiddleware":
            middleware.kwargs["exclude_spans"] = ["receive", "send"]
    return application
