"""Each panel's queries, sent to the real Elasticsearch as Grafana sends them, give the numbers that are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dashboards import known
from dashboards.conftest import Ask, Plain
from preview.datasource import Columns, Everything, documents, series, shaped, table
from throughline import names

pytestmark = pytest.mark.stack

Check = Callable[[Plain, Ask], None]
CHECKS: dict[str, Check] = {}
ALL = Everything("(*:*)")


def checks(title: str) -> Callable[[Check], Check]:
    """Says of which panel a function knows the numbers."""

    def register(check: Check) -> Check:
        CHECKS[title] = check
        return check

    return register


def shown(panel: Plain, ask: Ask, **chosen: str | list[str]) -> Columns:
    """The columns of a panel that has a table's answer, as its transformations leave them."""
    (target,) = panel["targets"]
    return shaped(table(target, ask(target, **chosen)), panel.get("transformations", []))


def drawn(panel: Plain, ask: Ask, **chosen: str | list[str]) -> dict[str, list[Any]]:
    """The series of a panel over time: its values, a minute each."""
    found: dict[str, list[Any]] = {}
    for target in panel["targets"]:
        for name, points in series(target, ask(target, **chosen)).items():
            assert [time for time, _ in points] == sorted({time for time, _ in points})
            assert all(known.START <= time <= known.END for time, _ in points)
            found[name] = [value for _, value in points]
    return found


@checks("Latency")
def _latency(panel: Plain, ask: Ask) -> None:
    found = shown(panel, ask)
    assert list(found) == ["p50", "p95", "p99"]
    assert {name: value for name, (value,) in found.items()} == pytest.approx(
        {"p50": 5.05, "p95": 9.55, "p99": 9.95}, abs=0.06
    )


@checks("Error rate")
def _error_rate(panel: Plain, ask: Ask) -> None:
    assert shown(panel, ask) == {"Error rate": [pytest.approx(0.1)]}


@checks("Calls")
def _calls(panel: Plain, ask: Ask) -> None:
    assert shown(panel, ask) == {"Calls": [100]}


@checks("Latency distribution")
def _distribution(panel: Plain, ask: Ask) -> None:
    found = {name: sum(counts) for name, counts in drawn(panel, ask).items()}
    bounds = [0.01 * 2**step for step in range(14)]
    assert sorted(float(name) for name in found) == pytest.approx([*bounds, float("inf")])
    # Calls took 0.1, 0.2 … 10 s: one up to 0.16, two more up to 0.32, and so on; none longer than 10.24.
    counts = {"0.16": 1, "0.32": 2, "0.64": 3, "1.28": 6, "2.56": 13, "5.12": 26, "10.24": 49}
    assert found == dict.fromkeys(found, 0) | counts


@checks("Errors by type")
def _errors_by_type(panel: Plain, ask: Ask) -> None:
    assert shown(panel, ask) == {"Error": ["RateLimitError", "timeout"], "Calls": [8, 2]}


@checks("Top prompts")
def _top_prompts(panel: Plain, ask: Ask) -> None:
    found = shown(panel, ask)
    assert list(found) == ["Prompt", "Version", "Calls", "p95", "Errors", "Error rate", "Tokens in", "Tokens out"]
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
    }


@checks("Latency percentiles")
def _percentiles(panel: Plain, ask: Ask) -> None:
    found = drawn(panel, ask)
    # Minute m holds the calls m+1 and m+51; the last ten hold none, which is a gap and not a zero.
    assert found["p50.0"][:50] == pytest.approx([(minute + 25) / 10 for minute in range(1, 51)], abs=0.01)
    assert found["p99.0"][0] == pytest.approx(5.1, abs=0.06)
    assert all(points[50:] == [None] * 10 for points in found.values())
    assert {override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]} == set(found)


@checks("Error rate over time")
def _error_rate_over_time(panel: Plain, ask: Ask) -> None:
    (rates,) = drawn(panel, ask).values()
    # Both calls of each tenth minute failed; a minute without calls has no rate at all.
    assert rates == [1.0 if minute % 10 == 0 else 0.0 for minute in range(1, 51)]


@checks("Request rate")
def _request_rate(panel: Plain, ask: Ask) -> None:
    found = drawn(panel, ask, operation=ALL)
    assert found["llm-caller"] == pytest.approx([2 / 60] * 50 + [0] * 10)
    assert found["prompt-builder"] == pytest.approx([0] + [1 / 60] * 20 + [0] * 39)
    assert list(drawn(panel, ask)) == ["llm-caller"]


