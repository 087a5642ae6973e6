"""Rate limits: how near the providers' limits are, and what ran into them."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import bargauge, timeseries
from grafana_foundation_sdk.models import elasticsearch as model

from panels import fields
from panels.drawing import alarming, bars, lines
from panels.queries import ask, each, each_over_time, term

TOLD: Final = f"_exists_:{fields.SATURATION}"
_FULL: Final = (0.7, 0.9)


def saturation_now() -> bargauge.Panel:
    """How full each limit was at worst in the chosen time."""
    headings = {fields.PROVIDER: "Provider", fields.MODEL: "Model", "Max": "Used"}
    query = ask([_highest()], each(fields.PROVIDER, fields.MODEL), only=TOLD)
    return (
        bars("Rate limits, used up at most", query, headings, nothing="no limits told")
        .unit("percentunit")
        .max(1)
        .thresholds(alarming(*_FULL))
    )


def saturation_over_time() -> timeseries.Panel:
    """When it was how full."""
    alias = f"{term(fields.PROVIDER)} {term(fields.MODEL)}"
    query = ask([_highest()], each_over_time(fields.PROVIDER, fields.MODEL), only=TOLD, alias=alias)
    return lines("Rate limits over time", query, unit="percentunit").max(1).thresholds(alarming(*_FULL))


def _highest() -> model.Max:
    return model.Max(field=fields.SATURATION, id_val="1")
