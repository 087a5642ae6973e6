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
from throughline_services.postprocessor.scoring import score
from throughline_services.runtime import ServiceError

PASSAGES = ["Most claims are settled within ten working days. The portal shows the state."]
GOOD = "Most claims are settled within ten working days. [1]"


def _scores(
    answer: str, passages: list[str] | None = None, finish_reason: str = "stop"
) -> dict[str, tuple[float, str]]:
    found = score(answer, PASSAGES if passages is None else passages, finish_reason)
    return {each.name: (each.value, each.label) for each in found}


def test_answer_out_of_the_passages_scores_well_everywhere() -> None:
    assert _scores(GOOD) == {
        "groundedness": (1.0, "grounded"),
        "format": (1.0, "valid"),
        "length": (1.0, "fitting"),
        "refusal": (1.0, "answered"),
    }


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("1. Most claims are settled within ten working days, he promised. [1]", "grounded"),
        ("Most claims are settled within forty weeks, promised yesterday loudly.", "partly_grounded"),
        ("Elephants wander through African savannahs every evening.", "ungrounded"),
        ("Claims above 2,500 within 15 days, and 30 euros with 99 letters", "ungrounded"),
    ],
)
def test_groundedness_is_the_share_of_words_found_in_the_passages(answer: str, label: str) -> None:
    assert _scores(answer)["groundedness"][1] == label


def test_groundedness_is_not_scored_without_passages_or_answer() -> None:
    for scores in (_scores(GOOD, []), _scores(""), _scores("I could not find that in the passages I was given.")):
        assert "groundedness" not in scores


@pytest.mark.parametrize(
    ("answer", "finish_reason", "label"),
    [
        (GOOD, "stop", "valid"),
        ("Most claims are settled within ten working", "stop", "invalid"),
        (GOOD, "length", "invalid"),
        (" ", "stop", "invalid"),
        ("Dear {{ member }}, most claims are settled within ten days.", "stop", "invalid"),
    ],
)
def test_format_is_invalid_when_cut_empty_or_unrendered(answer: str, finish_reason: str, label: str) -> None:
    assert _scores(answer, finish_reason=finish_reason)["format"][1] == label


@pytest.mark.parametrize(("size", "label"), [(19, "too_short"), (20, "fitting"), (2000, "fitting"), (2001, "too_long")])
def test_length_fits_within_its_bounds(size: int, label: str) -> None:
    assert _scores("x" * size)["length"][1] == label


@pytest.mark.parametrize(
    ("answer", "finish_reason", "expected"),
    [
        (GOOD, "stop", (1.0, "answered")),
        ("I'm sorry, that is beyond me.", "stop", (0.0, "refused")),
        ("I could not find that in the passages I was given.", "stop", (0.0, "refused")),
        ("You cannot claim twice for one invoice.", "stop", (1.0, "answered")),
        (GOOD, "content_filter", (0.0, "filtered")),
    ],
)
def test_refusals_are_recognised(answer: str, finish_reason: str, expected: tuple[float, str]) -> None:
    assert _scores(answer, finish_reason=finish_reason)["refusal"] == expected


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
    records = [item.log_record for item in emitted.get_finished_logs()]
    assert {record.event_name for record in records} == {"gen_ai.evaluation.result"}
    assert {record.trace_id for record in records} == {span.get_span_context().trace_id}
    evaluations = {record.attributes["gen_ai.evaluation.name"]: record.attributes for record in records}
    assert evaluations.keys() == {each.name for each in judged.scores}
    grounded = evaluations["groundedness"]
    assert grounded["gen_ai.evaluation.score.value"] == 1.0
    assert grounded["gen_ai.evaluation.score.label"] == "grounded"
    assert grounded["gen_ai.response.id"] == "chatcmpl-1"
    assert grounded["user.id"] == "a"