@checks("Errors over time")
def _errors_over_time(panel: Plain, ask: Ask) -> None:
    found = {name: sum(counts) for name, counts in drawn(panel, ask).items()}
    assert found == {"RateLimitError": 8, "timeout": 2}


@checks("Tokens")
def _tokens(panel: Plain, ask: Ask) -> None:
    found = drawn(panel, ask)
    expected = [0 if minute % 10 == 0 else 2 for minute in range(1, 51)] + [0] * 10
    assert found == {"Input": [1000 * calls for calls in expected], "Output": [10 * calls for calls in expected]}


@checks("Models")
def _models(panel: Plain, ask: Ask) -> None:
    found = shown(panel, ask)
    assert found.pop("p95") == pytest.approx([6.65, 9.85], abs=0.1)
    assert found == {
        "Model": ["sim-small", "sim-large"],
        "Calls": [70, 30],
        "Tokens in": [63_000, 27_000],
        "Tokens out": [630, 270],
    }


@checks("Requests")
def _requests(panel: Plain, ask: Ask) -> None:
    (target,) = panel["targets"]
    found = shaped(documents(ask(target)), panel["transformations"])
    assert list(found)[:3] == ["Ended", "Took", "Error"]
    assert found["Took"] == [number / 10 for minute in range(50, 0, -1) for number in (minute + 50, minute)]
    assert found["Ended"][0] == "2026-05-28T21:16:00.100000001Z"
    assert found["Record"][0] == f"{100:032x}{100:016x}"
    assert found["Trace"][0] == f"{100:032x}"
    assert found["User"][0] is None
    assert found["Error"].count("timeout") == 2
    slower = shaped(documents(ask(target, slower_than="9.7")), panel["transformations"])
    assert slower["Took"] == [10.0, 9.9, 9.8, 9.7]


def test_every_panel_is_known(panels: dict[str, Plain]) -> None:
    assert set(panels) == set(CHECKS)


@pytest.mark.parametrize("title", sorted(CHECKS))
def test_panel_gives_the_known_numbers(title: str, panels: dict[str, Plain], ask: Ask) -> None:
    CHECKS[title](panels[title], ask)


@pytest.mark.parametrize("title", sorted(CHECKS))
def test_panel_is_empty_without_records(title: str, panels: dict[str, Plain], ask: Ask) -> None:
    """A panel must not say 0 s or 0 % of nothing."""
    for target in panels[title]["targets"]:
        answer = ask(target, service=["nobody"])
        if target["metrics"][0]["type"] == "raw_data":
            assert documents(answer) == {}
        elif any(bucket["type"] == "date_histogram" for bucket in target["bucketAggs"]):
            assert not any(value for points in series(target, answer).values() for _, value in points)
        else:
            assert table(target, answer) == {}


@pytest.mark.parametrize(
    ("variable", "chosen", "calls"),
    [
        ("service", ["llm-caller"], 100),
        ("service", ["prompt-builder"], 0),
        ("operation", ["chat", "retrieval"], 120),
        ("operation", ALL, 120),
        ("provider", ["openai"], 100),
        ("model", ["sim-large"], 30),
        ("prompt", ["help-desk"], 90),
        ("variant", ["concise"], 45),
        ("user", ["user 3"], 18),
        ("user", ["user 3", "user 4"], 36),
        ("user", ['nobody" OR "user 3'], 0),
    ],
)
def test_a_variable_chooses(
    variable: str, chosen: str | list[str], calls: int, panels: dict[str, Plain], ask: Ask
) -> None:
    found = shown(panels["Calls"], ask, **{variable: chosen})
    assert found.get("Calls", [0]) == [calls]


def test_all_holds_calls_without_the_field(panels: dict[str, Plain], ask: Ask) -> None:
    """Ten calls have neither user nor prompt, and Grafana's usual `*` would hide them."""
    every = dict.fromkeys(("user", "prompt", "variant", "model"), ALL)
    assert shown(panels["Calls"], ask, **every) == {"Calls": [100]}
    assert shown(panels["Calls"], ask, user=Everything("*")) == {"Calls": [90]}


def test_queries_name_only_fields_of_a_record(panels: dict[str, Plain]) -> None:
    known_names = {value for name, value in vars(names).items() if name.isupper()}
    fields = {
        part["field"]
        for panel in panels.values()
        for target in panel["targets"]
        for part in (*target["metrics"], *target["bucketAggs"])
        if "field" in part
    }
    own = {field for field in fields if field.startswith(("attributes.", "resource.attributes."))}
    assert {field.removeprefix("resource.").removeprefix("attributes.") for field in own} <= known_names
    assert fields - own == {"@timestamp", "event_name"}
