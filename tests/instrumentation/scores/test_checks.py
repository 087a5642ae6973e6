"""The checks by code: what a person would say of these answers, and that no text is too odd for them."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from throughline.scores import (
    Answer,
    Score,
    format_valid,
    groundedness,
    json_matching,
    json_valid,
    length,
    length_within,
    refusal,
)

PASSAGES = ["Most claims are settled within ten working days. The portal shows the state."]
GOOD = "Most claims are settled within ten working days. [1]"
SCHEMA = {
    "type": "object",
    "required": ["answer"],
    "properties": {"answer": {"type": "string"}, "sources": {"type": "array", "items": {"type": "integer"}}},
    "additionalProperties": False,
}
EVERY = (groundedness, format_valid, length, length_within(0, 3), refusal, json_valid, json_matching(SCHEMA))


def _label(score: Score | None) -> str | None:
    return score.label if score is not None else None


def test_answer_out_of_the_passages_scores_well_everywhere() -> None:
    answer = Answer(GOOD, PASSAGES, finish_reason="stop")
    found = [check(answer) for check in (groundedness, format_valid, length, refusal)]
    assert [(score.name, score.value, score.label, score.scorer) for score in found if score] == [
        ("groundedness", 1.0, "grounded", "groundedness/1"),
        ("format", 1.0, "valid", "format/1"),
        ("length", 1.0, "fitting", "length/1"),
        ("refusal", 1.0, "answered", "refusal/1"),
    ]


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("1. Most claims are settled within ten working days, he promised. [1]", 6 / 7, "grounded"),
        ("Most claims are settled within forty weeks, promised yesterday loudly.", 4 / 9, "partly_grounded"),
        ("Elephants wander through African savannahs every evening.", 0.0, "ungrounded"),
        ("Claims above 2,500 within 15 days, and 30 euros with 99 letters", 3 / 11, "ungrounded"),
        ("Yes, it is so.", 0.0, "ungrounded"),
    ],
)
def test_groundedness_is_the_share_of_words_found_in_the_passages(text: str, value: float, label: str) -> None:
    score = groundedness(Answer(text, PASSAGES))
    assert score is not None
    assert (score.value, score.label) == (pytest.approx(value, abs=0.0005), label)


def test_groundedness_compares_scripts_without_spaces_by_pairs_of_characters() -> None:
    # 保険 険証 証を を失 失く, of which the passage has the first three
    score = groundedness(Answer("保険証を失く", ["保険証を見せる"]))
    assert score is not None
    assert score.value == pytest.approx(3 / 5)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(GOOD),
        Answer(" ", PASSAGES),
        Answer("I could not find that in the passages I was given.", PASSAGES),
        Answer(GOOD, PASSAGES, finish_reason="content_filter"),
    ],
)
def test_groundedness_is_not_scored_where_nothing_is_given_said_or_answered(answer: Answer) -> None:
    assert groundedness(answer) is None


@pytest.mark.parametrize(
    ("text", "finish_reason", "label"),
    [
        (GOOD, "stop", "valid"),
        (GOOD + " \n", "", "valid"),
        ("十日以内です。", "stop", "valid"),
        ("Most claims are settled within ten working", "stop", "invalid"),
        (GOOD, "length", "invalid"),
        (" ", "stop", "invalid"),
        ("Dear {{ member }}, most claims are settled within ten days.", "stop", "invalid"),
        ("Settled.<|im_end|>.", "stop", "invalid"),
    ],
)
def test_format_is_invalid_when_cut_empty_or_unrendered(text: str, finish_reason: str, label: str) -> None:
    assert _label(format_valid(Answer(text, finish_reason=finish_reason))) == label


@pytest.mark.parametrize(("size", "label"), [(19, "too_short"), (20, "fitting"), (2000, "fitting"), (2001, "too_long")])
def test_length_fits_within_its_bounds(size: int, label: str) -> None:
    score = length(Answer("x" * size))
    assert (_label(score), score and score.value) == (label, float(label == "fitting"))


def test_other_bounds_are_another_scorer_and_impossible_ones_are_refused() -> None:
    short = length_within(1, 3)
    assert [_label(short(Answer(text))) for text in ("", "a", "abc", "abcd")] == [
        "too_short",
        "fitting",
        "fitting",
        "too_long",
    ]
    assert {score.scorer for check in (short, length) if (score := check(Answer("a")))} == {
        "length/1",
        "length/1+1..3",
    }
    with pytest.raises(ValueError, match="at least 4 and at most 3"):
        length_within(4, 3)


@pytest.mark.parametrize(
    ("text", "finish_reason", "value", "label"),
    [
        (GOOD, "stop", 1.0, "answered"),
        ("I'm sorry, that is beyond me.", "stop", 0.0, "refused"),
        ("I’m sorry, but I can’t say.", "stop", 0.0, "refused"),  # noqa: RUF001
        ("I could not find that in the passages I was given.", "stop", 0.0, "refused"),
        ("You cannot claim twice for one invoice.", "stop", 1.0, "answered"),
        (GOOD, "content_filter", 0.0, "filtered"),
    ],
)
def test_refusals_are_recognised(text: str, finish_reason: str, value: float, label: str) -> None:
    score = refusal(Answer(text, finish_reason=finish_reason))
    assert (score.value, score.label) == (value, label)


@pytest.mark.parametrize(
    ("text", "valid", "matches"),
    [
        ('{"answer": "yes", "sources": [1, 2]}', True, True),
        (' {"answer": ""}\n', True, True),
        ('{"answer": 1}', True, False),
        ('{"sources": []}', True, False),
        ('{"answer": "yes", "more": null}', True, False),
        ("[]", True, False),
        ("null", True, False),
        ("", False, False),
        ('{"answer": NaN}', False, False),
        ('{"answer": "yes"', False, False),
        ('```json\n{"answer": "yes"}\n```', False, False),
        ('{"answer": "yes"} {}', False, False),
        ("[" * 100_000, False, False),
        ("1" * 10_000, False, False),
    ],
)
def test_json_is_valid_only_whole_and_matches_only_in_its_shape(text: str, valid: bool, matches: bool) -> None:
    assert (json_valid(Answer(text)).label == "valid") is valid
    assert (_label(json_matching(SCHEMA)(Answer(text))) == "valid") is matches


def test_a_mismatch_is_explained_by_rule_and_place_without_the_value() -> None:
    score = json_matching(SCHEMA)(Answer('{"answer": "s3cret", "sources": [1, "s3cret"]}'))
    assert score is not None
    assert "type at $.sources[1]" in score.explanation
    assert "s3cret" not in score.explanation


def test_each_schema_is_a_scorer_of_its_own_whatever_the_order_of_its_keys() -> None:
    other = dict(reversed(SCHEMA.items()))
    scorers = [check(Answer("{}")) for check in (json_matching(SCHEMA), json_matching(other), json_matching({}))]
    first, second, third = (score.scorer if score else "" for score in scorers)
    assert first == second != third


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no JSON Schema"):
        json_matching({"type": "objekt"})


def test_a_reference_to_elsewhere_is_not_fetched() -> None:
    check = json_matching({"$ref": "http://127.0.0.1:1/schema.json"})
    with pytest.raises(Exception, match="Unresolvable"):
        check(Answer("{}"))


def test_without_jsonschema_it_is_said_what_to_install() -> None:
    code = (
        "import sys; sys.modules['jsonschema'] = None\n"
        "from throughline.scores import Answer, json_matching, json_valid\n"
        "assert json_valid(Answer('{}')).label == 'valid'\n"
        "try: json_matching({})\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "pip install jsonschema" in said


TEXTS = st.text() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(lambda value: json.dumps(value, ensure_ascii=False))


@given(text=TEXTS, grounds=st.lists(TEXTS, max_size=3), question=st.text(), finish_reason=st.text())
def test_no_text_is_too_odd_and_every_score_is_from_0_to_1(
    text: str, grounds: list[str], question: str, finish_reason: str
) -> None:
    answer = Answer(text, grounds, question, finish_reason)
    for check in EVERY:
        score = check(answer)
        assert score is None or (0.0 <= score.value <= 1.0 and score.label and score.name and "/" in score.scorer)
        assert check(answer) == score, "the same answer, the same score"


@given(text=st.text(alphabet=st.sampled_from("{}[]<|%.,\"'` \n1a険'\\ud800"), min_size=1))
def test_no_pile_of_marks_is_too_odd(text: str) -> None:
    for check in EVERY:
        check(Answer(text, [text]))


@pytest.mark.parametrize("value", [-0.001, 1.001, math.nan, math.inf])
def test_a_score_is_from_0_to_1(value: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        Score("own", value, "odd")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", [". " * 500_000, " " * 1_000_000, "I " * 500_000, "[1]" * 300_000, "険" * 300_000])
def test_a_megabyte_takes_no_time_worth_speaking_of(text: str) -> None:
    for check in (*EVERY[:5], json_valid):
        check(Answer(text, [text]))
