"""The known metrics: two services' spools, and what the Collector says of itself, a point a minute."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dashboards.known.documents import Plain, at
from throughline import names

STREAM: Final = "metrics-generic.otel-dashboards"
MINUTES: Final = range(1, 51)
COLLECTOR: Final = "throughline-collector"
RECORDS, JAEGER, METRICS = "otlp_grpc/records", "otlp_grpc/jaeger", "elasticsearch"
_RECEIVER: Final[Plain] = {"receiver": "otlp", "transport": "grpc"}

# Metric, labels, value: in each of the minutes.
STEADY: Final[list[tuple[str, Plain, float]]] = [
    ("otelcol_exporter_queue_capacity", {"exporter": RECORDS, "data_type": "logs"}, 1000),
    ("otelcol_exporter_queue_size", {"exporter": METRICS, "data_type": "metrics"}, 100),
    ("otelcol_exporter_queue_capacity", {"exporter": METRICS, "data_type": "metrics"}, 400),
    ("otelcol_receiver_accepted_log_records", _RECEIVER, 12),
    ("otelcol_receiver_accepted_spans", _RECEIVER, 30),
    ("otelcol_receiver_accepted_metric_points", _RECEIVER, 6),
    ("otelcol_exporter_sent_log_records", {"exporter": RECORDS}, 12),
    ("otelcol_exporter_sent_spans", {"exporter": JAEGER}, 28),
    ("otelcol_exporter_sent_spans", {"exporter": METRICS}, 30),
    ("otelcol_exporter_sent_metric_points", {"exporter": METRICS}, 6),
    ("otelcol.elasticsearch.docs.received", {}, 42),
    ("otelcol.elasticsearch.docs.processed", {"outcome": "success"}, 40),
    ("otelcol_processor_tail_sampling_count_traces_sampled", {"policy": "errors"}, 1),
    ("otelcol_processor_tail_sampling_count_traces_sampled", {"policy": "share"}, 2),
    ("otelcol_processor_tail_sampling_global_count_traces_sampled", {"sampled": "true"}, 3),
    ("otelcol_processor_tail_sampling_global_count_traces_sampled", {"sampled": "false"}, 7),
    ("otelcol_processor_tail_sampling_sampling_traces_on_memory", {}, 20),
    ("otelcol_process_memory_rss", {}, 100_000_000),
    ("otelcol_process_cpu_seconds", {}, 6.0),
]
# The same, in the minute that stands before.
ONCE: Final[list[tuple[int, str, Plain, float]]] = [
    (20, "otelcol_receiver_refused_log_records", _RECEIVER, 3),
    (20, "otelcol_receiver_refused_spans", _RECEIVER, 2),
    (21, "otelcol_processor_refused_spans", {"processor": "memory_limiter"}, 5),
    (22, "otelcol_exporter_enqueue_failed_spans", {"exporter": JAEGER}, 4),
    (23, "otelcol_exporter_send_failed_spans", {"exporter": JAEGER}, 7),
    (23, "otelcol_exporter_send_failed_log_records", {"exporter": "elasticsearch/records"}, 31),
    (24, "otelcol_receiver_failed_metric_points", _RECEIVER, 1),
    (30, "otelcol.elasticsearch.docs.processed", {"outcome": "failed_client", names.ERROR_TYPE: "conflict"}, 2),
    (31, "otelcol.elasticsearch.docs.retried", {}, 5),
    (32, "otelcol_process_memory_rss", {}, 300_000_000),
]


def documents() -> list[Plain]:
    """Each metric of the Collector in a document of its own, as it comes."""
    return [*_spools(), *_of_the_collector()]


def _spools() -> Iterator[Plain]:
    """Each service's spool grows by a thousand bytes a minute; one has twice as many, and both lost records once."""
    lost = {("gateway", 30): names.SPOOL_DROPPED, ("llm-caller", 40): names.SPOOL_REFUSED}
    for service, factor in (("llm-caller", 2), ("gateway", 1)):
        for minute in MINUTES:
            waiting: Plain = {names.SPOOL_SIZE: 1000 * factor * minute, names.SPOOL_RECORDS: minute}
            waiting[names.SPOOL_OLDEST_AGE] = float(factor * minute)
            counted = {name: 5 if (service, minute) in lost and lost[service, minute] == name else 0 for name in
                       (names.SPOOL_DROPPED, names.SPOOL_REFUSED)}  # fmt: skip
            yield _point(service, minute, "spool", waiting | counted)


def _of_the_collector() -> Iterator[Plain]:
    """Its records' queue grows by ten bytes a minute; what is steady is in each minute, the rest once."""
    for minute in MINUTES:
        queue = {"exporter": RECORDS, "data_type": "logs"}
        for place, (name, labels, value) in enumerate([*STEADY, ("otelcol_exporter_queue_size", queue, 10 * minute)]):
            yield _point(COLLECTOR, minute, str(place), {name: value}, labels)
    for minute, name, labels, value in ONCE:
        yield _point(COLLECTOR, minute, f"once {name}", {name: value}, labels)


def _point(service: str, minute: int, which: str, metrics: Plain, attributes: Plain | None = None) -> Plain:
    own = {names.SERVICE_NAME: service, names.DEPLOYMENT_ENVIRONMENT_NAME: "production"}
    return {
        "_id": f"{service} {minute} {which}",
        "@timestamp": at(minute),
        "attributes": attributes or {},
        "metrics": metrics,
        "resource": {"attributes": own},
        "scope": {"name": "throughline"},
    }
