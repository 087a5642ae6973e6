"""What the store takes, as housekeeping reports: data streams, their growth, and what could not be stored."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.elasticsearch import BucketAggregation, MetricAggregation
from throughline import names

from panels import fields, sources
from panels.drawing import lines
from panels.figures import Figure, side_by_side
from panels.queries import ask, by, over_time, ratio, term

_OF: Final = f"{fields.EVENT}:{names.STORAGE}"
_MOST: Final = 50
_REJECTED: Final = "logs-genai.rejected."
_UNTOLD: Final = "housekeeping told nothing in this time"
_FIGURES: Final = (
    Figure("size", "Size", "max", fields.BYTES, look={"unit": "bytes"}),
    Figure("least", None, "min", fields.BYTES),
    Figure("grown", "Grown by", "bucket_script", script="params.size - params.least", look={"unit": "bytes"}),
    Figure("documents", "Documents", "max", fields.DOCUMENTS, look={"unit": "short"}),
    Figure("oldest", "Oldest", "max", fields.OLDEST, "_value / 1000000", look={"unit": "dateTimeAsIso"}),
    Figure("days", "Days kept", "max", fields.RETENTION),
)


def streams() -> table.Panel:
    """Each data stream: what it takes at most in the chosen time, and by how much that grew."""
    groups = {fields.STREAM: "Stream"}
    panel = side_by_side("Storage by stream", groups, _FIGURES, of=_OF, source=sources.REPORTS, most=_MOST)
    return panel.no_value(_UNTOLD)


def sizes_over_time() -> timeseries.Panel:
    """How each stream grows, and shrinks where retention removes."""
    return _lines("Storage over time", fields.BYTES, "bytes").no_value(_UNTOLD)


def documents_over_time() -> timeseries.Panel:
    """The same by documents."""
    return _lines("Documents over time", fields.DOCUMENTS, "short").no_value(_UNTOLD)


def rejected() -> timeseries.Panel:
    """What could not have been stored as documents and is kept as text: each of them is a mistake of a sender."""
    query = dead_letters(over_time())
    panel = lines("Dead letters", query, numbers=("lastNotNull",)).decimals(0)  # of the turns in a bucket it is a mean
    return panel.span_nulls(True).no_value(_UNTOLD)


def dead_letters(points: model.DateHistogram) -> Dataquery:
    """How many of these there are in all streams, at each point: of one turn's reports, which have one time.

    Where there never was one there is no stream of them, so all reports are asked, and those of other streams count 0.
    """
    script = f"doc['{fields.STREAM}'].value.startsWith('{_REJECTED}') ? _value : 0"
    settings = model.ElasticsearchSumSettings(script=script)
    shown: list[MetricAggregation] = [
        model.Sum(field=fields.DOCUMENTS, id_val="1", settings=settings, hide=True),
        model.UniqueCount(field=fields.TIME, id_val="2", hide=True),
        ratio("3", "params.documents / params.turns", documents="1", turns="2"),
    ]
    return ask(shown, [points], of=_OF, source=sources.REPORTS, alias="dead letters")


def _lines(title: str, field: str, unit: str) -> timeseries.Panel:
    buckets: list[BucketAggregation] = [by(fields.STREAM, size=_MOST), over_time()]
    largest = model.Max(field=field, id_val="1")
    query = ask([largest], buckets, of=_OF, source=sources.REPORTS, alias=term(fields.STREAM))
    return lines(title, query, unit=unit, numbers=("lastNotNull",)).span_nulls(True)
