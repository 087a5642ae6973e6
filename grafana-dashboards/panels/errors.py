"""Errors: which share of the calls failed, and of what."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, common, dashboard, stat, timeseries
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueColorMode,
    BigValueGraphMode,
    GraphDrawStyle,
    StackingMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode

from panels import fields
from panels.latency import legend
from panels.queries import FINEST, altogether, ask, by, calls, error_share, errors, over_time
from panels.shaping import columns

FAILED = f"_exists_:{fields.ERROR}"


def rate_now() -> stat.Panel:
    """Failed calls by all calls, over the whole of the chosen time, large."""
    return (
        stat.Panel()
        .title("Error rate")
        .with_target(ask([calls(), errors(), error_share()], [altogether()]))
        .transformations(columns({"Bucket Script": "Error rate"}))
        .unit("percentunit")
        .decimals(1)
        .thresholds(_alarming())
        .color_mode(BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.NONE)
        .no_value("no calls")
    )


def calls_now() -> stat.Panel:
    """How many calls that is."""
    return (
        stat.Panel()
        .title("Calls")
        .with_target(ask([calls()], [altogether()]))
        .transformations(columns({"Count": "Calls"}))
        .unit("short")
        .color_mode(BigValueColorMode.NONE)
        .graph_mode(BigValueGraphMode.NONE)
        .no_value("no calls")
    )


def by_type() -> bargauge.Panel:
    """How often which error, over the whole of the chosen time."""
    return (
        bargauge.Panel()
        .title("Errors by type")
        .with_target(ask([calls()], [by(fields.ERROR)], only=FAILED))
        .transformations(columns({fields.ERROR: "Error", "Count": "Calls"}))
        .reduce_options(common.ReduceDataOptions().values(True).calcs([]).fields("/^Calls$/"))
        .orientation(VizOrientation.HORIZONTAL)
        .display_mode(BarGaugeDisplayMode.BASIC)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.FIXED).fixed_color("red"))
        .min(0)
        .no_value("no errors")
    )


def rate_over_time() -> timeseries.Panel:
    """The share of failed calls in each moment; a moment without calls has none."""
    return (
        timeseries.Panel()
        .title("Error rate over time")
        .interval(FINEST)
        .with_target(ask([calls(hide=True), errors(hide=True), error_share()], [over_time()], alias="Error rate"))
        .unit("percentunit")
        .min(0)
        .thresholds(_alarming())
        .legend(legend("max"))
    )


def by_type_over_time() -> timeseries.Panel:
    """Which errors, when."""
    return (
        timeseries.Panel()
        .title("Errors over time")
        .interval(FINEST)
        .with_target(ask([calls()], [by(fields.ERROR), over_time()], only=FAILED, alias=f"{{{{term {fields.ERROR}}}}}"))
        .draw_style(GraphDrawStyle.BARS)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
        .min(0)
        .legend(legend("sum"))
    )


def _alarming() -> dashboard.ThresholdsConfig:
    return (
        dashboard.ThresholdsConfig()
        .mode(ThresholdsMode.ABSOLUTE)
        .steps([Threshold(None, "green"), Threshold(0.01, "orange"), Threshold(0.05, "red")])
    )
