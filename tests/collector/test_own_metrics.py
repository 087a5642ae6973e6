"""What the Collector says of itself, as dashboards and alerts read it in Elasticsearch: little, and bounded."""

from __future__ import annotations

import json
import uuid
from typing import Any

from collector import otlp
from collector.conftest import Run
from collector.running import Collector, eventually
from collector.test_elasticsearch import found

OWN = {"COLLECTOR_OWN_METRICS_INTERVAL_MS": "1000"}
STREAM = "metrics-generic.otel-default"


def _points(collector: Collector) -> list[tuple[str, dict[str, Any], float]]:
    """Name, attributes and value of each point that was kept."""
    return [
        (metric["name"], attributes, float(point.get("asInt", point.get("asDouble", 0))))
        for metric in otlp.flat(collector.captured("own_metrics"))
        for point in next(metric[kind] for kind in ("sum", "gauge") if kind in metric)["dataPoints"]
        for attributes in [{pair["key"]: otlp.unwrap(pair["value"]) for pair in point.get("attributes", ())}]
    ]


def _sum(collector: Collector, name: str, **labels: str) -> float:
    """All deltas of these series together."""
    points = _points(collector)
    return sum(value for own, named, value in points if own == name and labels.items() <= named.items())


def test_traffic_and_decisions_are_told_as_deltas(run: Run) -> None:
    """Of thirty traces ten fail and are kept, beside twenty records: the sums, however many intervals it took."""
    settings = {"DECISION_WAIT_AFTER_ROOT": "1s", "SAMPLING_PERCENTAGE": "0", **OWN}
    tail = "otelcol_processor_tail_sampling"
    with run(**settings) as collector:
        for batch in range(2):
            failed = [otlp.span(f"{100 * batch + number + 1:032x}", failed=True) for number in range(5)]
            dull = [otlp.span(f"{100 * batch + number + 50:032x}") for number in range(10)]
            assert collector.send("traces", otlp.spans(*failed, *dull)) == 200
            assert collector.send("logs", otlp.records(*(otlp.record(f"{batch}-{n}") for n in range(10)))) == 200
        eventually(lambda: _sum(collector, f"{tail}_count_traces_sampled", policy="error") >= 10, "decisions")
        eventually(lambda: _sum(collector, "otelcol_exporter_sent_log_records", exporter="file/records") >= 20, "sent")
    received = {"receiver": "otlp", "transport": "http"}
    assert _sum(collector, "otelcol_receiver_accepted_spans", **received) == 30
    assert _sum(collector, "otelcol_receiver_accepted_log_records", **received) == 20
    assert _sum(collector, f"{tail}_count_traces_sampled", policy="error", sampled="true") == 10
    assert _sum(collector, f"{tail}_count_traces_sampled", sampled="false") == 0, "which nobody asks for"
    assert _sum(collector, f"{tail}_global_count_traces_sampled", sampled="false") == 20
    assert _sum(collector, "otelcol_exporter_sent_log_records", exporter="otlp_grpc/records") == 20


def test_what_nobody_asks_for_stays_at_its_own_endpoint(run: Run) -> None:
    """Timers, and what passes each processor, are for Prometheus; what is kept has few points, by bounded labels."""
    with run(DECISION_WAIT_AFTER_ROOT="1s", **OWN) as collector:
        collector.send("traces", otlp.spans(otlp.span(f"{1:032x}", failed=True)))
        collector.send("logs", otlp.records(otlp.record("one", user__id="ada")))
        eventually(lambda: _sum(collector, "otelcol_exporter_sent_spans"), "a trace")
        pulled = collector.metric("otelcol_processor_incoming_items_total")
    assert pulled
    points = _points(collector)
    assert not [name for name, _, _ in points if "incoming" in name or "execution" in name or "latency" in name]
    assert not [name for name, _, _ in points if "too_early" in name], "it counts traces that were judged in time"
    labels = {"data_type", "decision", "exporter", "policy", "receiver", "sampled", "transport"}
    assert {label for _, named, _ in points for label in named} <= labels
    assert not [named for _, named, _ in points if named.get("receiver") == "otlp/own"], "it listens to itself"
    assert len({(name, json.dumps(named)) for name, named, _ in points}) < 60


def test_it_is_found_in_elasticsearch_by_service_and_environment(run: Run, elasticsearch: str) -> None:
    """The queue's size and what Elasticsearch took, of this process alone: it has an id of its own."""
    environment = f"test{uuid.uuid4().hex}"
    service = "resource.attributes.service.name"
    mine = [{"term": {"resource.attributes.deployment.environment.name": environment}}]
    mine.append({"term": {service: "throughline-collector"}})

    def documents(*filters: dict[str, Any]) -> list[dict[str, Any]]:
        hits = found(elasticsearch, STREAM, {"bool": {"filter": [*mine, *filters]}})
        return [hit["_source"] for hit in hits]

    with run(overlays=(), ELASTICSEARCH_URL=elasticsearch, DEPLOYMENT_ENVIRONMENT=environment, **OWN) as collector:
        assert collector.send("logs", otlp.records(*(otlp.record(f"{environment}-{n}") for n in range(3)))) == 200
        queue = {"term": {"attributes.exporter": "otlp_grpc/records"}}
        size = {"exists": {"field": "metrics.otelcol_exporter_queue_size"}}
        eventually(lambda: documents(queue, size), "the size of the records' queue")
        capacity = {"exists": {"field": "metrics.otelcol_exporter_queue_capacity"}}
        (first, *_) = eventually(lambda: documents(queue, capacity), "what it could hold")
        taken = {"term": {"attributes.outcome": "success"}}
        processed = {"exists": {"field": "metrics.otelcol.elasticsearch.docs.processed"}}
        eventually(lambda: documents(taken, processed), "what Elasticsearch took")
        memory = {"exists": {"field": "metrics.otelcol_process_memory_rss"}}
        eventually(lambda: documents(memory), "memory")
    assert first["metrics"] == {"otelcol_exporter_queue_capacity": 8_589_934_592}
    assert first["attributes"] == {"data_type": "logs", "exporter": "otlp_grpc/records"}
    assert first["resource"]["attributes"].keys() == {
        "deployment.environment.name", "service.instance.id", "service.name", "service.version"
    }  # fmt: skip
