"""The numbers of the overview."""

from __future__ import annotations

import pytest
from dashboards import known
from dashboards.panel_checks import ALL, Shown, checks


@checks("overview", "Latency")
def _latency(shown: Shown) -> None:
    found = shown.columns()
    assert list(found) == ["p50", "p95", "p99"]
    assert {name: value for name, (value,) in found.items()} == pytest.approx(
        {"p50": 5.05, "p95": 9.55, "p99": 9.95}, abs=0.06
    )


@checks("overview", "Error rate")
def _error_rate(shown: Shown) -> None:
    assert shown.columns() == {"Error rate": [pytest.approx(0.1)]}


@checks("overview", "Calls")
def _calls(shown: Shown) -> None:
    assert shown.columns() == {"Calls": [100]}


@checks("overview", "Latency distribution")
def _distribution(shown: Shown) -> None:
    found = {name: sum(counts) for name, counts in shown.series().items()}
    bounds = [0.01 * 2**step for step in range(14)]
    assert sorted(float(name) for name in found) == pytest.approx([*bounds, float("inf")])
    # Calls took 0.1, 0.2 … 10 s: one up to 0.16, two more up to 0.32, and so on; none longer than 10.24.
    counts = {"0.16": 1, "0.32": 2, "0.64": 3, "1.28": 6, "2.56": 13, "5.12": 26, "10.24": 49}
    assert found == dict.fromkeys(found, 0) | counts


@checks("overview", "Errors by type")
def _errors_by_type(shown: Shown) -> None:
    assert shown.columns() == {"Error": ["RateLimitError", "timeout"], "Calls": [8, 2]}


@checks("overview", "Top prompts")
def _top_prompts(shown: Shown) -> None:
    found = shown.columns()
    figures = ["Calls", "p95", "Errors", "Error rate", "Tokens in", "Tokens out", "Cost"]
    assert list(found) == ["Prompt", "Version", *figures]
    slow = found.pop("p95")
    assert slow == pytest.approx([5.7, 8.85, 9.95], abs=0.1)
    assert found == {
        "Prompt": ["help-desk", "help-desk", "(none)"],
        "Version": ["1", "2", "(none)"],
        "Calls": [60, 30, 10],
        "Errors": [6, 3, 1],
        "Error rate": [pytest.approx(0.1)] * 3,
        "Tokens in": [54_000, 27_000, 9_000],
        "Tokens out": [540, 270, 90],
        "Cost": pytest.approx([0.054, 0.189, 0.09]),
    }


@checks("overview", "Similar prompts")
def _similar_prompts(shown: Shown) -> None:
    found = shown.columns()
    assert found.pop("p95") == pytest.approx([5.7, 8.85, 9.48, 9.98], abs=0.1)
    assert found == {
        "Fingerprint": ["aa" * 32, "bb" * 32, "bb" * 32, "cc" * 32],
        "Prompt": ["help-desk", "help-desk", "(none)", "(none)"],
        "Calls": [60, 30, 5, 5],
        "Errors": [6, 3, 0, 1],
        "Error rate": pytest.approx([0.1, 0.1, 0, 0.2]),
        "Tokens in": [54_000, 27_000, 5_000, 4_000],
        "Tokens out": [540, 270, 50, 40],
        "Cost": pytest.approx([0.054, 0.189, 0.05, 0.04]),
    }


@checks("overview", "Time to first chunk")
def _first_chunk(shown: Shown) -> None:
    # The fifty odd calls were streamed: 0.01, 0.03 … 0.99 s.
    assert shown.columns() == {
        "p50": [pytest.approx(0.5, abs=0.01)],
        "p95": [pytest.approx(0.95, abs=0.015)],
        "p99": [pytest.approx(0.985, abs=0.01)],
    }


@checks("overview", "Time to first chunk over time")
def _first_chunk_over_time(shown: Shown) -> None:
    median = shown.series()["p50.0"]
    expected = [(minute + 25) / 100 if minute % 2 else None for minute in range(1, 51)] + [None] * 10
    assert median == [value if value is None else pytest.approx(value, abs=0.001) for value in expected]


@checks("overview", "Cost an hour")
def _cost_an_hour(shown: Shown) -> None:
    # The first call was a millisecond after the hour began.
    assert shown.columns() == {"Currency": ["USD"], "Cost an hour": [pytest.approx(0.333, rel=1e-5)]}


@checks("overview", "Cost a month, at this rate")
def _cost_a_month(shown: Shown) -> None:
    found = shown.columns()
    assert found == {"Currency": ["USD"], "Cost a month, at this rate": [pytest.approx(0.333 * 730, rel=1e-5)]}
    # Of two hours in the first of which nothing was, the second counts.
    earlier = str(known.START - 60 * known.MINUTE)
    assert shown.columns(__from=earlier) == found


