"""Latency: where it stands, how it is distributed, how it moves."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import heatmap, stat, timeseries
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import HeatmapCellLayout, TooltipDisplayMode
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from panels import fields, links
from panels.drawing import large, percentile_lines
from panels.queries import FINEST, PERCENTS, altogether, ask, over_time, percentiles

# The bounds, in seconds, that the conventions give the duration's histogram: each twice the one before.
BOUNDS: Final = [round(0.01 * 2**step, 2) for step in range(14)]
STREAMED: Final = f"_exists_:{fields.FIRST_CHUNK}"


def now() -> stat.Panel:
    """The three percentiles over the whole of the chosen time, large."""
    headings = {f"p{percent}.0 {fields.DURATION}": f"p{percent}" for percent in PERCENTS}
    return (
        large("Latency", ask([percentiles()], [altogether()]), headings, nothing="no calls")
        .description("Half of the calls, 95 and 99 of a hundred took at most this long.")
        .unit("s")
        .decimals(2)
    )


def distribution() -> heatmap.Panel:
    """How many calls took how long, over time.

    The ranges are filters, since they double: Elasticsearch's histogram has ranges of equal width only.
    """
    return (
        heatmap.Panel()
        .title("Latency distribution")
        .interval(FINEST)
        .max_data_points(100)
        .description("Calls by how long they took; a row ends at its label.")
        .with_target(ask([model.Count(id_val="1")], [_ranges(), over_time()]))
        .calculate(False)
        .rows_frame(heatmap.RowsHeatmapOptions().layout(HeatmapCellLayout.LE).value("Calls"))
        .y_axis(heatmap.YAxisConfig().unit("s"))
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .cell_gap(1)
        .show_legend()
        .mode(TooltipDisplayMode.SINGLE)
        .show_y_histogram()
    )


def over_the_time() -> timeseries.Panel:
    """The percentiles in each moment; a point leads to the requests that were at least as slow."""
    query = ask([percentiles()], [over_time()], alias="{{metric}}")
    return percentile_lines("Latency percentiles", query, unit="s", links=[links.slower_requests()])


def first_chunk_now() -> stat.Panel:
    """How long a person waits until something appears, large."""
    query = ask([percentiles(of=fields.FIRST_CHUNK)], [altogether()], only=STREAMED)
    headings = {f"p{percent}.0 {fields.FIRST_CHUNK}": f"p{percent}" for percent in PERCENTS}
    return large("Time to first chunk", query, headings, nothing="nothing streamed").unit("s").decimals(2)


def first_chunk_over_time() -> timeseries.Panel:
    """The same in each moment."""
    query = ask([percentiles(of=fields.FIRST_CHUNK)], [over_time()], only=STREAMED, alias="{{metric}}")
    return percentile_lines("Time to first chunk over time", query, unit="s")


def _ranges() -> model.Filters:
    """One filter a range, without its lower and with its upper bound. Grafana sorts by the label, the upper one."""
    lows, highs = ["*", *map(_number, BOUNDS)], [*map(_number, BOUNDS), "*"]
    filters = [
        model.Filter(query=f"{fields.DURATION}:{{{low} TO {high}]", label="+Inf" if high == "*" else high)
        for low, high in zip(lows, highs, strict=True)
    ]
    return model.Filters(id_val="10", settings=model.ElasticsearchFiltersSettings(filters=filters))


def _number(bound: float) -> str:
    return f"{bound:g}"
