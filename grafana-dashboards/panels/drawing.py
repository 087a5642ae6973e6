"""The few forms that panels have, each set up alike everywhere: lines, stacked bars, large numbers, bars, documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, dashboard, piechart, stat, table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    DataSourceRef,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode
from grafana_foundation_sdk.models.piechart import PieChartLabels, PieChartLegendValues, PieChartType

from panels import sources
from panels.queries import FINEST, PERCENTS, ask
from panels.shaping import columns, properties
from panels.variables import CALLS as CHOSEN_CALLS

# Grafana fetches whole documents, so the number is what keeps such a panel from being heavy.
ROWS: Final = 100
# More than that nobody tells apart; each costs the store a bucket of every series, with a sketch of its own in it.
POINTS: Final = 300
# Applications export their metrics once a minute, the Collector its own twice.
MEASURED: Final = "1m"
SILENCE: Final = 300_000
"""Milliseconds."""


def lines(
    title: str, *queries: Dataquery, unit: str = "short", numbers: tuple[str, ...] = ("max",)
) -> timeseries.Panel:
    """A line for each series of the queries, with these numbers of each under the graph."""
    panel = timeseries.Panel().title(title).interval(FINEST).max_data_points(POINTS)
    panel = panel.unit(unit).min(0).legend(legend(*numbers))
    for query in queries:
        panel = panel.with_target(query)
    return panel


def percentile_lines(
    title: str,
    query: Dataquery,
    *percents: str,
    unit: str = "short",
    numbers: tuple[str, ...] = ("max",),
    links: list[dict[str, object]] | None = None,
) -> timeseries.Panel:
    """A line for each percentile that the query asks for by these percents, `PERCENTS` if none, with these links."""
    panel = lines(title, query, unit=unit, numbers=numbers)
    led = {"links": links} if links else {}
    for percent in percents or PERCENTS:
        panel = panel.override_by_name(f"p{percent}.0", properties(displayName=f"p{percent}", **led))
    return panel


def stacked(title: str, *queries: Dataquery, unit: str = "short") -> timeseries.Panel:
    """A bar for each moment, of all series one on the other; for what adds up."""
    return (
        lines(title, *queries, unit=unit, numbers=("sum",))
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    )


def measured(title: str, *queries: Dataquery, unit: str = "short") -> timeseries.Panel:
    """A line for each series of what comes once or twice a minute; a gap is what was missing for longer."""
    return lines(title, *queries, unit=unit).interval(MEASURED).span_nulls(SILENCE)


def counted(title: str, *queries: Dataquery, unit: str = "short") -> timeseries.Panel:
    """A bar for each moment of what is counted once or twice a minute."""
    return stacked(title, *queries, unit=unit).interval(MEASURED)


def large(title: str, query: Dataquery, headings: Mapping[str, str], *, nothing: str) -> stat.Panel:
    """The numbers of one bucket, readable from across a room; `nothing` is what it says where there is none."""
    return (
        stat.Panel()
        .title(title)
        .with_target(query)
        .transformations(columns(headings))
        .color_mode(BigValueColorMode.NONE)
        .graph_mode(BigValueGraphMode.NONE)
        .no_value(nothing)
    )


def bars(title: str, query: Dataquery, headings: Mapping[str, str], *, nothing: str) -> bargauge.Panel:
    """A bar for each bucket, as long as the last of its columns says."""
    shown = list(headings.values())[-1]
    return (
        bargauge.Panel()
        .title(title)
        .with_target(query)
        .transformations(columns(headings))
        .reduce_options(common.ReduceDataOptions().values(True).calcs([]).fields(f"/^{shown}$/"))
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .min(0)
        .no_value(nothing)
    )


def ring(title: str, query: Dataquery, headings: Mapping[str, str], *, nothing: str) -> piechart.Panel:
    """The share of each bucket in the last of its columns."""
    shown = list(headings.values())[-1]
    legend = piechart.PieChartLegendOptions().show_legend(True)
    return (
        piechart.Panel()
        .title(title)
        .with_target(query)
        .transformations(columns(headings))
        .reduce_options(common.ReduceDataOptions().values(True).calcs([]).fields(f"/^{shown}$/"))
        .pie_type(PieChartType.DONUT)
        .display_labels([PieChartLabels.PERCENT])
        .legend(legend.values([PieChartLegendValues.PERCENT, PieChartLegendValues.VALUE]))
        .no_value(nothing)
    )


def documents(
    title: str,
    headings: Mapping[str, str],
    *,
    only: str | None = None,
    of: str = CHOSEN_CALLS,
    source: DataSourceRef = sources.RECORDS,
    most: int = ROWS,
) -> table.Panel:
    """The newest documents that the filter leaves, a row each, with these fields of theirs under these headings."""
    query = newest_documents(only=only, of=of, source=source, most=most)
    return table.Panel().title(title).with_target(query).transformations(columns(headings)).filterable(True)


def newest_documents(
    *, only: str | None = None, of: str, source: DataSourceRef, most: int = ROWS, name: str = "A"
) -> Dataquery:
    """Whole documents, the newest first."""
    newest = model.RawData(id_val="1", settings=model.ElasticsearchRawDataSettings(size=str(most)))
    return ask([newest], [], only=only, of=of, source=source, name=name)


def legend(*numbers: str) -> common.VizLegendOptions:
    """A table of the series under the graph, with these numbers of each."""
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.TABLE)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(list(numbers))
    )


def red() -> dashboard.FieldColor:
    """The colour of errors."""
    return dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color("red")


def alarming(orange: float, red: float) -> dashboard.ThresholdsConfig:
    """Green, orange from the first number on, red from the second."""
    steps = [Threshold(None, "green"), Threshold(orange, "orange"), Threshold(red, "red")]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
