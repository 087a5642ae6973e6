"""Models and providers side by side: what they take, fail, repeat and cost."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries

from panels import fields, links
from panels.drawing import lines, stacked
from panels.figures import (
    CALLS,
    COST,
    ERROR_RATE,
    ERRORS,
    FIRST_CHUNK,
    P50,
    P95,
    TOKENS_IN,
    TOKENS_OUT,
    UNKNOWN_IS_ZERO,
    Figure,
    metrics,
    side_by_side,
)
from panels.queries import ask, calls, each_over_time, error_share, errors, percentiles, term, total

_LINKS: Final = {"Model": [links.requests_of("model")], "Provider": [links.requests_of("provider")]}
_GROUPS: Final = {fields.PROVIDER: "Provider", fields.MODEL: "Model"}
# How the clients and providers name a refusal because of a limit; a status where a client has no name for it.
LIMITED: Final = ("429", "RateLimit", "TooManyRequests", "Throttl", "ResourceExhausted")
_ERROR: Final = f"doc['{fields.ERROR}']"
_IS_LIMITED: Final = " || ".join(f"{_ERROR}.value.contains('{part}')" for part in LIMITED)

RETRIES: Final = Figure("retries", "Retries", "sum", fields.ATTEMPTS, "_value - 1")
RATE_LIMITED: Final = Figure(
    "limited", "Rate limited", "sum", fields.STARTED, f"{_ERROR}.size() > 0 && ({_IS_LIMITED}) ? 1 : 0"
)
"""Rides on the start, which every record has."""
PER_TOKEN: Final = Figure(
    "per_token",
    "Time per token, p50",
    "p50",
    fields.PER_TOKEN,
    look={"unit": "s", "decimals": 3, "mappings": UNKNOWN_IS_ZERO},
)
PER_THOUSAND: Final = Figure(
    "per_thousand",
    "Cost of 1,000 answers",
    "bucket_script",
    script="1000 * params.cost / (params.calls - params.errors)",
    look={"decimals": 2},
)
PRICE: Final = (CALLS, COST, PER_THOUSAND, Figure("errors", None, ERRORS.kind, ERRORS.field, ERRORS.script))
PRICED: Final = f"_exists_:{fields.COST}"


def speed() -> table.Panel:
    """How long each takes, for how many tokens."""
    figures = (CALLS, P50, P95, FIRST_CHUNK, PER_TOKEN, TOKENS_IN, TOKENS_OUT)
    return side_by_side("Speed and tokens", _GROUPS, figures, links=_LINKS)


def trouble() -> table.Panel:
    """How often each fails, is asked again, or refuses because of its limits."""
    figures = (CALLS, ERRORS, ERROR_RATE, RETRIES, RATE_LIMITED)
    panel = side_by_side("Errors and retries", _GROUPS, figures, links=_LINKS)
    return panel.description(
        "Retries are requests that the client made again by itself, within calls that are one each."
    )


def price() -> table.Panel:
    """What the calls with a price cost, in each currency that there is; an answer is a call without an error."""
    groups = {**_GROUPS, fields.CURRENCY: "Currency"}
    return side_by_side("Cost", groups, PRICE, only=PRICED, links=_LINKS)


def finish_reasons() -> table.Panel:
    """Why each stopped; `length` is an answer cut off."""
    groups = {fields.MODEL: "Model", fields.FINISH: "Finish reason"}
    return side_by_side("Finish reasons", groups, (CALLS,), only=f"_exists_:{fields.FINISH}")


def failures() -> table.Panel:
    """What went wrong with which."""
    groups = {fields.MODEL: "Model", fields.ERROR: "Error"}
    return side_by_side("Errors by model", groups, (CALLS,), only=f"_exists_:{fields.ERROR}")


def latency_over_time() -> timeseries.Panel:
    """The slowest twentieth of each model, moment by moment."""
    query = ask([percentiles("95")], each_over_time(fields.MODEL), alias=term(fields.MODEL))
    return lines("Latency, p95", query, unit="s")


def per_token_over_time() -> timeseries.Panel:
    """How fast each model writes, once it has begun."""
    only = f"_exists_:{fields.PER_TOKEN}"
    query = ask(
        [percentiles("50", of=fields.PER_TOKEN)], each_over_time(fields.MODEL), only=only, alias=term(fields.MODEL)
    )
    return lines("Time per output token, p50", query, unit="s")


def error_rate_over_time() -> timeseries.Panel:
    """Which of them is in trouble, when."""
    asked = ask(
        [calls(hide=True), errors(hide=True), error_share()], each_over_time(fields.MODEL), alias=term(fields.MODEL)
    )
    return lines("Error rate", asked, unit="percentunit")


def retries_over_time() -> timeseries.Panel:
    """Requests that clients made again, when."""
    query = ask(
        metrics((RETRIES,)),
        each_over_time(fields.MODEL),
        only=f"_exists_:{fields.ATTEMPTS}",
        alias=term(fields.MODEL),
    )
    return stacked("Retries", query)


def limited_over_time() -> timeseries.Panel:
    """Calls that failed because of a limit, when."""
    only = f"{fields.ERROR}:({' OR '.join(f'*{part}*' for part in LIMITED)})"
    return stacked("Rate limited", ask([calls()], each_over_time(fields.MODEL), only=only, alias=term(fields.MODEL)))


def calls_over_time() -> timeseries.Panel:
    """Which of them is asked, when."""
    return stacked("Calls", ask([calls()], each_over_time(fields.MODEL), alias=term(fields.MODEL)))


def tokens_over_time() -> timeseries.Panel:
    """Which of them writes how much, when."""
    return stacked(
        "Tokens out", ask([total(fields.OUTPUT_TOKENS, "1")], each_over_time(fields.MODEL), alias=term(fields.MODEL))
    )
