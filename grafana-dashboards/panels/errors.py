"""Errors: which share of the calls failed, and of what."""

from __future__ import annotations

from grafana_foundation_sdk.builders import bargauge, stat, timeseries
from grafana_foundation_sdk.models.common import BigValueColorMode

from panels import fields
from panels.drawing import alarming, bars, large, lines, red, stacked
from panels.queries import altogether, ask, by, calls, each_over_time, error_share, errors, over_time, term

FAILED = f"_exists_:{fields.ERROR}"


def rate_now() -> stat.Panel:
    """Failed calls by all calls, over the whole of the chosen time, large."""
    query = ask([calls(), errors(), error_share()], [altogether()])
    return (
        large("Error rate", query, {"Bucket Script": "Error rate"}, nothing="no calls")
        .unit("percentunit")
        .decimals(1)
        .thresholds(alarming(0.01, 0.05))
        .color_mode(BigValueColorMode.BACKGROUND)
    )


def calls_now() -> stat.Panel:
    """How many calls that is."""
    return large("Calls", ask([calls()], [altogether()]), {"Count": "Calls"}, nothing="no calls").unit("short")


def by_type() -> bargauge.Panel:
    """How often which error, over the whole of the chosen time."""
    query = ask([calls()], [by(fields.ERROR)], only=FAILED)
    headings = {fields.ERROR: "Error", "Count": "Calls"}
    return bars("Errors by type", query, headings, nothing="no errors").color_scheme(red())


def rate_over_time() -> timeseries.Panel:
    """The share of failed calls in each moment; a moment without calls has none."""
    query = ask([calls(hide=True), errors(hide=True), error_share()], [over_time()], alias="Error rate")
    return lines("Error rate over time", query, unit="percentunit").thresholds(alarming(0.01, 0.05))


def by_type_over_time() -> timeseries.Panel:
    """Which errors, when."""
    query = ask([calls()], each_over_time(fields.ERROR), only=FAILED, alias=term(fields.ERROR))
    return stacked("Errors over time", query)
