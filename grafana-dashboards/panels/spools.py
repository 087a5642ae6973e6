"""Applications' spools: what waits for the Collector, how long, and what was lost; and who was heard last."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model

from panels import fields, sources
from panels.drawing import alarming, counted, measured, percentile_lines
from panels.figures import CALLS, Figure, side_by_side
from panels.queries import ask, each_over_time, over_time, percentiles, term, total
from panels.variables import chosen

_OF: Final = chosen(("environment", "service"))
_FIGURES: Final = (
    Figure("size", "Size, at most", "max", fields.SPOOL_SIZE, look={"unit": "bytes"}),
    Figure("records", "Records, at most", "max", fields.SPOOL_RECORDS),
    Figure("age", "Oldest, at most", "max", fields.SPOOL_AGE, look={"unit": "s", "decimals": 0}),
    Figure("dropped", "Dropped", "sum", fields.SPOOL_DROPPED),
    Figure("refused", "Refused", "sum", fields.SPOOL_REFUSED),
)
_LATE: Final = (60.0, 300.0)
_LAST: Final = Figure("last", "Last record", "max", fields.TIME, look={"unit": "dateTimeFromNow"})


def now() -> table.Panel:
    """Each service's fullest spool, and what was lost of all, in the chosen time."""
    only = f"({' OR '.join(f'_exists_:{figure.field}' for figure in _FIGURES)})"
    groups = {fields.SERVICE: "Service"}
    panel = side_by_side("Spools", groups, _FIGURES, of=_OF, only=only, source=sources.METRICS, most=100)
    return panel.no_value("no process with a spool tells")


def sizes() -> timeseries.Panel:
    """The fullest spool of each service; it empties while the Collector takes what it holds."""
    return measured("Spool size by service", _largest(fields.SPOOL_SIZE), unit="bytes")


def records() -> timeseries.Panel:
    """How many records wait there."""
    return measured("Records in spools", _largest(fields.SPOOL_RECORDS))


def delays() -> timeseries.Panel:
    """How long the oldest record waits: the delay of evidence."""
    return measured("Delay of the oldest record", _largest(fields.SPOOL_AGE), unit="s").thresholds(alarming(*_LATE))


def delivered() -> timeseries.Panel:
    """How long records took from the end of their call to the store; what has not arrived has no delay yet.

    Steps go the same way and are not asked: the store reckons the delay of each document when it is asked for.
    """
    query = ask([percentiles(of=fields.DELIVERY)], [over_time()], of=_OF, alias="{{metric}}")
    return percentile_lines("Delivery of records", query, unit="s")


def lost() -> timeseries.Panel:
    """What a full spool dropped, and what the Collector did not take while it took others."""
    kinds = {"dropped": fields.SPOOL_DROPPED, "refused": fields.SPOOL_REFUSED}
    queries = (
        ask(
            [total(field, "1")],
            each_over_time(fields.SERVICE),
            of=_OF,
            only=f"_exists_:{field}",
            source=sources.METRICS,
            alias=f"{term(fields.SERVICE)}: {kind}",
            name=kind,
        )
        for kind, field in kinds.items()
    )
    return counted("Dropped and refused records", *queries)


def heard() -> table.Panel:
    """When each service was heard last: one that fell silent stands with an old time."""
    groups = {fields.SERVICE: "Service"}
    figures = (Figure(CALLS.key, "Records", CALLS.kind, look=CALLS.look), _LAST)
    return side_by_side("Last heard of", groups, figures, of=_OF, source=sources.OPERATIONS, most=100)


def _largest(field: str) -> Dataquery:
    largest, buckets = model.Max(field=field, id_val="1"), each_over_time(fields.SERVICE)
    alias = term(fields.SERVICE)
    return ask([largest], buckets, of=_OF, only=f"_exists_:{field}", source=sources.METRICS, alias=alias)
