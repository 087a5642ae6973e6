"""Retrievals: how much they find, how well it fits by the store's own measure, and how often there is nothing."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import stat, table, timeseries
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.elasticsearch import BucketAggregation, MetricAggregation

from panels import fields
from panels.drawing import alarming, large, lines, percentile_lines
from panels.figures import CALLS, NONE, P95, Figure, headings, metrics, side_by_side
from panels.queries import altogether, ask, by, calls, over_time, percentiles, ratio, term
from panels.shaping import properties
from panels.variables import FILTER

_TOLD: Final = f"_exists_:{fields.FOUND}"
"""A retrieval that failed found neither something nor nothing."""
_IS_EMPTY: Final = "_value == 0 ? 1 : 0"
_PERCENTS: Final = ("10", "50", "90")
_LOW: Final = (0.05, 0.2)
_SHARE: Final = {"unit": "percentunit", "decimals": 1}
_NO_SCORE: Final = [{"type": "value", "options": {"0": {"text": "none", "index": 0}}}]
_FOUND: Final = Figure("found", "Found", "avg", fields.FOUND, look={"decimals": 1})
# Not `empty`: as a part of a map, that is whether there are any.
_EMPTY: Final = Figure("nothing", "Empty", "sum", fields.FOUND, _IS_EMPTY)
_EMPTY_SHARE: Final = Figure(
    "empty_share", "Empty, share", "bucket_script", script="params.nothing / params.calls", look=_SHARE
)
_WHOLE: Final = (
    Figure("calls", "Retrievals", "count"),
    _FOUND,
    Figure("nothing", None, "sum", fields.FOUND, _IS_EMPTY),
    _EMPTY_SHARE,
)
_SCORES: Final = tuple(
    Figure(f"p{percent}", f"Top score, p{percent}", f"p{percent}", fields.TOP_SCORE, look={"mappings": _NO_SCORE})
    for percent in _PERCENTS
)


def now() -> stat.Panel:
    """Over the whole of the chosen time, large."""
    query = ask(metrics(_WHOLE), [altogether()], of=FILTER, only=_TOLD)
    return (
        large("Retrieval", query, headings({}, _WHOLE), nothing="nothing retrieved")
        .override_by_name("Found", properties(displayName="Passages found, mean", decimals=1))
        .override_by_name("Empty, share", properties(unit="percentunit", decimals=1))
    )


def by_source() -> table.Panel:
    """Each store and data source: what it finds, how near that is, and how long it takes."""
    groups = {fields.PROVIDER: "Store", fields.DATA_SOURCE: "Data source"}
    figures = (CALLS, _FOUND, _EMPTY, _EMPTY_SHARE, *_SCORES, P95)
    panel = side_by_side("Retrieval by data source", groups, figures, of=FILTER, only=_TOLD)
    return panel.description("The score of the best passage, as each store reckons it: compare within one only.")


def scores_over_time() -> timeseries.Panel:
    """Whether the best passages fit worse than they did: another index, other questions."""
    query = ask(
        [percentiles(*_PERCENTS, of=fields.TOP_SCORE)], [over_time()], of=FILTER, only=_TOLD, alias="{{metric}}"
    )
    return percentile_lines("Top score", query, *_PERCENTS, numbers=("mean", "min"))


def empty_over_time() -> timeseries.Panel:
    """Which share of each data source's retrievals found nothing, when."""
    settings = model.ElasticsearchSumSettings(script=_IS_EMPTY)
    empty = model.Sum(field=fields.FOUND, id_val="2", settings=settings, hide=True)
    shown: list[MetricAggregation] = [
        calls(hide=True),
        empty,
        ratio("3", "params.nothing / params.calls", nothing="2", calls="1"),
    ]
    query = ask(shown, _BY_SOURCE, of=FILTER, only=_TOLD, alias=term(fields.DATA_SOURCE))
    return lines("Empty retrievals", query, unit="percentunit").thresholds(alarming(*_LOW))


def found_over_time() -> timeseries.Panel:
    """How many passages each data source gives, when."""
    mean = model.Average(field=fields.FOUND, id_val="1")
    query = ask([mean], _BY_SOURCE, of=FILTER, only=_TOLD, alias=term(fields.DATA_SOURCE))
    return lines("Passages found, mean", query, numbers=("mean", "min"))


_BY_SOURCE: Final[list[BucketAggregation]] = [by(fields.DATA_SOURCE, missing=NONE), over_time()]
