"""The numbers of the board of steps, retrieval, scores and agents."""

from __future__ import annotations

import pytest
from dashboards.panel_checks import Shown, checks

AFTER_TEN = [0] * 50
"""Of the hour's minutes those behind the ten in which agents ran."""


@checks("rag", "Share of time by step")
def _shares(shown: Shown) -> None:
    found = {row["Step"]: row["Took"] for row in shown.rows()}
    # The chats took 0.1, 0.2 … 10 s. What encloses others is none, and neither is what the judge asked.
    assert found == pytest.approx(
        {"chat": 505.0, "retrieval": 0.1, "build_prompt": 0.02, "post_process": 0.08, "execute_tool": 1.0}
    )


@checks("rag", "Steps")
def _steps(shown: Shown) -> None:
    found = shown.columns()
    assert found.pop("p50") == pytest.approx([5.05, 0.001, 0.004, 0.005, 0.1], abs=0.06)
    assert found.pop("p95") == pytest.approx([9.55, 0.001, 0.004, 0.005, 0.1], abs=0.06)
    assert found == {
        "Step": ["chat", "build_prompt", "post_process", "retrieval", "execute_tool"],
        "Calls": [100, 20, 20, 20, 10],
        "Time in all": pytest.approx([505.0, 0.02, 0.08, 0.1, 1.0]),
        "Errors": [10, 0, 0, 0, 1],
        "Error rate": pytest.approx([0.1, 0, 0, 0, 0.1]),
    }
    assert shown.columns(service=["gateway"])["Step"] == ["execute_tool"]


@checks("rag", "Share of time over time")
def _shares_over_time(shown: Shown) -> None:
    found = shown.series()
    # Minute m holds the chats m and m + 50.
    assert found["chat"] == pytest.approx([(2 * m + 50) / 10 for m in range(1, 51)] + [0] * 10)
    assert found["execute_tool"] == pytest.approx([0.1] * 10 + AFTER_TEN)
    assert set(found) == {"chat", "build_prompt", "post_process", "retrieval", "execute_tool"}


@checks("rag", "Failures by step")
def _failures(shown: Shown) -> None:
    chat = [2 if minute in range(10, 51, 10) else 0 for minute in range(1, 61)]
    assert shown.series() == {"chat": chat, "execute_tool": [0] * 9 + [1] + AFTER_TEN}


@checks("rag", "Failure rate by step")
def _failure_rate(shown: Shown) -> None:
    found = shown.series()
    assert found["chat"] == [float(minute % 10 == 0) for minute in range(1, 51)]
    assert found["execute_tool"] == [0.0] * 9 + [1.0]
    assert found["retrieval"] == [0.0] * 20


@checks("rag", "Retrieval")
def _retrieval(shown: Shown) -> None:
    # Each fifth of twenty found nothing, the others three passages.
    whole = {"Retrievals": [20], "Found": [pytest.approx(2.4)], "Empty, share": [pytest.approx(0.2)]}
    assert shown.columns() == whole


@checks("rag", "Retrieval by data source")
def _by_source(shown: Shown) -> None:
    found = shown.columns()
    # Of the numbers 1 to 13 and 14 to 20, those without a multiple of five, by 20.
    assert found.pop("Top score, p10") == pytest.approx([0.1, 0.74], abs=0.05)
    assert found.pop("Top score, p50") == pytest.approx([0.35, 0.85])
    assert found.pop("Top score, p90") == pytest.approx([0.6, 0.93], abs=0.05)
    assert found == {
        "Store": ["elasticsearch"] * 2,
        "Data source": ["lending", "faq"],
        "Calls": [13, 7],
        "Found": pytest.approx([33 / 13, 15 / 7]),
        "Empty": [2, 2],
        "Empty, share": pytest.approx([2 / 13, 2 / 7]),
        "p95": pytest.approx([0.005, 0.005]),
    }


@checks("rag", "Top score")
def _top_score(shown: Shown) -> None:
    found = shown.series()
    expected = [n / 20 if 1 <= n <= 20 and n % 5 else None for n in range(60)]
    assert set(found) == {"p10.0", "p50.0", "p90.0"}
    assert found["p50.0"] == [value if value is None else pytest.approx(value) for value in expected]


@checks("rag", "Empty retrievals")
def _empty(shown: Shown) -> None:
    assert shown.series() == {
        "lending": [float(n % 5 == 0) for n in range(1, 14)],
        "faq": [float(n % 5 == 0) for n in range(14, 21)],
    }


@checks("rag", "Passages found, mean")
def _found(shown: Shown) -> None:
    each = {n: 3.0 if n % 5 else 0.0 for n in range(1, 21)}
    assert shown.series() == {
        "lending": [each[n] if 1 <= n <= 13 else None for n in range(60)],
        "faq": [each[n] if 14 <= n <= 20 else None for n in range(60)],
    }


@checks("rag", "Groundedness")
def _groundedness(shown: Shown) -> None:
    found = shown.series()
    assert set(found) == {"p10.0", "p50.0", "p90.0"}
    expected: list[object] = [pytest.approx(n / 20) for n in range(1, 21)] + [None] * 40
    assert list(found.values()) == [expected] * 3
    # The even numbers are the other variant's.
    assert shown.series(variant=["concise"])["p50.0"][:4] == [pytest.approx(0.05), None, pytest.approx(0.15), None]


