"""The numbers of the board of the pipeline's health."""

from __future__ import annotations

from typing import Any

import pytest
from dashboards import known
from dashboards.panel_checks import Shown, checks

MINUTES = range(60)
RECORDS, JAEGER, OTHERS = "otlp_grpc/records", "otlp_grpc/jaeger", "elasticsearch"
STREAMS = [f"logs-genai.{kind}.otel-default" for kind in ("content", "record", "rejected")]


def steadily(value: Any, otherwise: Any = 0) -> list[Any]:
    """In the fifty minutes of which metrics are known."""
    return [value if 1 <= minute <= 50 else otherwise for minute in MINUTES]


def there(points: list[Any]) -> dict[int, Any]:
    """Without the minutes in which nothing was."""
    return {minute: value for minute, value in enumerate(points) if value}


@checks("pipeline", "Queues, filled at most")
def _queues(shown: Shown) -> None:
    found = {(row["Exporter"], row["Data"]): row["Used"] for row in shown.rows()}
    assert found == {(RECORDS, "logs"): pytest.approx(0.5), (OTHERS, "metrics"): pytest.approx(0.25)}
    assert shown.rows(environment=["staging"]) == []


@checks("pipeline", "Queues")
def _queues_over_time(shown: Shown) -> None:
    assert shown.series() == {
        f"{RECORDS} logs": [10 * minute if 1 <= minute <= 50 else None for minute in MINUTES],
        f"{OTHERS} metrics": steadily(100, None),
    }


@checks("pipeline", "Spools")
def _spools(shown: Shown) -> None:
    assert {row["Service"]: list(row.values())[1:] for row in shown.rows()} == {
        "gateway": [50_000, 50, 50, 5, 0],
        "llm-caller": [100_000, 50, 100, 0, 5],
    }
    assert [row["Service"] for row in shown.rows(service=["gateway"])] == ["gateway"]


@checks("pipeline", "Delay of the oldest record")
def _delay(shown: Shown) -> None:
    assert shown.series()["llm-caller"] == [2 * minute if 1 <= minute <= 50 else None for minute in MINUTES]


@checks("pipeline", "Spool size by service")
def _sizes(shown: Shown) -> None:
    found = shown.series()
    assert found["gateway"] == [1000 * minute if 1 <= minute <= 50 else None for minute in MINUTES]
    assert max(value for value in found["llm-caller"] if value) == 100_000


@checks("pipeline", "Records in spools")
def _records(shown: Shown) -> None:
    waiting = [minute if 1 <= minute <= 50 else None for minute in MINUTES]
    assert shown.series() == {"gateway": waiting, "llm-caller": waiting}


@checks("pipeline", "Delivery of records")
def _delivered(shown: Shown) -> None:
    found = shown.series()
    assert set(found) == {"p50.0", "p95.0", "p99.0"}
    for points in found.values():
        assert points[:50] == pytest.approx([2.5] * 50)
        assert points[50:] == [None] * 10


@checks("pipeline", "Dropped and refused records")
def _lost(shown: Shown) -> None:
    found = {name: there(points) for name, points in shown.series().items()}
    assert {name: points for name, points in found.items() if points} == {
        "gateway: dropped": {30: 5},
        "llm-caller: refused": {40: 5},
    }
    assert len(found) == 4


@checks("pipeline", "Last heard of")
def _heard(shown: Shown) -> None:
    rows = {row["Service"]: row for row in shown.rows()}
    # Records and operations: 100 chats; 20 searches and 20 prompts built; 20 answers processed; tools and agents.
    assert {service: row["Records"] for service, row in rows.items()} == {
        "llm-caller": 100,
        "prompt-builder": 40,
        "postprocessor": 20,
        "gateway": 20,
        "judge": 5,
    }
    assert rows["llm-caller"]["Last record"] == pytest.approx(known.START + 49 * known.MINUTE + 100, abs=0.01)


@checks("pipeline", "Arrived")
def _arrived(shown: Shown) -> None:
    assert shown.series() == {
        "records and logs": [12] * 50,
        "spans": [30] * 50,
        "metric points": [6] * 50,
    }


