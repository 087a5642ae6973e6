"""A judge's replies, adversarial ones among them: each is a score from 0 to 1 with a reason, or no verdict at all."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from throughline.scores import verdicts
from throughline.scores.verdicts import NoVerdictError, Verdict

PLAIN = '{"explanation": "All of it is in the material.", "score": 0.9}'


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (PLAIN, 0.9),
        (f" \n{PLAIN}\n", 0.9),
        (f"```json\n{PLAIN}\n```", 0.9),
        (f"```\n{PLAIN}\n```\n", 0.9),
        ('{"score": 1, "explanation": ""}', 1.0),
        ('{"score": 0, "explanation": "no"}', 0.0),
        ('{"score": 2.5e-1, "explanation": "\\ud83d half a character"}', 0.25),
    ],
)
def test_a_verdict_is_read(reply: str, expected: float) -> None:
    assert verdicts.read(reply).score == expected


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "0.9",
        "null",
        "[0.9]",
        f"Here it is: {PLAIN}",
        f"{PLAIN} I hope that helps.",
        f"{PLAIN}{PLAIN}",
        f"```json\n{PLAIN}\n```\n```json\n{PLAIN}\n```",
        '{"score": 0.9}',
        '{"explanation": "no score"}',
        '{"score": "0.9", "explanation": "text"}',
        '{"score": true, "explanation": "a truth"}',
        '{"score": null, "explanation": "nothing"}',
        '{"score": [0.9], "explanation": "a list"}',
        '{"score": 1.0001, "explanation": "too much"}',
        '{"score": -0.1, "explanation": "too little"}',
        '{"score": 7, "explanation": "of ten"}',
        '{"score": 1e999, "explanation": "infinite"}',
        '{"score": NaN, "explanation": "none"}',
        '{"score": Infinity, "explanation": "infinite"}',
        '{"score": 0.1, "score": 1, "explanation": "the second wins?"}',
        '{"score": 0.1, "explanation": "a", "explanation": "b"}',
        '{"score": 1, "explanation": "more", "label": "wonderful"}',
        '{"score": 1, "explanation": {"score": 0}}',
        '{"Score": 1, "Explanation": "other names"}',
        f'{{"verdict": {PLAIN}}}',
        "{'score': 1, 'explanation': 'as Python writes it'}",
        "[" * 100_000,
        '{"score": ' + "1" * 10_000 + ', "explanation": ""}',
        '{"score": 1, "explanation": "' + "x" * 20_000 + '"}',
        None,
        b"{}",
        0.9,
        {"score": 1, "explanation": "not text"},
    ],
)
def test_what_is_none_is_never_made_into_one(reply: Any) -> None:
    with pytest.raises(NoVerdictError) as raised:
        verdicts.read(reply)
    assert str(raised.value) == "", "it could quote the answer"
    assert raised.value.__cause__ is None


def test_an_explanation_is_cut_to_what_a_person_reads() -> None:
    assert len(verdicts.read(json.dumps({"score": 1, "explanation": "x" * 9_000})).explanation) == 2_000


@pytest.mark.parametrize(
    ("score", "label"), [(1.0, "good"), (0.7, "good"), (0.69, "fair"), (0.4, "fair"), (0.39, "poor"), (0.0, "poor")]
)
def test_the_label_follows_from_the_score_alone(score: float, label: str) -> None:
    assert Verdict(score, "excellent").label == label


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["score", "explanation", "x"]), inner),
)


def _is_verdict(value: Any) -> bool:
    """The same rule, written down another way."""
    if not isinstance(value, dict) or set(value) != {"score", "explanation"}:
        return False
    is_number = isinstance(value["score"], (int, float)) and not isinstance(value["score"], bool)
    return is_number and 0 <= value["score"] <= 1 and isinstance(value["explanation"], str)


@given(value=ANYTHING | st.fixed_dictionaries({"score": ANYTHING, "explanation": ANYTHING}), fenced=st.booleans())
def test_any_json_is_a_verdict_or_none(value: Any, fenced: bool) -> None:
    text = json.dumps(value)
    reply = f"```json\n{text}\n```" if fenced else text
    try:
        found = verdicts.read(reply)
    except NoVerdictError:
        assert not _is_verdict(value)
    else:
        assert _is_verdict(value)
        assert found.score == value["score"]
        assert found.label in {"good", "fair", "poor"}


@given(at=st.integers(0, len(PLAIN)), length=st.integers(0, 12), put=st.text(max_size=12))
def test_a_verdict_that_was_spoilt_is_none_or_still_within_bounds(at: int, length: int, put: str) -> None:
    reply = PLAIN[:at] + put + PLAIN[at + length :]
    try:
        found = verdicts.read(reply)
    except NoVerdictError:
        return
    assert 0.0 <= found.score <= 1.0


@given(reply=st.text() | st.binary() | ANYTHING)
def test_no_reply_is_too_odd(reply: Any) -> None:
    with suppress(NoVerdictError):
        assert 0.0 <= verdicts.read(reply).score <= 1.0
