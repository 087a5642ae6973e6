"""A trace read back from a real Jaeger, sent through the real Collector."""

from __future__ import annotations

import time

import httpx
import pytest
from cli.conftest import Run
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode
from throughline import names
from throughline.store.traces import Step, from_jaeger

pytestmark = pytest.mark.stack
PATIENCE_SECONDS = 60


def send(collector: str) -> str:
    """A root and a failed call under it, which the sampler keeps; returns the trace's id."""
    provider = TracerProvider(resource=Resource({"service.name": "cli-jaeger"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=collector, insecure=True)))
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("root") as root, tracer.start_as_current_span("chat small") as call:
        call.set_attributes({names.OPERATION_NAME: "chat", names.REQUEST_MODEL: "small", names.ERROR_TYPE: "Timeout"})
        call.add_event(names.ATTEMPT, {names.HTTP_RESPONSE_STATUS_CODE: 503})
        call.set_status(Status(StatusCode.ERROR))
    provider.shutdown()
    return f"{root.get_span_context().trace_id:032x}"


def awaited(jaeger: str, trace_id: str) -> list[Step]:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client() as http:
        while not (steps := from_jaeger(http, jaeger, trace_id)) and time.monotonic() < deadline:
            time.sleep(0.2)
    return steps


def test_jaegers_trace_is_read_and_drawn(run: Run, elasticsearch: str, jaeger: str, collector: str) -> None:
    trace_id = send(collector)
    root, call = sorted(awaited(jaeger, trace_id), key=lambda step: step.start)
    assert (call.parent_id, root.parent_id) == (root.span_id, None)
    assert (call.service, call.name, call.error) == ("cli-jaeger", "chat small", "Timeout")
    assert call.events[0]["event"] == names.ATTEMPT
    shown = run("trace", trace_id, ELASTICSEARCH_URL=elasticsearch, JAEGER_URL=jaeger).out
    assert "from Jaeger" in shown
    assert "kept because: error" in shown
    assert "cli-jaeger chat small" in shown


def test_jaeger_says_nothing_of_a_trace_it_lacks(jaeger: str) -> None:
    with httpx.Client() as http:
        assert from_jaeger(http, jaeger, "0" * 31 + "1") == []