@checks("rag", "Scores, mean")
def _scores_over_time(shown: Shown) -> None:
    found = shown.series()
    assert found["rating"] == [float(n % 2) for n in range(1, 21)] + [None] * 40
    assert found["helpfulness"] == [0.8] * 5 + [None] * 55
    assert set(found) == {"rating", "helpfulness", "groundedness"}
    assert set(shown.series(score=["rating"])) == {"rating"}


@checks("rag", "Scores")
def _scores(shown: Shown) -> None:
    rows = {row["Score"]: row for row in shown.rows()}
    assert {name: (row["By"], row["Scored"], row["Mean"]) for name, row in rows.items()} == {
        "groundedness": ("code", 20, pytest.approx(0.525)),
        "rating": ("user", 20, 0.5),
        "helpfulness": ("judge", 5, pytest.approx(0.8)),
    }
    shares = [rows["groundedness"][name] for name in ("p10", "p50", "p90")]
    assert shares == pytest.approx([0.125, 0.525, 0.925], abs=0.03)


@checks("rag", "Worst answers")
def _worst(shown: Shown) -> None:
    rows = shown.rows()
    worst = [(row["Request"], row["Value"]) for row in rows if row["Score"] == "groundedness"]
    assert worst == [(f"{n:032x}", pytest.approx(n / 20)) for n in range(1, 11)]
    thumbs_down = {row["Request"] for row in rows if row["Score"] == "rating"}
    assert thumbs_down == {f"{n:032x}" for n in range(2, 21, 2)}
    assert [row["Value"] for row in shown.rows(score=["helpfulness"])] == [0.8] * 5
    (way, _) = next(
        item["value"]
        for override in shown.panel["fieldConfig"]["overrides"]
        for item in override["properties"]
        if item["id"] == "links"
    )
    assert way["url"].startswith("/d/throughline-request?")


@checks("rag", "Labels")
def _labels(shown: Shown) -> None:
    assert {(row["Score"], row["Label"]): row["Scored"] for row in shown.rows()} == {
        ("groundedness", "fail"): 10,
        ("groundedness", "pass"): 10,
        ("rating", "down"): 10,
        ("rating", "up"): 10,
        ("helpfulness", "good"): 5,
    }


@checks("rag", "Labels over time")
def _labels_over_time(shown: Shown) -> None:
    found = shown.series()
    assert found["groundedness: fail"] == [1] * 10 + AFTER_TEN
    assert found["groundedness: pass"] == [0] * 10 + [1] * 10 + [0] * 40
    assert set(found) == {
        "groundedness: fail",
        "groundedness: pass",
        "rating: up",
        "rating: down",
        "helpfulness: good",
    }


@checks("rag", "Agents and workflows")
def _agents(shown: Shown) -> None:
    assert shown.rows() == [
        {
            "Agent": "desk",
            "Workflow": "(none)",
            "Runs": 10,
            "p50": 1.0,
            "p95": 1.0,
            "Errors": 1,
            "Error rate": pytest.approx(0.1),
            "Model calls a run": pytest.approx(1.1),
            "Tools a run": 1.0,
            "Tokens out a run": 10,
            "Cost a run": pytest.approx(0.001),
        }
    ]
    (row,) = shown.rows(conversation=["talk 1"])
    assert (row["Runs"], row["Errors"]) == (5, 0)


@checks("rag", "Tools")
def _tools(shown: Shown) -> None:
    (row,) = shown.rows()
    assert (row["Tool"], row["Calls"], row["Errors"], row["p50"]) == ("lookup", 10, 1, pytest.approx(0.1))


@checks("rag", "Tools by error")
def _tool_failures(shown: Shown) -> None:
    assert shown.rows() == [
        {"Tool": "lookup", "Error": "(none)", "Calls": 9},
        {"Tool": "lookup", "Error": "ToolError", "Calls": 1},
    ]


@checks("rag", "Agents, p95")
def _durations(shown: Shown) -> None:
    assert shown.series() == {"desk": [1.0] * 10 + [None] * 50}


@checks("rag", "Calls a run, mean")
def _calls(shown: Shown) -> None:
    found = shown.series()
    names = {
        each["matcher"]["options"]: each["properties"][0]["value"] for each in shown.panel["fieldConfig"]["overrides"]
    }
    assert {names[field]: points for field, points in found.items()} == {
        "Model calls a run": [1.0] * 9 + [2.0] + [None] * 50,
        "Tools a run": [1.0] * 10 + [None] * 50,
    }


@checks("rag", "Tool calls")
def _tool_calls(shown: Shown) -> None:
    assert shown.series() == {"lookup": [1] * 10 + AFTER_TEN}


@checks("rag", "Runs")
def _runs(shown: Shown) -> None:
    rows = shown.rows()
    assert [row["Trace"] for row in rows] == [f"{n:032x}" for n in range(10, 0, -1)]
    last, other = rows[:2]
    assert (last["Agent"], last["Conversation"], last["Error"], last["Model calls"]) == (
        "desk",
        "talk 0",
        "ToolError",
        2,
    )
    assert (last["Cost"], other["Cost"], other["Tokens out"], other["Took"]) == (None, 0.001, 10, 1.0)
    assert {row["Conversation"] for row in shown.rows(conversation=["talk 0"])} == {"talk 0"}
