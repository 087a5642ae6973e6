"""Tables that set groups side by side: a column for each figure, under the names that Grafana gives its numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import DataSourceRef, TableCellHeight
from grafana_foundation_sdk.models.elasticsearch import MetricAggregation

from panels import fields, sources
from panels.queries import ask, by
from panels.shaping import columns, properties
from panels.variables import CALLS as CHOSEN_CALLS

NONE: Final = "(none)"
_NAMES: Final = {
    "sum": "Sum",
    "avg": "Average",
    "max": "Max",
    "min": "Min",
    "cardinality": "Unique Count",
    "bucket_script": "Bucket Script",
}
_PLAIN: Final[Mapping[str, tuple[Callable[..., MetricAggregation], Callable[..., object]]]] = {
    "sum": (model.Sum, model.ElasticsearchSumSettings),
    "avg": (model.Average, model.ElasticsearchAverageSettings),
    "max": (model.Max, model.ElasticsearchMaxSettings),
    "min": (model.Min, model.ElasticsearchMinSettings),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of each group; scripts call it `params.key`, and without a heading only they see it."""

    key: str
    heading: str | None
    kind: str
    field: str = ""
    script: str | None = None
    """Of a bucket_script: made of the other figures; else Painless for each value of the field."""
    look: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def column(self, figures: Sequence[Figure]) -> str:
        """Its column among these figures, as Grafana names it: by its field or script only if it is not alone."""
        if self.kind == "count":
            return "Count"
        if self.kind.startswith("p"):
            return f"p{float(self.kind[1:])} {self.field}"
        alone = sum(1 for other in figures if other.kind == self.kind) == 1
        if alone:
            return _NAMES[self.kind]
        return str(self.script) if self.kind == "bucket_script" else f"{_NAMES[self.kind]} {self.field}"

    def metric(self, figures: Sequence[Figure]) -> MetricAggregation:
        """As Grafana's data source reads it; its id is its place. Raises KeyError for a kind that is not known."""
        identity = _identity(self, figures)
        if self.kind == "count":
            return model.Count(id_val=identity)
        if self.kind == "cardinality":
            return model.UniqueCount(field=self.field, id_val=identity)
        if self.kind == "bucket_script":
            return self._of_others(identity, figures)
        if self.kind.startswith("p"):
            percents = model.ElasticsearchPercentilesSettings(percents=[self.kind[1:]])
            return model.Percentiles(field=self.field, id_val=identity, settings=percents)
        metric, settings = _PLAIN[self.kind]
        scripted = settings(script=self.script) if self.script else None
        return metric(field=self.field, id_val=identity, settings=scripted)

    def _of_others(self, identity: str, figures: Sequence[Figure]) -> model.BucketScript:
        used = [other for other in figures if f"params.{other.key}" in str(self.script)]
        variables = [model.PipelineVariable(name=one.key, pipeline_agg=_identity(one, figures)) for one in used]
        settings = model.ElasticsearchBucketScriptSettings(script=self.script)
        return model.BucketScript(id_val=identity, pipeline_variables=variables, settings=settings)


def _identity(figure: Figure, figures: Sequence[Figure]) -> str:
    return str(1 + figures.index(figure))


def metrics(figures: Sequence[Figure]) -> list[MetricAggregation]:
    """All of them. Raises ValueError where Grafana would put two into one column."""
    names = [figure.column(figures) for figure in figures]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two figures in one column: {', '.join(twice)}")
    return [figure.metric(figures) for figure in figures]


def headings(groups: Mapping[str, str], figures: Sequence[Figure]) -> dict[str, str]:
    """Grafana's columns and what stands above them, in order."""
    return dict(groups) | {figure.column(figures): figure.heading for figure in figures if figure.heading}


def side_by_side(
    title: str,
    groups: Mapping[str, str],
    figures: Sequence[Figure],
    *,
    only: str | None = None,
    of: str = CHOSEN_CALLS,
    source: DataSourceRef = sources.RECORDS,
    links: Mapping[str, list[dict[str, object]]] | None = None,
    most: int = 10,
) -> table.Panel:
    """A line for each group that there is, those with most documents first, at most so many of each field.

    `groups` are the fields and their headings, the outermost first; `links` those of a heading's cells.
    """
    buckets = [by(name, size=most, missing=NONE, identity=str(100 + place)) for place, name in enumerate(groups)]
    panel = (
        table.Panel()
        .title(title)
        .with_target(ask(metrics(figures), buckets, only=only, of=of, source=source))
        .transformations(columns(headings(groups, figures)))
        .sort_by([common.TableSortByFieldState().display_name(str(figures[0].heading)).desc(True)])
        .cell_height(TableCellHeight.MD)
    )
    for figure in figures:
        if figure.heading and figure.look:
            panel = panel.override_by_name(figure.heading, properties(**figure.look))
    for heading, ways in (links or {}).items():
        panel = panel.override_by_name(heading, properties(links=ways))
    return panel


# --- figures of calls that several tables have ------------------------------------------------------------------------

UNKNOWN_IS_ZERO: Final = [{"type": "value", "options": {"0": {"text": "none", "index": 0}}}]
"""Grafana writes a percentile that there is none of as 0, and the sum of costs that nobody knows is 0, too."""
_SECONDS: Final = {"unit": "s", "decimals": 2, "mappings": UNKNOWN_IS_ZERO}

_BAR: Final = {
    "custom_cellOptions": {"type": "gauge", "mode": "basic"},
    "color": {"mode": "fixed", "fixedColor": "blue"},  # by Grafana's own thresholds 80 calls are an alarm
    "min": 0,
}
CALLS: Final = Figure("calls", "Calls", "count", look=_BAR)
ERRORS: Final = Figure("errors", "Errors", "sum", fields.DURATION, f"doc['{fields.ERROR}'].size()")
"""Rides on the duration, which every record has."""
ERROR_RATE: Final = Figure(
    "error_rate",
    "Error rate",
    "bucket_script",
    script="params.errors / params.calls",
    look={"unit": "percentunit", "decimals": 1},
)
P50: Final = Figure("p50", "p50", "p50", fields.DURATION, look=_SECONDS)
P95: Final = Figure("p95", "p95", "p95", fields.DURATION, look=_SECONDS)
FIRST_CHUNK: Final = Figure("first_chunk", "First chunk, p50", "p50", fields.FIRST_CHUNK, look=_SECONDS)
TOKENS_IN: Final = Figure("tokens_in", "Tokens in", "sum", fields.INPUT_TOKENS, look={"unit": "short"})
TOKENS_OUT: Final = Figure("tokens_out", "Tokens out", "sum", fields.OUTPUT_TOKENS, look={"unit": "short"})
COST: Final = Figure("cost", "Cost", "sum", fields.COST, look={"decimals": 4, "mappings": UNKNOWN_IS_ZERO})
OF_CALLS: Final = (CALLS, P95, ERRORS, ERROR_RATE, TOKENS_IN, TOKENS_OUT, COST)
