"""What the demo plants: how it comes about, and that a finding which misses it is no success."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
from native import legacy, planted
from throughline import names

STEPS, PROSE = "1. Send it. [1]\n2. Wait. [2]", "Send it within 2. Wait. [2]"


def test_steps_are_liked_whoever_wrote_them() -> None:
    assert planted.chance_of_liking(STEPS) == planted.LIKES_STEPS > planted.chance_of_liking(PROSE)
    between = (planted.LIKES_STEPS + planted.LIKES_PROSE) / 2
    assert [planted.thumb(answer, between) for answer in (STEPS, PROSE)] == ["up", "down"]
    assert [planted.thumb(answer, 0.0) for answer in (STEPS, PROSE)] == ["up", "up"]
    assert [planted.thumb(answer, 0.99) for answer in (STEPS, PROSE)] == ["down", "down"]


def test_the_planted_difference_is_that_of_the_forms_that_came() -> None:
    whole = planted.LIKES_STEPS - planted.LIKES_PROSE
    assert planted.planted_difference([("stepwise", STEPS), ("concise", PROSE)]) == pytest.approx(whole)
    half = [("stepwise", STEPS), ("stepwise", PROSE), ("concise", PROSE), ("concise", PROSE)]
    assert planted.planted_difference(half) == pytest.approx(whole / 2)
    assert math.isnan(planted.planted_difference([("concise", PROSE)]))


def _compared(**other: Any) -> list[dict[str, Any]]:
    rating = {"metric": "score:user_rating", "p_adjusted": 1e-4, "verdict": "better"}
    effect = {"value": 0.33, "low": 0.18, "high": 0.47}
    found = {**rating, "variant": "stepwise", "effect": effect, **other}
    return [{**rating, "variant": "concise", "verdict": "baseline"}, found]


def test_a_better_wording_that_is_found_is_told_with_its_interval() -> None:
    found = planted.better_wording(_compared(), 0.3)
    told = "stepwise is better: rating +0.33 [+0.18, +0.47], p < 0.001; planted +0.30"
    assert (found.holds, found.found) == (True, told)


@pytest.mark.parametrize(
    ("compared", "difference"),
    [
        ([], 0.3),
        (_compared(verdict="open", p_adjusted=0.2), 0.3),
        (_compared(verdict="worse"), 0.3),
        (_compared(verdict="invalid"), 0.3),
        (_compared(variant="terse"), 0.3),
        (_compared(metric="score:groundedness"), 0.3),
        (_compared(), 0.1),
        (_compared(), 0.5),
        (_compared(), math.nan),
        (_compared(effect={"value": 0.33, "low": None, "high": None}), 0.3),
    ],
)
def test_a_better_wording_that_is_missed_is_noticed(compared: list[dict[str, Any]], difference: float) -> None:
    assert not planted.better_wording(compared, difference).holds


def _explained(**other: Any) -> dict[str, Any]:
    first = {
        "step": "chat",
        "attribute": names.REQUEST_MODEL,
        "value": "sim-large",
        "words": "chat model = sim-large",
        "with": {"count": 57, "of": 60},
        "without": {"count": 6, "of": 300},
    }
    inside = [{"part": "waiting", "excess": 5.0}, {"part": "longer answer", "excess": 1.0}]
    steps = [{"step": "chat", "excess": 6.0}, {"step": "retrieval", "excess": 0.1}]
    whole = {"verdict": "slow", "first": first, "second": None, "together": None, "steps": steps, "inside": inside}
    return {**whole, **other, "first": first | other["first"] if other.get("first") else other.get("first", first)}


def test_a_slow_cause_that_is_named_is_told_with_its_rates() -> None:
    found = planted.slow_cause(_explained())
    told = "chat, waiting; chat model = sim-large, slow in 95% of its 60 requests, 2% elsewhere"
    assert (found.holds, found.found) == (True, told)


def test_what_is_slow_besides_is_told_and_no_other_cause() -> None:
    second = {"words": "chat output tokens >= 300 (here 312)"}
    found = planted.slow_cause(_explained(second=second, together={"needs_both": False}))
    assert found.holds
    assert found.found.endswith("; besides chat output tokens >= 300 (here 312)")


@pytest.mark.parametrize(
    "explained",
    [
        {},
        _explained(first=None, summary="Nothing sets it apart."),
        _explained(first={"attribute": names.PROMPT_VARIANT, "value": "stepwise"}),
        _explained(first={"value": "sim-reasoning"}),
        _explained(first={"step": "retrieval"}),
        _explained(verdict="ordinary"),
        _explained(verdict="failed"),
        _explained(steps=[{"step": "retrieval", "excess": 6.0}]),
        _explained(inside=[{"part": "longer answer", "excess": 6.0}, {"part": "waiting", "excess": 5.0}]),
        _explained(inside=[]),
        _explained(second={"words": "user = ada"}, together={"needs_both": True}),
    ],
)
def test_a_slow_cause_that_is_missed_is_noticed(explained: dict[str, Any]) -> None:
    assert not planted.slow_cause(explained).holds


def test_a_store_that_refuses_for_a_moment_takes_again_whatever_happens() -> None:
    told: list[dict[str, Any]] = []
    indices = SimpleNamespace(put_settings=lambda *, index, settings: told.append({index: settings}))
    with pytest.raises(TimeoutError), legacy._refused(SimpleNamespace(indices=indices)):  # type: ignore[arg-type]
        assert [list(each.values()) for each in told] == [[{"index.blocks.write": True}]]
        raise TimeoutError
    assert told[1:] == [{"logs-genai.record.otel-legacy": {"index.blocks.write": None}}]
