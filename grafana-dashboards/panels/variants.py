"""A prompt's variants and versions side by side, straight from records; conclusions are comparison.py's."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.builders.elasticsearch import Dataquery
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import StackingMode
from grafana_foundation_sdk.models.elasticsearch import MetricAggregation

from panels import fields, links, scores, sources
from panels.drawing import lines, stacked
from panels.figures import (
    CALLS,
    ERROR_RATE,
    ERRORS,
    FIRST_CHUNK,
    P50,
    P95,
    TOKENS_IN,
    TOKENS_OUT,
    Figure,
    side_by_side,
)
from panels.models import PRICE, PRICED
from panels.queries import ask, calls, each_over_time, error_share, errors, percentiles, term

_VARIED: Final = f"_exists_:{fields.VARIANT}"
_GROUPS: Final = {fields.PROMPT: "Prompt", fields.VARIANT: "Variant"}
_SCORED: Final = f"{_VARIED} AND _exists_:{fields.SCORE_VALUE}"
_ALIAS: Final = f"{term(fields.PROMPT)}: {term(fields.VARIANT)}"
_USERS: Final = Figure("users", "Users", "cardinality", fields.USER)
_FIRST: Final = Figure("first", "First call", "min", fields.TIME, look={"unit": "dateTimeAsIso"})
_LAST: Final = Figure("last", "Last call", "max", fields.TIME, look={"unit": "dateTimeAsIso"})
_EXACT_UP_TO: Final = "100"
"""Users in a bucket. Elasticsearch's own 3000 take 16 KB for each bucket of each variant of each prompt."""
_OF_PROMPT: Final = {"Prompt": [links.requests_of("prompt")]}
_LINKS: Final = {**_OF_PROMPT, "Variant": [links.requests_of("variant")]}


def speed() -> table.Panel:
    """How long each variant's calls take, how often they fail, and what they use."""
    figures = (CALLS, _USERS, P50, P95, FIRST_CHUNK, ERRORS, ERROR_RATE, TOKENS_IN, TOKENS_OUT)
    return side_by_side("Calls by variant", _GROUPS, figures, only=_VARIED, links=_LINKS)


def price() -> table.Panel:
    """What each variant's calls with a price cost."""
    groups = {**_GROUPS, fields.CURRENCY: "Currency"}
    return side_by_side("Cost by variant", groups, PRICE, only=f"{_VARIED} AND {PRICED}", links=_LINKS)


def scored() -> table.Panel:
    """How each variant's answers were scored."""
    groups = {**_GROUPS, fields.SCORE: "Score"}
    panel = side_by_side(
        "Scores by variant", groups, scores.FIGURES, of=scores.OF, only=_SCORED, source=sources.EVALUATIONS
    )
    return panel.description("By the variant that the score names; a comparison goes by the record's own.")


def scored_over_time() -> timeseries.Panel:
    """The same, moment by moment."""
    alias = f"{term(fields.SCORE)}: {term(fields.VARIANT)}"
    buckets = each_over_time(fields.SCORE, fields.VARIANT)
    query = ask([scores.VALUE], buckets, of=scores.OF, only=_SCORED, source=sources.EVALUATIONS, alias=alias)
    return lines("Scores by variant over time", query, numbers=("mean",))


def experiments() -> table.Panel:
    """Which experiment sends how many calls and users to which variant, since when."""
    groups = {fields.PROMPT: "Prompt", fields.EXPERIMENT: "Experiment", fields.VARIANT: "Variant"}
    return side_by_side("Experiments", groups, (CALLS, _USERS, _FIRST, _LAST), only=_VARIED, links=_LINKS)


def versions() -> table.Panel:
    """Which version of which prompt is used, since when."""
    groups = {fields.PROMPT: "Prompt", fields.VERSION: "Version"}
    figures = (CALLS, P95, ERROR_RATE, ERRORS, _FIRST, _LAST)
    return side_by_side("Versions", groups, figures, only=f"_exists_:{fields.PROMPT}", links=_OF_PROMPT)


def latency_over_time() -> timeseries.Panel:
    """The slowest twentieth of each variant, when."""
    return lines("Latency by variant, p95", _over_time(percentiles("95")), unit="s")


def first_chunk_over_time() -> timeseries.Panel:
    """How long each variant lets people wait, when."""
    only = f"{_VARIED} AND _exists_:{fields.FIRST_CHUNK}"
    return lines(
        "First chunk by variant, p50", _over_time(percentiles("50", of=fields.FIRST_CHUNK), only=only), unit="s"
    )


def error_rate_over_time() -> timeseries.Panel:
    """Which share of each variant's calls fails, when."""
    asked = _over_time(calls(hide=True), errors(hide=True), error_share())
    return lines("Error rate by variant", asked, unit="percentunit")


def split_over_time() -> timeseries.Panel:
    """Which share of the calls each variant gets, when."""
    panel = stacked("Traffic by variant", _over_time(calls()))
    return panel.stacking(common.StackingConfig().mode(StackingMode.PERCENT).group("A"))


def users_over_time() -> timeseries.Panel:
    """How many users each variant has, when."""
    coarse = model.ElasticsearchUniqueCountSettings(precision_threshold=_EXACT_UP_TO)
    return lines("Users by variant", _over_time(model.UniqueCount(field=fields.USER, id_val="1", settings=coarse)))


def versions_over_time() -> timeseries.Panel:
    """When which version took over."""
    alias = f"{term(fields.PROMPT)} {term(fields.VERSION)}"
    return stacked("Calls by version", ask([calls()], each_over_time(fields.PROMPT, fields.VERSION), alias=alias))


def _over_time(*shown: MetricAggregation, only: str = _VARIED) -> Dataquery:
    return ask([*shown], each_over_time(fields.PROMPT, fields.VARIANT), only=only, alias=_ALIAS)
