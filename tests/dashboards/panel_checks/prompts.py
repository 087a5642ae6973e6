"""The numbers of the board of prompt variants."""

from __future__ import annotations

import pytest
from dashboards import known
from dashboards.panel_checks import Shown, checks

BOTH = {"Prompt": ["help-desk"] * 2, "Variant": ["concise", "stepwise"]}
CONCISE, STEPWISE = "help-desk: concise", "help-desk: stepwise"
# Chat call i of 1 to 90 has a variant, the odd ones concise; minute m holds the calls m and m + 50.
CALLS = [2 if minute <= 40 else 1 if minute <= 50 else 0 for minute in range(1, 61)]


def of(variant: str, each: list[object], otherwise: object) -> list[object]:
    """In the minutes of this variant's calls what `each` has there."""
    odd = variant == CONCISE
    return [value if (minute % 2 == 1) == odd else otherwise for minute, value in enumerate(each, 1)]


@checks("prompts", "Verdicts")
def _verdicts(shown: Shown) -> None:
    rows = {(row["Prompt"], row["Variant"], row["Metric"]): row for row in shown.rows()}
    assert len(rows) == 3
    fast = rows["help-desk", "stepwise", "latency"]
    assert {name: fast[name] for name in list(fast) if name != "Compared"} == {
        "Prompt": "help-desk",
        "Experiment": "brevity",
        "Version": "1",
        "Metric": "latency",
        "Variant": "stepwise",
        "Verdict": "better",
        "Value": 4.0,
        "Against": "concise",
        "Effect": -0.5,
        "At least": -0.8,
        "At most": pytest.approx(-0.2),
        "p, adjusted": 0.01,
        "Requests needed": None,
        "Requests": 45,
        "Users": 5,
    }
    unsure = rows["help-desk", "stepwise", "score:groundedness"]
    assert (unsure["Verdict"], unsure["Requests needed"], unsure["Effect"]) == ("open", 500, None)
    assert ("help-desk", "concise", "latency") not in rows  # what others are compared with has no verdict
    assert rows["summary", "short", "latency"]["Experiment"] == "length"
    assert {row["Prompt"] for row in shown.rows(prompt=["summary"])} == {"summary"}
    assert {row["Variant"] for row in shown.rows(variant=["stepwise"])} == {"stepwise"}
    assert shown.rows(variant=["concise"]) == []
    colours = {
        override["matcher"]["options"]: override["properties"] for override in shown.panel["fieldConfig"]["overrides"]
    }
    (mappings,) = (each["value"] for each in colours["Verdict"] if each["id"] == "mappings")
    assert set(mappings[0]["options"]) == {"better", "worse", "alike", "differs", "open", "invalid"}


@checks("prompts", "Effect and its interval")
def _effect(shown: Shown) -> None:
    overrides = shown.panel["fieldConfig"]["overrides"]
    looks = {each["matcher"]["options"]: {one["id"]: one["value"] for one in each["properties"]} for each in overrides}
    found = {looks[name]["displayName"]: values for name, values in shown.series().items()}
    there = {
        name: {minute: value for minute, value in enumerate(values) if value is not None}
        for name, values in found.items()
    }
    assert there == {
        "at least": {15: pytest.approx(-1.4), 45: pytest.approx(-0.8)},
        "effect": {15: -0.5, 45: -0.5},
        "at most": {15: pytest.approx(0.4), 45: pytest.approx(-0.2)},
    }
    (band,) = (look for look in looks.values() if "custom.fillBelowTo" in look)
    assert (band["displayName"], band["custom.fillBelowTo"]) == ("at most", "at least")
    other = shown.series(compared_prompt="summary")
    assert sorted(value for values in other.values() for value in values if value is not None) == [-6.0]
    none = shown.series(compared_metric="score:groundedness")
    assert {value for values in none.values() for value in values} == {None}


@checks("prompts", "Value by variant")
def _value(shown: Shown) -> None:
    found = shown.series()
    assert {name: [value for value in values if value] for name, values in found.items()} == {
        "concise": [4.5, 4.5],
        "stepwise": [4.0, 4.0],
    }
    assert set(shown.series(compared_prompt="summary")) == {"long", "short"}


@checks("prompts", "Calls by variant")
def _calls(shown: Shown) -> None:
    found = shown.columns()
    assert found.pop("p50") == pytest.approx([4.5, 4.6], abs=0.06)
    assert found.pop("p95") == pytest.approx([8.5, 8.6], abs=0.15)
    assert found.pop("First chunk, p50") == pytest.approx([0.45, 0], abs=0.01)
    # Each tenth call failed, and ten is even.
    assert found == BOTH | {
        "Calls": [45, 45],
        "Users": [5, 5],
        "Errors": [0, 9],
        "Error rate": pytest.approx([0, 0.2]),
        "Tokens in": [45_000, 36_000],
        "Tokens out": [450, 360],
    }
    assert shown.columns(user=["user 3"])["Users"] == [1, 1]


