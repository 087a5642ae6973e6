"""What `throughline compare --publish` found of a prompt's variants: verdicts now, and intervals over time."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import common, table, timeseries
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import elasticsearch as model
from grafana_foundation_sdk.models.common import GraphThresholdsStyleMode
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode
from throughline import names

from panels import fields, links, sources
from panels.drawing import POINTS, documents, legend, lines
from panels.queries import ask, each_over_time, over_time, term
from panels.shaping import newest, properties
from panels.variables import COMPARED_METRIC, COMPARED_VARIANT, OF_PROMPT, chosen

_KEY: Final = (fields.PROMPT, fields.EXPERIMENT, fields.VERSION, fields.VARIANT, fields.METRIC)
_FOUND: Final = {
    fields.PROMPT: "Prompt",
    fields.EXPERIMENT: "Experiment",
    fields.VERSION: "Version",
    fields.METRIC: "Metric",
    fields.VARIANT: "Variant",
    fields.CONCLUSION: "Verdict",
    fields.COMPARED_VALUE: "Value",
    fields.BASELINE: "Against",
    fields.EFFECT: "Effect",
    fields.EFFECT_LOW: "At least",
    fields.EFFECT_HIGH: "At most",
    fields.P_VALUE: "p, adjusted",
    fields.NEEDED: "Requests needed",
    fields.REQUESTS: "Requests",
    fields.USERS: "Users",
    fields.TIME: "Compared",
}
_COLOURS: Final = {
    "better": "green",
    "worse": "red",
    "alike": "blue",
    "differs": "purple",
    "open": "yellow",
    "invalid": "orange",
}
_MOST: Final = 500
_EVERY: Final = "1m"
"""Comparisons are published so often at most."""
_CHOSEN: Final = f'{OF_PROMPT} AND {fields.METRIC}:"${{{COMPARED_METRIC}}}"'
_BAND: Final = (
    (model.Min(field=fields.EFFECT_LOW, id_val="1"), {"displayName": "at least", "custom_lineWidth": 1}),
    (model.Average(field=fields.EFFECT, id_val="2"), {"displayName": "effect", "custom_lineWidth": 3}),
    (
        model.Max(field=fields.EFFECT_HIGH, id_val="3"),
        {
            "displayName": "at most",
            "custom_lineWidth": 1,
            "custom_fillBelowTo": "at least",
            "custom_fillOpacity": 20,
        },
    ),
)


def verdicts() -> table.Panel:
    """The newest comparison of each variant with its baseline by each metric, the surest differences first."""
    compared = f"{fields.EVENT}:{names.COMPARISON} AND NOT {fields.CONCLUSION}:baseline"
    of = f"{compared} AND {chosen(('prompt', 'variant'))}"
    options = {state: {"color": colour, "index": place} for place, (state, colour) in enumerate(_COLOURS.items())}
    verdict = properties(
        mappings=[{"type": "value", "options": options}],
        custom_cellOptions={"type": "color-background", "mode": "basic"},
    )
    panel = documents("Verdicts", _FOUND, of=of, source=sources.REPORTS, most=_MOST)
    return (
        panel.transformations(newest(_FOUND, *_KEY))
        .description(
            "Of all records with an experiment's variant, as `throughline compare` found them last. Effects are in the "
            "metric's unit; intervals and p-values hold however often you look, for all metrics together."
        )
        .sort_by([common.TableSortByFieldState().display_name("p, adjusted")])
        .override_by_name("Verdict", verdict)
        .override_by_name("p, adjusted", properties(decimals=3))
        .override_by_name("Requests needed", properties(unit="short"))
        .override_by_name("Prompt", properties(links=[links.requests_of("prompt")]))
        .override_by_name("Variant", properties(links=[links.requests_of("variant")]))
        .no_value("nothing compared in this time: throughline compare --publish")
    )


def effect_over_time() -> timeseries.Panel:
    """How the interval narrows around the effect; of several comparisons in one bucket the widest."""
    query = ask(
        [metric for metric, _ in _BAND],
        [over_time()],
        of=f'{_CHOSEN} AND {fields.VARIANT}:"${{{COMPARED_VARIANT}}}"',
        source=sources.REPORTS,
        alias="{{field}}",
    )
    at_zero = [Threshold(None, "transparent"), Threshold(0.0, "text")]
    panel = (
        timeseries.Panel()
        .title("Effect and its interval")
        .description("Against the baseline, in the metric's unit. The line at 0 is no difference.")
        .interval(_EVERY)
        .max_data_points(POINTS)
        .legend(legend("lastNotNull"))
        .span_nulls(True)
        .thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(at_zero))
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        .with_target(query)
        .no_value("this is not compared")
    )
    for metric, look in _BAND:
        blue = {"color": {"mode": "fixed", "fixedColor": "blue"}}
        panel = panel.override_by_name(str(metric.field), properties(**look, **blue))
    return panel


def value_over_time() -> timeseries.Panel:
    """The chosen metric of each variant, as compared each time."""
    mean = model.Average(field=fields.COMPARED_VALUE, id_val="1")
    alias = term(fields.VARIANT)
    query = ask([mean], each_over_time(fields.VARIANT), of=_CHOSEN, source=sources.REPORTS, alias=alias)
    return lines("Value by variant", query, numbers=("lastNotNull",)).interval(_EVERY).span_nulls(True)
