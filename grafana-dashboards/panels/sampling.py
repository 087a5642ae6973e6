"""Sampling of traces by the Collector: what was kept, why, and what was dropped. Records are never sampled."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import piechart, timeseries
from grafana_foundation_sdk.models import elasticsearch as model

from panels import sources
from panels.collector import OF
from panels.drawing import counted, measured, ring
from panels.fields import attribute, measure
from panels.queries import ask, by, each_over_time, over_time, term, total
from panels.shaping import properties

_POLICY: Final = attribute("policy")
_SAMPLED: Final = attribute("sampled")
_KEPT: Final = measure("otelcol_processor_tail_sampling_count_traces_sampled")
_DECIDED: Final = measure("otelcol_processor_tail_sampling_global_count_traces_sampled")
_UNDECIDED: Final = measure("otelcol_processor_tail_sampling_sampling_traces_on_memory")
_CALLED: Final = {"true": ("kept", "green"), "false": ("dropped", "text")}


def by_policy() -> piechart.Panel:
    """Why traces were kept, over the whole of the chosen time."""
    query = ask([total(_KEPT, "1")], [by(_POLICY, size=20)], of=OF, only=f"_exists_:{_KEPT}", source=sources.METRICS)
    return ring("Kept traces by policy", query, {_POLICY: "Policy", "Sum": "Traces"}, nothing="no trace kept")


def by_policy_over_time() -> timeseries.Panel:
    """The same, moment by moment."""
    buckets = each_over_time(_POLICY)
    query = ask(
        [total(_KEPT, "1")], buckets, of=OF, only=f"_exists_:{_KEPT}", source=sources.METRICS, alias=term(_POLICY)
    )
    return counted("Kept by policy over time", query)


def decisions() -> timeseries.Panel:
    """How many traces were kept and dropped."""
    only, alias = f"_exists_:{_DECIDED}", term(_SAMPLED)
    query = ask([total(_DECIDED, "1")], each_over_time(_SAMPLED), of=OF, only=only, source=sources.METRICS, alias=alias)
    panel = counted("Traces kept and dropped", query)
    for value, (name, colour) in _CALLED.items():
        shown = properties(displayName=name, color={"mode": "fixed", "fixedColor": colour})
        panel = panel.override_by_name(value, shown)
    return panel


def undecided() -> timeseries.Panel:
    """What waits for its decision."""
    waiting = model.Max(field=_UNDECIDED, id_val="1")
    only = f"_exists_:{_UNDECIDED}"
    query = ask([waiting], [over_time()], of=OF, only=only, source=sources.METRICS, alias="undecided")
    return measured("Undecided traces", query).description(
        "The sampler holds SAMPLER_TRACES at once, 20,000 by default; of more the oldest are dropped undecided."
    )
