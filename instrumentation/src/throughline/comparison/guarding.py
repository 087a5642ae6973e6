"""Which guard-rails of an experiment a variant has certainly broken; stops nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from throughline.comparison.comparing import Comparison, Finding
from throughline.comparison.metrics import metric_of


@dataclass(frozen=True, slots=True)
class Breach:
    """A variant's harm is more than the guard-rail allows, by the whole of its interval."""

    finding: Finding
    worse_than: float


def breaches(comparison: Comparison, guardrails: Iterable[tuple[str, float]]) -> list[Breach]:
    """Of guard-rails, each a metric and how much worse than the baseline it may be, in the metric's unit.

    Only by intervals that hold however often one looks, as this is asked again and again; ValueError for others. A
    split that is not as expected does not keep a guard-rail from being broken: to stop is the safe side.
    """
    if comparison.terms.once:
        raise ValueError("guard-rails are looked at more than once")
    limits = {metric_of(name).name: limit for name, limit in guardrails}
    return [
        Breach(finding, limits[finding.metric.name])
        for finding in comparison.findings
        if finding.metric.name in limits and _harm(finding) > limits[finding.metric.name]
    ]


def _harm(finding: Finding) -> float:
    """At least so much worse than the baseline, negative for better."""
    if finding.effect is None or not finding.effect.may_differ:
        return -float("inf")
    interval = finding.effect.difference
    return interval.low if finding.metric.better == "lower" else -interval.high


def unmeasured(comparison: Comparison, guardrails: Iterable[tuple[str, float]]) -> list[str]:
    """The metrics of guard-rails that no request has, so that they guard nothing."""
    known = {finding.metric.name for finding in comparison.findings}
    return [name for name, _ in guardrails if metric_of(name).name not in known]