@checks("overview", "Cost over time")
def _cost_over_time(shown: Shown) -> None:
    # Minute m holds the calls m and m + 50; those up to 70 went to the small model, each tenth one failed.
    small = [0 if m % 10 == 0 else 0.002 if m <= 20 else 0.001 for m in range(1, 51)]
    large = [0 if m % 10 == 0 or m <= 20 else 0.01 for m in range(1, 51)]
    found = shown.series()
    assert set(found) == {"sim-small, USD", "sim-large, USD"}
    assert found["sim-small, USD"] == pytest.approx([*small, *[0] * 10])
    assert found["sim-large, USD"] == pytest.approx([*large, *[0] * 10])


@checks("overview", "Latency percentiles")
def _percentiles(shown: Shown) -> None:
    found = shown.series()
    # Minute m holds the calls m+1 and m+51; the last ten hold none, which is a gap and not a zero.
    assert found["p50.0"][:50] == pytest.approx([(minute + 25) / 10 for minute in range(1, 51)], abs=0.01)
    assert found["p99.0"][0] == pytest.approx(5.1, abs=0.06)
    assert all(points[50:] == [None] * 10 for points in found.values())
    assert {override["matcher"]["options"] for override in shown.panel["fieldConfig"]["overrides"]} == set(found)


@checks("overview", "Error rate over time")
def _error_rate_over_time(shown: Shown) -> None:
    (rates,) = shown.series().values()
    # Both calls of each tenth minute failed; a minute without calls has no rate at all.
    assert rates == [1.0 if minute % 10 == 0 else 0.0 for minute in range(1, 51)]


@checks("overview", "Request rate")
def _request_rate(shown: Shown) -> None:
    found = shown.series(operation=ALL)
    assert found["llm-caller"] == pytest.approx([2 / 60] * 50 + [0] * 10)
    assert found["prompt-builder"] == pytest.approx([0] + [1 / 60] * 20 + [0] * 39)
    assert list(shown.series()) == ["llm-caller"]


@checks("overview", "Errors over time")
def _errors_over_time(shown: Shown) -> None:
    found = {name: sum(counts) for name, counts in shown.series().items()}
    assert found == {"RateLimitError": 8, "timeout": 2}


@checks("overview", "Tokens")
def _tokens(shown: Shown) -> None:
    found = shown.series()
    expected = [0 if minute % 10 == 0 else 2 for minute in range(1, 51)] + [0] * 10
    large = [0 if m % 10 == 0 or m <= 20 else 1 for m in range(1, 51)] + [0] * 10
    names = {each["matcher"]["options"]: each["properties"][0] for each in shown.panel["fieldConfig"]["overrides"]}
    assert all(name["id"] == "displayName" for name in names.values())
    assert {names[field]["value"]: points for field, points in found.items()} == {
        "In": [1000 * calls for calls in expected],
        "In, of these from the cache": [400 * calls for calls in expected],
        "Out": [10 * calls for calls in expected],
        "Out, of these reasoning": [4 * calls for calls in large],
    }


@checks("overview", "Rate limits, used up at most")
@checks("models", "Rate limits, used up at most")
def _saturation(shown: Shown) -> None:
    assert shown.columns() == {
        "Provider": ["openai", "anthropic"],
        "Model": ["sim-small", "sim-large"],
        "Used": pytest.approx([0.69, 0.99]),
    }


@checks("overview", "Rate limits over time")
@checks("models", "Rate limits over time")
def _saturation_over_time(shown: Shown) -> None:
    found = shown.series()
    assert set(found) == {"openai sim-small", "anthropic sim-large"}
    answered = [minute for minute in range(1, 51) if minute % 10]
    small = {minute: (minute + 50 if minute <= 20 else minute) / 100 for minute in answered}
    large = {minute: (minute + 50) / 100 for minute in answered if minute > 20}
    assert found["openai sim-small"] == [small.get(minute) for minute in range(1, 61)]
    assert found["anthropic sim-large"] == [large.get(minute) for minute in range(1, 61)]


@checks("overview", "Requests")
def _requests(shown: Shown) -> None:
    found = shown.columns()
    assert list(found)[:3] == ["Ended", "Took", "Error"]
    assert found["Took"] == [number / 10 for minute in range(50, 0, -1) for number in (minute + 50, minute)]
    assert found["Ended"][0] == "2026-05-28T21:16:00.100000001Z"
    assert found["Record"][0] == f"{100:032x}{100:016x}"
    assert found["Trace"][0] == f"{100:032x}"
    assert found["User"][0] is None
    assert found["Error"].count("timeout") == 2
    slower = shown.columns(slower_than="9.7")
    assert slower["Took"] == [10.0, 9.9, 9.8, 9.7]
    assert shown.columns(slower_than=".97e1") == slower
    assert shown.columns(slower_than="") == found