@checks("pipeline", "Delivered by exporter")
def _delivered(shown: Shown) -> None:
    assert shown.series() == {RECORDS: [12] * 50, JAEGER: [28] * 50, OTHERS: [36] * 50}


@checks("pipeline", "Refused and given up")
def _trouble(shown: Shown) -> None:
    assert shown.series() == {
        "refused on arrival": [5],
        "failed on arrival": [1],
        "refused for want of memory": [5],
        "no room in a queue": [4],
        "given up": [7],  # and not what the records' queue tries again
    }


@checks("pipeline", "Send failures by exporter")
def _failures(shown: Shown) -> None:
    assert shown.series() == {JAEGER: [4, 7], "elasticsearch/records": [31]}


@checks("pipeline", "Documents by outcome")
def _outcomes(shown: Shown) -> None:
    found = shown.series()
    assert found["success"] == steadily(40)
    assert there(found["failed_client"]) == {30: 2}


@checks("pipeline", "Documents by error")
def _by_error(shown: Shown) -> None:
    assert shown.rows() == [
        {"Outcome": "success", "Error": "(none)", "Documents": 2000},
        {"Outcome": "failed_client", "Error": "conflict", "Documents": 2},
    ]


@checks("pipeline", "Documents sent and sent again")
def _retries(shown: Shown) -> None:
    found = shown.series()
    assert found["sent"] == steadily(42)
    assert there(found["sent again"]) == {31: 5}


@checks("pipeline", "Dead letters")
def _rejected(shown: Shown) -> None:
    # Of each turn the sum of all such streams; between turns there is no point.
    assert shown.series() == {"dead letters": [2, 2, 3]}


@checks("pipeline", "Storage over time")
def _storage(shown: Shown) -> None:
    assert {name: there(points) for name, points in shown.series().items()} == {
        STREAMS[0]: {10: 2_000_000, 30: 4_000_000, 50: 6_000_000},
        STREAMS[1]: {10: 1_000_000, 30: 2_000_000, 50: 3_000_000},
        STREAMS[2]: {10: 500, 30: 500, 50: 800},
    }


@checks("pipeline", "Documents over time")
def _documents(shown: Shown) -> None:
    found = {name: there(points) for name, points in shown.series().items()}
    assert found[STREAMS[1]] == {10: 100, 30: 200, 50: 300}
    assert set(found) == set(STREAMS)


@checks("pipeline", "Storage by stream")
def _streams(shown: Shown) -> None:
    assert {row["Stream"]: list(row.values())[1:] for row in shown.rows()} == {
        STREAMS[0]: [6_000_000, 4_000_000, 300, 1_779_000_000_000, 30],
        STREAMS[1]: [3_000_000, 2_000_000, 300, 1_779_000_000_000, 365],
        STREAMS[2]: [800, 300, 3, 1_779_000_000_000, 30],
    }


@checks("pipeline", "Kept traces by policy")
def _by_policy(shown: Shown) -> None:
    assert {row["Policy"]: row["Traces"] for row in shown.rows()} == {"errors": 50, "share": 100}


@checks("pipeline", "Kept by policy over time")
def _by_policy_over_time(shown: Shown) -> None:
    assert shown.series() == {"errors": steadily(1), "share": steadily(2)}


@checks("pipeline", "Traces kept and dropped")
def _decisions(shown: Shown) -> None:
    found = shown.series()
    assert found == {"true": steadily(3), "false": steadily(7)}
    overrides = shown.panel["fieldConfig"]["overrides"]
    assert {each["matcher"]["options"]: each["properties"][0]["value"] for each in overrides} == {
        "true": "kept",
        "false": "dropped",
    }


@checks("pipeline", "Undecided traces")
def _undecided(shown: Shown) -> None:
    assert shown.series() == {"undecided": steadily(20, None)}


@checks("pipeline", "Memory of the Collector")
def _memory(shown: Shown) -> None:
    expected = steadily(100_000_000, None)
    expected[32] = 300_000_000
    assert shown.series() == {"memory": expected}


@checks("pipeline", "Cores of the Collector")
def _cores(shown: Shown) -> None:
    assert shown.series() == {"cores": [pytest.approx(0.1)] * 50}
