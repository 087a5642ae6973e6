"""What the Collector takes in from applications: messages of any size; the rest of it is tested elsewhere."""

from __future__ import annotations

import grpc
import pytest
from collector import otlp
from collector.conftest import Run
from collector.running import eventually
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

ALL = {"SAMPLING_PERCENTAGE": "100", "DECISION_WAIT_AFTER_ROOT": "1s"}


def _request(*prompts: str) -> ExportTraceServiceRequest:
    """One failed span a prompt, each a trace of its own."""
    spans = [
        Span(
            trace_id=number.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            start_time_unix_nano=otlp.START,
            end_time_unix_nano=otlp.START + 1,
            status=Status(code=Status.STATUS_CODE_ERROR),
            attributes=[KeyValue(key="gen_ai.input.messages", value=AnyValue(string_value=prompt))],
        )
        for number, prompt in enumerate(prompts, start=1)
    ]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def test_a_large_prompt_arrives_with_its_neighbours(run: Run) -> None:
    """20 MB over gRPC in one message with small spans: the default limit of 4 MB would lose all three."""
    prompt = "word and " * (20_000_000 // 9)
    with run(**ALL) as collector:
        with grpc.insecure_channel(collector.grpc) as channel:
            TraceServiceStub(channel).Export(_request("before", prompt, "after"), timeout=60)
        eventually(lambda: len(otlp.traces(collector.captured("traces"))) == 3, "all three traces")
    texts = [span["attributes"]["gen_ai.input.messages"] for span in otlp.flat(collector.captured("traces"))]
    assert sorted(texts) == sorted(["before", prompt, "after"])


def test_beyond_the_limit_the_sender_is_told(run: Run) -> None:
    """More than 64 MiB is refused with a status, not swallowed."""
    with run(**ALL) as collector, grpc.insecure_channel(collector.grpc) as channel:
        with pytest.raises(grpc.RpcError) as refusal:
            TraceServiceStub(channel).Export(_request("x" * 68_000_000), timeout=60)
        assert refusal.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
