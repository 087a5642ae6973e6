"""The Collector by its own metrics: queues, what arrives, leaves, is refused or tried again, what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from grafana_foundation_sdk.builders import bargauge, table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.elasticsearch import BucketAggregation

from panels import fields, sources
from panels.drawing import alarming, bars, counted, measured
from panels.fields import attribute, measure
from panels.figures import Figure, headings, metrics, side_by_side
from panels.queries import ask, each, each_over_time, over_time, ratio, term, total
from panels.variables import chosen

OF: Final = f'{fields.SERVICE}:"throughline-collector" AND {chosen(("environment",))}'
EXPORTER: Final = attribute("exporter")
_DATA: Final = attribute("data_type")
_OUTCOME: Final = attribute("outcome")
_SIZE: Final = measure("otelcol_exporter_queue_size")
_CAPACITY: Final = measure("otelcol_exporter_queue_capacity")
_PROCESSED: Final = measure("otelcol.elasticsearch.docs.processed")
_RECEIVED: Final = measure("otelcol.elasticsearch.docs.received")
_RETRIED: Final = measure("otelcol.elasticsearch.docs.retried")
_MEMORY: Final = measure("otelcol_process_memory_rss")
_CPU: Final = measure("otelcol_process_cpu_seconds")
_SIGNALS: Final = {"log_records": "records and logs", "spans": "spans", "metric_points": "metric points"}
_TROUBLE: Final = {
    "receiver_refused": "refused on arrival",
    "receiver_failed": "failed on arrival",
    "processor_refused": "refused for want of memory",
    "exporter_enqueue_failed": "no room in a queue",
    "exporter_send_failed": "given up",
}
# What it could not deliver, its queue of records, which is the exporter before it, tries again: nothing is given up.
_TRIED_AGAIN: Final = f'NOT {EXPORTER}:"elasticsearch/records"'
_QUEUE: Final = (
    Figure("waiting", None, "max", _SIZE),
    Figure("room", None, "max", _CAPACITY),
    Figure("used", "Used", "bucket_script", script="params.waiting / params.room"),
)


def queues_now() -> bargauge.Panel:
    """How full each queue was at worst in the chosen time."""
    only = f"(_exists_:{_SIZE} OR _exists_:{_CAPACITY})"
    query = ask(metrics(_QUEUE), each(EXPORTER, _DATA), of=OF, only=only, source=sources.METRICS)
    shown = headings({EXPORTER: "Exporter", _DATA: "Data"}, _QUEUE)
    panel = bars("Queues, filled at most", query, shown, nothing="the Collector says nothing")
    return panel.unit("percentunit").max(1).thresholds(alarming(0.5, 0.9))


def queues_over_time() -> timeseries.Panel:
    """What waits in each queue."""
    largest = model.Max(field=_SIZE, id_val="1")
    query = _asked(largest, each_over_time(EXPORTER, _DATA), f"{term(EXPORTER)} {term(_DATA)}")
    return measured("Queues", query, unit="bytes")


def arrived() -> timeseries.Panel:
    """What applications delivered."""
    names = ((f"otelcol_receiver_accepted_{signal}", label) for signal, label in _SIGNALS.items())
    return counted("Arrived", *(_sum([name], [over_time()], label, label) for name, label in names))


def delivered() -> timeseries.Panel:
    """What left by each exporter; records pass a queue on disk and Elasticsearch's exporter, and count in both."""
    names = _each_signal("otelcol_exporter_sent")
    return counted("Delivered by exporter", _sum(names, each_over_time(EXPORTER), term(EXPORTER)))


def trouble() -> timeseries.Panel:
    """What was not taken or not delivered, and where. What is refused on arrival, an application sends again."""
    queries = (
        _sum(_each_signal(f"otelcol_{kind}"), [over_time()], label, label, of=f"{OF} AND {_TRIED_AGAIN}")
        for kind, label in _TROUBLE.items()
    )
    return counted("Refused and given up", *queries).description(
        "What is refused on arrival, an application sends again. What is given up, or has no room, is lost."
    )


def send_failures() -> timeseries.Panel:
    """Which exporter cannot get rid of it, those included whose queue tries again."""
    names = [*_each_signal("otelcol_exporter_send_failed"), *_each_signal("otelcol_exporter_enqueue_failed")]
    return counted("Send failures by exporter", _sum(names, each_over_time(EXPORTER), term(EXPORTER))).description(
        "What elasticsearch/records could not deliver waits in the queue of otlp_grpc/records, and is tried again."
    )


def outcomes() -> timeseries.Panel:
    """What Elasticsearch said to each document."""
    query = _asked(total(_PROCESSED, "1"), each_over_time(_OUTCOME), term(_OUTCOME))
    return counted("Documents by outcome", query)


def why() -> table.Panel:
    """The same over the whole of the chosen time, with the reasons."""
    figures = (Figure("documents", "Documents", "sum", _PROCESSED),)
    groups = {_OUTCOME: "Outcome", fields.ERROR: "Error"}
    only = f"_exists_:{_PROCESSED}"
    panel = side_by_side("Documents by error", groups, figures, of=OF, only=only, source=sources.METRICS)
    return panel.description("A conflict is a second delivery of a record that is there.")


def retries() -> timeseries.Panel:
    """How many documents were sent to Elasticsearch, and how many of these once more."""
    first = _asked(total(_RECEIVED, "1"), [over_time()], "sent")
    again = _asked(total(_RETRIED, "1"), [over_time()], "sent again", "B")
    return measured("Documents sent and sent again", first, again)


def memory() -> timeseries.Panel:
    """What the largest Collector process takes."""
    return measured(
        "Memory of the Collector", _asked(model.Max(field=_MEMORY, id_val="1"), [over_time()], "memory"), unit="bytes"
    )


def processors() -> timeseries.Panel:
    """How many cores all Collector processes keep busy."""
    spent = model.Sum(field=_CPU, id_val="1", hide=True)
    busy = ratio("2", "params.spent * 1000.0 / $__interval_ms", spent="1")
    query = ask([spent, busy], [over_time()], of=OF, only=f"_exists_:{_CPU}", source=sources.METRICS, alias="cores")
    return measured("Cores of the Collector", query)


def _each_signal(beginning: str) -> list[str]:
    return [f"{beginning}_{signal}" for signal in _SIGNALS]


def _asked(
    metric: model.Sum | model.Max, buckets: Sequence[BucketAggregation], alias: str, name: str = "A"
) -> Dataquery:
    only = f"_exists_:{metric.field}"
    return ask([metric], buckets, of=OF, only=only, source=sources.METRICS, alias=alias, name=name)


def _sum(
    names: Sequence[str], buckets: Sequence[BucketAggregation], alias: str, name: str = "A", *, of: str = OF
) -> Dataquery:
    """One number of several metrics, each of which is in documents of its own."""
    counts = {f"n{place}": measure(one) for place, one in enumerate(names, 1)}
    sums = [model.Sum(field=field, id_val=key[1:], hide=True) for key, field in counts.items()]
    script = " + ".join(f"params.{key}" for key in counts)
    whole = ratio(str(len(sums) + 1), script, **{key: key[1:] for key in counts})
    only = f"({' OR '.join(f'_exists_:{field}' for field in counts.values())})"
    return ask([*sums, whole], buckets, of=of, only=only, source=sources.METRICS, alias=alias, name=name)
