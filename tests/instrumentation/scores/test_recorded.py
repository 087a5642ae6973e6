"""What becomes of a check's score: an evaluation that says who scored by which rule, tied to the answer."""

from __future__ import annotations

from typing import Any

import pytest
import throughline
from instrumentation.telemetry import Telemetry
from throughline import names
from throughline.scores import Answer, Score, groundedness, record, refusal

TRACE, SPAN = "1" * 32, "2" * 16


def own(answer: Answer) -> Score:
    return Score("politeness", 0.5, "curt", f"said: {answer.text}", "politeness/3")


def broken(answer: Answer) -> Score:
    raise KeyError(answer.text)


def attributes(telemetry: Telemetry) -> list[dict[str, Any]]:
    return [dict(event.attributes) for event in telemetry.events(names.EVALUATION_RESULT)]


def test_each_score_is_an_evaluation_of_the_current_span_with_source_scorer_and_identity(telemetry: Telemetry) -> None:
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("answer") as span, throughline.identify(user_id="ada", prompt_variant="b"):
        scores = record(Answer("Ask ada@example.com."), [groundedness, refusal, own], response_id="r-1")
    assert [score.name for score in scores] == ["refusal", "politeness"], "groundedness has nothing to rest on"
    (refused, polite), found = telemetry.events(names.EVALUATION_RESULT), attributes(telemetry)
    assert {refused.trace_id, polite.trace_id} == {span.get_span_context().trace_id}
    assert {refused.span_id, polite.span_id} == {span.get_span_context().span_id}
    del found[1][names.RECORD_ID]
    assert found[1] == {
        names.EVALUATION_NAME: "politeness",
        names.EVALUATION_SCORE_VALUE: 0.5,
        names.EVALUATION_SCORE_LABEL: "curt",
        names.EVALUATION_EXPLANATION: "said: Ask [email].",
        names.EVALUATION_SOURCE: "code",
        names.EVALUATION_SCORER: "politeness/3",
        names.RESPONSE_ID: "r-1",
        names.USER_ID: "ada",
        names.PROMPT_VARIANT: "b",
    }


@pytest.mark.complains
def test_a_check_that_raises_costs_its_own_score_and_says_nothing_of_the_answer(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.instrument()
    scores = record(Answer("a s3cret"), [broken, own], trace_id=TRACE, span_id=SPAN)
    assert [score.name for score in scores] == ["politeness"]
    first, second = attributes(telemetry)
    assert (first[names.EVALUATION_NAME], first[names.ERROR_TYPE]) == ("broken", "KeyError")
    assert names.EVALUATION_SCORE_VALUE not in first
    assert second[names.EVALUATION_SCORE_VALUE] == 0.5
    assert "s3cret" not in str(first) + caplog.text


def test_scores_can_be_of_an_answer_given_elsewhere(telemetry: Telemetry) -> None:
    telemetry.instrument()
    record(Answer("Yes."), [own], trace_id=TRACE, span_id=SPAN)
    (event,) = telemetry.events(names.EVALUATION_RESULT)
    assert (f"{event.trace_id:032x}", f"{event.span_id:016x}") == (TRACE, SPAN)
    with pytest.raises(ValueError, match="hexadecimal"):
        record(Answer("Yes."), [own], trace_id="7")


def test_where_throughline_is_off_scores_are_given_all_the_same() -> None:
    assert [score.value for score in record(Answer("Yes."), [own])] == [0.5]


def test_evaluations_say_who_scored_code_unless_told_otherwise(telemetry: Telemetry) -> None:
    telemetry.instrument()
    throughline.evaluate("liked", score=1, source="user")
    throughline.evaluate("short", score=1, scorer="short/2")
    user, code = attributes(telemetry)
    assert (user[names.EVALUATION_SOURCE], names.EVALUATION_SCORER in user) == ("user", False)
    assert (code[names.EVALUATION_SOURCE], code[names.EVALUATION_SCORER]) == ("code", "short/2")
    with pytest.raises(ValueError, match="code, user, judge"):
        throughline.evaluate("liked", score=1, source="robot")  # type: ignore[arg-type]