@checks("prompts", "Cost by variant")
def _cost(shown: Shown) -> None:
    # 35 cheap and 10 dear answers, and 28 and 8.
    assert shown.columns() == BOTH | {
        "Currency": ["USD", "USD"],
        "Calls": [45, 36],
        "Cost": pytest.approx([0.135, 0.108]),
        "Cost of 1,000 answers": pytest.approx([3, 3]),
    }


@checks("prompts", "Latency by variant, p95")
def _latency(shown: Shown) -> None:
    found = shown.series()
    alone = [minute / 10 for minute in range(1, 51)]
    assert found[CONCISE][40:50] == of(CONCISE, alone, None)[40:]
    assert found[STEPWISE][40:50] == of(STEPWISE, alone, None)[40:]
    assert found[CONCISE][50:] == [None] * 10


@checks("prompts", "First chunk by variant, p50")
def _first_chunk(shown: Shown) -> None:
    found = shown.series()
    assert set(found) == {CONCISE}
    assert found[CONCISE][40:50] == of(CONCISE, [minute / 100 for minute in range(1, 51)], None)[40:]


@checks("prompts", "Error rate by variant")
def _error_rate(shown: Shown) -> None:
    assert shown.series() == {
        CONCISE: [0.0] * 25,
        STEPWISE: [float(minute % 10 == 0) for minute in range(2, 51, 2)],
    }


@checks("prompts", "Scores by variant")
def _scores(shown: Shown) -> None:
    found = {(row["Variant"], row["Score"]): (row["Scored"], row["Mean"]) for row in shown.rows()}
    assert found == {
        ("concise", "groundedness"): (10, pytest.approx(0.5)),
        ("stepwise", "groundedness"): (10, pytest.approx(0.55)),
        ("concise", "rating"): (10, 1.0),
        ("stepwise", "rating"): (10, 0.0),
        ("concise", "helpfulness"): (3, pytest.approx(0.8)),
        ("stepwise", "helpfulness"): (2, pytest.approx(0.8)),
    }


@checks("prompts", "Scores by variant over time")
def _scores_over_time(shown: Shown) -> None:
    found = shown.series()
    assert len(found) == 6
    shares: list[object] = [pytest.approx(number / 20) for number in range(1, 21)]
    assert found["groundedness: concise"] == of(CONCISE, shares, None) + [None] * 40
    assert found["groundedness: stepwise"] == of(STEPWISE, shares, None) + [None] * 40


@checks("prompts", "Experiments")
def _experiments(shown: Shown) -> None:
    rows = shown.rows()
    assert [(row["Experiment"], row["Variant"], row["Calls"], row["Users"]) for row in rows] == [
        ("brevity", "concise", 30, 5),
        ("brevity", "stepwise", 30, 5),
        ("(none)", "concise", 15, 5),
        ("(none)", "stepwise", 15, 5),
    ]
    # Of 61 to 90 the first odd one was made in the eleventh minute, the last one in the thirty-ninth.
    assert rows[2]["First call"] == pytest.approx(known.START + 10 * known.MINUTE + 61, abs=0.01)
    assert rows[2]["Last call"] == pytest.approx(known.START + 38 * known.MINUTE + 89, abs=0.01)


@checks("prompts", "Traffic by variant")
def _traffic(shown: Shown) -> None:
    counts: list[object] = [*CALLS]
    assert shown.series() == {variant: of(variant, counts, 0) for variant in (CONCISE, STEPWISE)}


@checks("prompts", "Users by variant")
def _users(shown: Shown) -> None:
    # Both calls of a minute are one user's.
    ones: list[object] = [min(calls, 1) for calls in CALLS]
    assert shown.series() == {variant: of(variant, ones, 0) for variant in (CONCISE, STEPWISE)}


@checks("prompts", "Versions")
def _versions(shown: Shown) -> None:
    found = shown.columns()
    assert found.pop("p95") == pytest.approx([5.7, 8.85], abs=0.1)
    assert found.pop("First call") == pytest.approx([known.START + 1, known.START + 10 * known.MINUTE + 61], abs=0.01)
    assert found.pop("Last call") == pytest.approx(
        [known.START + 49 * known.MINUTE + 50, known.START + 39 * known.MINUTE + 90], abs=0.01
    )
    assert found == {
        "Prompt": ["help-desk"] * 2,
        "Version": ["1", "2"],
        "Calls": [60, 30],
        "Errors": [6, 3],
        "Error rate": pytest.approx([0.1, 0.1]),
    }


@checks("prompts", "Calls by version")
def _calls_by_version(shown: Shown) -> None:
    assert shown.series() == {
        "help-desk 1": [2] * 10 + [1] * 40 + [0] * 10,
        "help-desk 2": [0] * 10 + [1] * 30 + [0] * 20,
    }
