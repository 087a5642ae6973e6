"""Metrics made from spans before sampling, and the form in which metrics leave; dashboards rest on both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collector import otlp
from collector.conftest import Run
from collector.running import Collector, eventually

CALLS = "traces.span.metrics.calls"
DURATION = "traces.span.metrics.duration"
DELTA, CUMULATIVE = 1, 2
BOUNDED = {
    "error.type",
    "gen_ai.operation.name",
    "gen_ai.prompt.name",
    "gen_ai.prompt.version",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "service.name",
    "span.kind",
    "span.name",
    "status.code",
    "throughline.prompt.variant",
}


def _metrics(collector: Collector, name: str) -> list[dict[str, Any]]:
    return [metric for metric in otlp.flat(collector.captured("metrics")) if metric["name"] == name]


def _points(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [point for metric in metrics for point in (metric.get("sum") or metric["histogram"])["dataPoints"]]


def _calls(collector: Collector) -> int:
    return sum(int(point["asInt"]) for point in _points(_metrics(collector, CALLS)))


@pytest.mark.parametrize(("percentage", "kept"), [("0", range(1)), ("100", range(200, 201))])
def test_the_count_of_calls_does_not_depend_on_sampling(run: Run, percentage: str, kept: range) -> None:
    """200 calls are 200 calls, whether none of their traces is kept or all are."""
    spans = [otlp.span(f"{number + 1:032x}", gen_ai__request__model="m") for number in range(200)]
    settings = {"SPAN_METRICS_INTERVAL": "1s", "SAMPLING_PERCENTAGE": percentage, "DECISION_WAIT_AFTER_ROOT": "1s"}
    with run(**settings) as collector:
        assert collector.send("traces", otlp.spans(*spans)) == 200
        eventually(lambda: _calls(collector) >= 200, "the metrics of 200 calls")
    assert _calls(collector) == 200
    durations = _points(_metrics(collector, DURATION))
    assert sum(int(point["count"]) for point in durations) == 200
    assert len(otlp.traces(collector.captured("traces"))) in kept


def test_dimensions_are_bounded(run: Run) -> None:
    """Model, prompt and error are dimensions; users, sessions and ids are not, however often they stand on spans."""
    given = dict.fromkeys(BOUNDED - {"service.name", "span.kind", "span.name", "status.code"}, "v")
    unbounded = {"user.id": "u", "session.id": "s", "gen_ai.conversation.id": "c", "gen_ai.response.id": "r"}
    named = {key.replace(".", "__"): value for key, value in (given | unbounded).items()}
    with run(SPAN_METRICS_INTERVAL="1s") as collector:
        collector.send("traces", otlp.spans(otlp.span(f"{1:032x}", **named)))
        eventually(lambda: _calls(collector), "metrics")
    for point in _points([*_metrics(collector, CALLS), *_metrics(collector, DURATION)]):
        assert {pair["key"] for pair in point["attributes"]} == BOUNDED


def test_the_service_graph_sees_both_ends_of_a_call(run: Run) -> None:
    """Client and server spans of two services become one edge, although the trace is not kept."""
    trace = f"{1:032x}"
    client, server = otlp.span(trace, 1), otlp.span(trace, 2)
    server["kind"] = 2
    settings = {"SPAN_METRICS_INTERVAL": "1s", "SAMPLING_PERCENTAGE": "0"}
    with run(**settings) as collector:
        for service, span in (("gateway", client), ("caller", server)):
            collector.send("traces", otlp.spans(span).replace(b'"tested"', f'"{service}"'.encode()))
        name = "traces_service_graph_request_total"
        edges = eventually(lambda: _points(_metrics(collector, name)), "an edge")
    ends = {pair["key"]: otlp.unwrap(pair["value"]) for pair in edges[0]["attributes"]}
    assert (ends["client"], ends["server"], str(ends["failed"]).lower()) == ("gateway", "caller", "false")


def test_cumulative_metrics_leave_as_deltas(run: Run) -> None:
    """Elasticsearch takes no cumulative histogram and cannot sum a counter that never falls."""
    with run(SPAN_METRICS_INTERVAL="1s") as collector:
        for total, at in ((3, 1), (8, 2)):
            assert collector.send("metrics", _cumulative(total, at)) == 200
        sent = eventually(lambda: _metrics(collector, "tokens") and _metrics(collector, "latency"), "both deltas")
        collector.send("traces", otlp.spans(otlp.span(f"{1:032x}")))
        eventually(lambda: _calls(collector), "metrics")
    assert [int(point["count"]) for point in _points(sent)] == [5]
    assert [int(point["asInt"]) for point in _points(_metrics(collector, "tokens"))] == [5]
    for metric in otlp.flat(collector.captured("metrics")):
        kind = metric.get("sum") or metric.get("histogram")
        assert kind is None or kind["aggregationTemporality"] == DELTA, metric["name"]


def _cumulative(total: int, at: int) -> bytes:
    """A counter and a histogram that have reached this total since the epoch."""
    time = {"startTimeUnixNano": str(otlp.START), "timeUnixNano": str(otlp.START + at * 1_000_000_000)}
    bucket = {
        **time,
        "count": str(total),
        "sum": float(total),
        "bucketCounts": [str(total), "0"],
        "explicitBounds": [1],
    }
    metrics = [
        {
            "name": "tokens",
            "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [{**time, "asInt": str(total)}]},
        },
        {"name": "latency", "histogram": {"aggregationTemporality": CUMULATIVE, "dataPoints": [bucket]}},
    ]
    return json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]}).encode()
