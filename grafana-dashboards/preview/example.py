"""A trace for a board that shows one: of those that the sampler kept, the one with the most to see."""

from __future__ import annotations

from typing import Final

from panels import fields

from preview.frames import GrafanaError
from preview.searches import Moment
from preview.stack import Sources

_CANDIDATES: Final = 50


def telling(sources: Sources, moment: Moment) -> str:
    """The trace with the most kinds of steps that was scored and that Jaeger has; empty where there is none."""
    scored = set(_traces(sources, "throughline-evaluations", moment))
    steps = _traces(sources, "throughline-operations", moment)
    for trace in sorted(steps, key=lambda each: each not in scored):
        if _is_kept(sources, trace, moment):
            return trace
    return steps[0] if steps else ""


def _traces(sources: Sources, uid: str, moment: Moment) -> list[str]:
    """The traces of a stream, those with the most kinds of steps first."""
    kinds = {"kinds": {"cardinality": {"field": fields.OPERATION}}}
    traces = {"terms": {"field": fields.TRACE, "size": _CANDIDATES, "order": {"kinds": "desc"}}, "aggs": kinds}
    body = {
        "size": 0,
        "query": {"range": {fields.TIME: {"gte": moment.start, "lte": moment.end, "format": "epoch_millis"}}},
        "aggs": {"traces": traces},
    }
    found = (sources.search(uid, body).get("aggregations") or {}).get("traces") or {"buckets": []}
    return [bucket["key"] for bucket in found["buckets"]]


def _is_kept(sources: Sources, trace: str, moment: Moment) -> bool:
    try:
        return sources.answer({"datasource": {"uid": "throughline-jaeger"}, "query": trace}, moment)[1] > 0
    except GrafanaError:
        return False
