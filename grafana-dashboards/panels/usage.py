"""Usage: how many calls a second, how many tokens, and what they cost."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, stat, timeseries
from grafana_foundation_sdk.models.common import BigValueTextMode

from panels import fields
from panels.drawing import large, lines, stacked
from panels.figures import Figure, headings, metrics
from panels.queries import ask, by, calls, each_over_time, over_time, per_second, term, total
from panels.shaping import properties

_TOKENS: Final = {
    fields.INPUT_TOKENS: "In",
    fields.CACHED_TOKENS: "In, of these from the cache",
    fields.OUTPUT_TOKENS: "Out",
    fields.REASONING_TOKENS: "Out, of these reasoning",
}
HOURS_A_MONTH: Final = 730
_HOURLY: Final = "params.cost * 3600000.0 / Math.max(60000.0, ${__to}L - params.first)"


def rate() -> timeseries.Panel:
    """Calls a second, by service."""
    query = ask([calls(hide=True), per_second()], each_over_time(fields.SERVICE), alias=term(fields.SERVICE))
    return lines("Request rate", query, unit="reqps", numbers=("mean", "max"))


def tokens() -> timeseries.Panel:
    """Tokens sent and received in each moment, and which part of them was cheaper or unseen."""
    sums = [total(field, str(place)) for place, field in enumerate(_TOKENS, 1)]
    panel = lines("Tokens", ask(sums, [over_time()], alias="{{field}}"), numbers=("sum",))
    for field, name in _TOKENS.items():
        panel = panel.override_by_name(field, properties(displayName=name))
    return panel


def cost_an_hour() -> stat.Panel:
    """What an hour costs, in each currency that there is."""
    return _spending("Cost an hour", 1)


def cost_a_month() -> stat.Panel:
    """What a month would cost if it went on like this."""
    return _spending("Cost a month, at this rate", HOURS_A_MONTH)


def _spending(title: str, hours: int) -> stat.Panel:
    """From the first call of the chosen time to its end, and never of less than a minute.

    The only script of its query, since Grafana would name the columns of several by what stands in them, time included.
    """
    figures = (
        Figure("cost", None, "sum", fields.COST),
        Figure("first", None, "min", fields.TIME),
        Figure("rate", title, "bucket_script", script=f"{hours} * {_HOURLY}"),
    )
    query = ask(metrics(figures), [by(fields.CURRENCY)])
    return (
        large(title, query, headings({fields.CURRENCY: "Currency"}, figures), nothing="no prices")
        .description("From the first call of the chosen time to its end; calls without a price count nothing.")
        .reduce_options(common.ReduceDataOptions().values(True).calcs([]).fields(f"/^{title}$/"))
        .text_mode(BigValueTextMode.VALUE_AND_NAME)
        .decimals(2)
    )


def spending_over_time() -> timeseries.Panel:
    """Which model costs how much, when."""
    alias = f"{term(fields.MODEL)}, {term(fields.CURRENCY)}"
    query = ask([total(fields.COST, "1")], each_over_time(fields.CURRENCY, fields.MODEL), alias=alias)
    return stacked("Cost over time", query)
