"""What the postprocessor thinks of answers, what it masks, and the evaluations that it emits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import throughline
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from throughline_services.postprocessor.processing import Reply, process
from throughline_services.runtime import ServiceError

PASSAGES = ["Most claims are settled within ten working days. The portal shows the state."]
GOOD = "Most claims are settled within ten working days. [1]"


def test_personal_data_in_the_answer_is_masked_and_counted() -> None:
    judged = process(Reply("Write to ana@example.com or bob@example.org today.", [], "stop"), throughline.Masker())
    assert "example." not in judged.answer
    assert judged.masked == 2


def test_answer_without_finish_reason_is_refused_with_what_to_do() -> None:
    with pytest.raises(ServiceError, match="finish_reason") as refused:
        process(Reply(GOOD, [], ""), throughline.Masker())
    assert refused.value.code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture
def emitted() -> Iterator[InMemoryLogRecordExporter]:
    exporter, provider = InMemoryLogRecordExporter(), LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    throughline.instrument(tracer_provider=TracerProvider(), meter_provider=MeterProvider(), logger_provider=provider)
    yield exporter
    throughline.uninstrument()


def test_each_score_becomes_an_evaluation_of_the_trace_and_the_reply(emitted: Any) -> None:
    with (
        TracerProvider().get_tracer("test").start_as_current_span("process") as span,
        throughline.identify(user_id="a"),
    ):
        judged = process(Reply(GOOD, PASSAGES, "stop", "chatcmpl-1"), throughline.Masker())
    *records, step = [item.log_record for item in emitted.get_finished_logs()]
    assert {record.event_name for record in records} == {"gen_ai.evaluation.result"}
    assert {record.trace_id for record in (*records, step)} == {span.get_span_context().trace_id}
    assert step.event_name == "throughline.operation.details"
    assert step.attributes["gen_ai.operation.name"] == "post_process"
    evaluations = {record.attributes["gen_ai.evaluation.name"]: record.attributes for record in records}
    assert evaluations.keys() == {each.name for each in judged.scores}
    grounded = evaluations["groundedness"]
    assert grounded["gen_ai.evaluation.score.value"] == 1.0
    assert grounded["gen_ai.evaluation.score.label"] == "grounded"
    assert grounded["gen_ai.response.id"] == "chatcmpl-1"
    assert grounded["user.id"] == "a"
    assert {name: found["throughline.evaluation.scorer"] for name, found in evaluations.items()} == {
        "groundedness": "groundedness/1",
        "format": "format/1",
        "length": "length/1",
        "refusal": "refusal/1",
    }
    assert {found["throughline.evaluation.source"] for found in evaluations.values()} == {"code"}


def test_an_answer_without_passages_or_that_is_a_refusal_has_no_groundedness() -> None:
    for reply in (Reply(GOOD, [], "stop"), Reply("I'm sorry, that is beyond me.", PASSAGES, "stop")):
        judged = process(reply, throughline.Masker())
        assert [each.name for each in judged.scores] == ["format", "length", "refusal"]
