"""Scores of answers by code, users and judges: how they stand and move, and which answers are the worst."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import table, timeseries
from grafana_foundation_sdk.models import elasticsearch as model

from panels import fields, links, sources
from panels.drawing import lines, percentile_lines, stacked
from panels.figures import CALLS, Figure, headings, metrics, side_by_side
from panels.queries import ask, by, calls, each_over_time, over_time, percentiles, term
from panels.shaping import columns, properties
from panels.variables import chosen

GROUNDEDNESS: Final = "groundedness"
WORST: Final = 10
"""Of each score."""
_PERCENTS: Final = ("10", "50", "90")
# A score is emitted by whoever scored, of whichever model: these two choices are the records' alone.
OF: Final = chosen(("environment", "prompt", "variant"))
_CHOSEN: Final = f"{OF} AND {chosen(('score',))}"
_VALUED: Final = f"_exists_:{fields.SCORE_VALUE}"
VALUE: Final = model.Average(field=fields.SCORE_VALUE, id_val="1")
FIGURES: Final = (
    Figure(CALLS.key, "Scored", CALLS.kind, look=CALLS.look),
    Figure("mean", "Mean", "avg", fields.SCORE_VALUE, look={"decimals": 2}),
    *(
        Figure(f"p{percent}", f"p{percent}", f"p{percent}", fields.SCORE_VALUE, look={"decimals": 2})
        for percent in _PERCENTS
    ),
)


def groundedness() -> timeseries.Panel:
    """How far the answers rest on what was retrieved."""
    only = f"{fields.SCORE}:{GROUNDEDNESS} AND {_VALUED}"
    asked = percentiles(*_PERCENTS, of=fields.SCORE_VALUE)
    query = ask([asked], [over_time()], of=OF, only=only, source=sources.EVALUATIONS, alias="{{metric}}")
    panel = percentile_lines("Groundedness", query, *_PERCENTS, unit="percentunit", numbers=("mean", "min"))
    return panel.max(1)


def over_the_time() -> timeseries.Panel:
    """The mean of each score in each moment."""
    query = ask(
        [VALUE],
        each_over_time(fields.SCORE),
        of=_CHOSEN,
        only=_VALUED,
        source=sources.EVALUATIONS,
        alias=term(fields.SCORE),
    )
    return lines("Scores, mean", query, numbers=("mean", "min"))


def summary() -> table.Panel:
    """Each score by who gave it."""
    groups = {fields.SCORE: "Score", fields.SCORE_SOURCE: "By"}
    return side_by_side("Scores", groups, FIGURES, of=_CHOSEN, only=_VALUED, source=sources.EVALUATIONS)


def labels() -> table.Panel:
    """What was said of the answers in words."""
    groups = {fields.SCORE: "Score", fields.SCORE_LABEL: "Label"}
    only = f"_exists_:{fields.SCORE_LABEL}"
    return side_by_side("Labels", groups, FIGURES[:1], of=_CHOSEN, only=only, source=sources.EVALUATIONS)


def labels_over_time() -> timeseries.Panel:
    """The same, moment by moment."""
    query = ask(
        [calls()],
        each_over_time(fields.SCORE, fields.SCORE_LABEL),
        of=_CHOSEN,
        only=f"_exists_:{fields.SCORE_LABEL}",
        source=sources.EVALUATIONS,
        alias=f"{term(fields.SCORE)}: {term(fields.SCORE_LABEL)}",
    )
    return stacked("Labels over time", query)


def worst() -> table.Panel:
    """The answers with the lowest values of each score; a row leads to all that is known of its request.

    Buckets and no documents, for Grafana fetches these by time alone; the least minimum is exact over all shards.
    """
    figures = (Figure("value", "Value", "min", fields.SCORE_VALUE, look={"decimals": 2}),)
    settings = model.ElasticsearchTermsSettings(
        order=model.TermsOrder.ASC, size=str(WORST), min_doc_count="1", order_by="1"
    )
    traces = model.Terms(field=fields.TRACE, id_val="11", settings=settings)
    query = ask(metrics(figures), [by(fields.SCORE), traces], of=_CHOSEN, only=_VALUED, source=sources.EVALUATIONS)
    shown = headings({fields.SCORE: "Score", fields.TRACE: "Request"}, figures)
    return (
        table.Panel()
        .title("Worst answers")
        .description(f"The {WORST} lowest values of each score. Of some scores less is better: choose the score.")
        .with_target(query)
        .transformations(columns(shown))
        .filterable(True)
        .override_by_name("Value", properties(decimals=2))
        .override_by_name("Request", properties(links=[links.request(), links.trace_in_grafana()]))
        .no_value("nothing scored")
    )
