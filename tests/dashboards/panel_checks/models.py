"""The numbers of the board of models and providers."""

from __future__ import annotations

import pytest
from dashboards.panel_checks import Shown, checks

EACH = {"Provider": ["openai", "anthropic"], "Model": ["sim-small", "sim-large"]}
BOTH = {"sim-small", "sim-large"}


@checks("models", "Speed and tokens")
def _speed(shown: Shown) -> None:
    found = shown.columns()
    assert found.pop("p50") == pytest.approx([3.55, 8.55], abs=0.06)
    assert found.pop("p95") == pytest.approx([6.65, 9.85], abs=0.1)
    assert found.pop("First chunk, p50") == pytest.approx([0.35, 0.85], abs=0.01)
    assert found == EACH | {
        "Calls": [70, 30],
        # The median of the numbers of the answered calls, in milliseconds.
        "Time per token, p50": pytest.approx([0.035, 0.085], abs=0.001),
        "Tokens in": [63_000, 27_000],
        "Tokens out": [630, 270],
    }


@checks("models", "Errors and retries")
def _trouble(shown: Shown) -> None:
    assert shown.columns() == EACH | {
        "Calls": [70, 30],
        "Errors": [7, 3],
        "Error rate": pytest.approx([0.1, 0.1]),
        "Retries": [4, 4],
        "Rate limited": [6, 2],
    }


@checks("models", "Cost")
def _price(shown: Shown) -> None:
    assert shown.columns() == EACH | {
        "Currency": ["USD", "USD"],
        "Calls": [63, 27],
        "Cost": pytest.approx([0.063, 0.27]),
        "Cost of 1,000 answers": pytest.approx([1, 10]),
    }


@checks("models", "Finish reasons")
def _finish_reasons(shown: Shown) -> None:
    found = shown.columns()
    assert list(zip(*found.values(), strict=True)) == [
        ("sim-small", "stop", 56),
        ("sim-small", "length", 7),
        ("sim-large", "stop", 24),
        ("sim-large", "length", 3),
    ]


@checks("models", "Errors by model")
def _failures(shown: Shown) -> None:
    assert shown.columns() == {
        "Model": ["sim-small", "sim-small", "sim-large", "sim-large"],
        "Error": ["RateLimitError", "timeout", "RateLimitError", "timeout"],
        "Calls": [6, 1, 2, 1],
    }


@checks("models", "Latency, p95")
def _latency(shown: Shown) -> None:
    found = shown.series()
    # From minute 21 on, each model has one call a minute.
    assert found["sim-small"][20:50] == pytest.approx([minute / 10 for minute in range(21, 51)])
    assert found["sim-large"] == [None] * 20 + [(minute + 50) / 10 for minute in range(21, 51)] + [None] * 10


@checks("models", "Time per output token, p50")
def _per_token(shown: Shown) -> None:
    found = shown.series()
    expected = [None if minute % 10 == 0 else minute / 1000 for minute in range(21, 51)]
    assert found["sim-small"][20:] == [*expected, *[None] * 10]
    assert set(found) == BOTH


@checks("models", "Error rate")
def _error_rate(shown: Shown) -> None:
    found = shown.series()
    assert found["sim-small"] == [float(minute % 10 == 0) for minute in range(1, 51)]
    assert found["sim-large"] == [float(minute % 10 == 0) for minute in range(21, 51)]


@checks("models", "Retries")
def _retries(shown: Shown) -> None:
    # The calls 25, 50, 75 and 100 took three requests each.
    expected = [2.0 if minute in {25, 50} else 0.0 for minute in range(1, 61)]
    assert shown.series() == {"sim-small": expected, "sim-large": expected}


@checks("models", "Rate limited")
def _limited(shown: Shown) -> None:
    # A series' buckets begin with the chosen time, whenever its first call was.
    small = {10: 2, 20: 2, 30: 1, 40: 1}
    large = {30: 1, 40: 1}
    assert shown.series() == {
        "sim-small": [small.get(minute, 0) for minute in range(1, 61)],
        "sim-large": [large.get(minute, 0) for minute in range(1, 61)],
    }


@checks("models", "Calls")
def _calls(shown: Shown) -> None:
    assert shown.series() == {
        "sim-small": [2] * 20 + [1] * 30 + [0] * 10,
        "sim-large": [0] * 20 + [1] * 30 + [0] * 10,
    }


@checks("models", "Tokens out")
def _tokens(shown: Shown) -> None:
    found = shown.series()
    assert {name: sum(points) for name, points in found.items()} == {"sim-small": 630, "sim-large": 270}
    assert found["sim-small"][:10] == [20] * 9 + [0]
