"""Alerts on the pipeline itself: what fills up, what is refused, and silence."""

from __future__ import annotations

from typing import Final, Literal

from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import DataSourceRef
from panels import fields, sources, storage
from panels.queries import ask, by, calls, over_time
from throughline import names

from alerts.rule import DAY, HOUR, MINUTE, Question, Rule

SPOOL_LIMIT: Final = 268_435_456
"""Bytes: the default of THROUGHLINE_SPOOL_BYTES."""
FULL: Final = 0.5
"""The share of a spool or queue from which on somebody should look, while there is time."""
LATE: Final = 300
"""Seconds that a record may wait for the Collector."""
ENOUGH: Final = 1000
"""Records in a day, from which on a quarter of an hour without any is not just a quiet one."""
_SERVICE: Final = '{{ index .Labels "' + fields.SERVICE + '" }}'
_EXPORTER: Final = "attributes.exporter"
_POINTS: Final = over_time(every="5m")
_OF_COLLECTOR: Final = f'{fields.SERVICE}:"throughline-collector"'


def _largest(metric: str, group: str) -> Dataquery:
    """The metric's maximum in each group."""
    field = f"metrics.{metric}"
    largest = model.Max(field=field, id_val="1")
    return ask([largest], [by(group, size=100)], of=f"_exists_:{field}", source=sources.METRICS)


def _rejected(name: str, reducer: Literal["min", "last"]) -> Question:
    """Of the stored dead letters, as housekeeping counts them: readers of dashboards may not read these."""
    return Question(name, HOUR, storage.dead_letters(_POINTS), of_points=reducer)


def _documents(name: str, seconds: int, only: str = "*:*", source: DataSourceRef = sources.RECORDS) -> Question:
    """How many documents there are, 0 included."""
    return Question(name, seconds, ask([calls()], [_POINTS], of=only, source=source), of_points="sum")


RULES: Final = (
    Rule(
        name="spool-filling",
        title="A spool is filling",
        summary=f"{_SERVICE}: its records wait on its disk; when the spool is full the oldest are dropped",
        severity="page",
        questions=(Question("bytes", 5 * MINUTE, _largest(names.SPOOL_SIZE, fields.SERVICE)),),
        condition=f"$bytes > {SPOOL_LIMIT * FULL:.0f}",
        pending="2m",
        board="pipeline",
    ),
    Rule(
        name="delivery-late",
        title="Records are delivered late",
        summary=f"{_SERVICE}: records wait longer than {LATE // 60} minutes for the Collector",
        severity="ticket",
        questions=(Question("age", 5 * MINUTE, _largest(names.SPOOL_OLDEST_AGE, fields.SERVICE)),),
        condition=f"$age > {LATE}",
        pending="2m",
        board="pipeline",
    ),
    Rule(
        name="queue-filling",
        title="A queue of the Collector is filling",
        summary='{{ index .Labels "' + _EXPORTER + '" }}: what it delivers to is slower than what arrives',
        severity="page",
        questions=(
            Question("waiting", 5 * MINUTE, _largest("otelcol_exporter_queue_size", _EXPORTER)),
            Question("room", 5 * MINUTE, _largest("otelcol_exporter_queue_capacity", _EXPORTER)),
        ),
        condition=f"$waiting / $room > {FULL}",
        pending="2m",
        board="pipeline",
    ),
    Rule(
        name="dead-letters",
        title="Documents were rejected",
        summary="What Elasticsearch could not have stored is kept as text",
        severity="ticket",
        questions=(_rejected("last", "last"), _rejected("least", "min")),
        condition="$last > $least",
        pending="0s",
        board="pipeline",
    ),
    Rule(
        name="no-records",
        title="No records arrive",
        summary="No record in a quarter of an hour, after many in the day before",
        severity="page",
        questions=(_documents("now", 15 * MINUTE), _documents("day", DAY)),
        condition=f"($now == 0) && ($day > {ENOUGH})",
        pending="5m",
        board="pipeline",
        no_data="Alerting",
    ),
    Rule(
        name="collector-silent",
        title="The Collector says nothing",
        summary="No metric of the Collector itself in ten minutes",
        severity="page",
        questions=(_documents("metrics", 10 * MINUTE, _OF_COLLECTOR, sources.METRICS),),
        condition="$metrics == 0",
        pending="2m",
        board="pipeline",
        no_data="Alerting",
    ),
)
