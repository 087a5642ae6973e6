"""Compares all variants of a prompt with one of them by every metric; reads nothing and shows nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from throughline.comparison.balance import Balance, balance
from throughline.comparison.effects import Approach, Effect, approach_of, effect
from throughline.comparison.metrics import METRICS, SCORE, Metric, Wishes
from throughline.comparison.needed import rounded, times_the_data
from throughline.comparison.sample import Sample
from throughline.comparison.traffic import Traffic
from throughline.comparison.verdicts import Verdict, adjusted, verdict

ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Terms:
    """How to compare."""

    baseline: str
    once: bool = False
    """Whether this is the only look there will ever be."""
    alpha: float = ALPHA
    wishes: Wishes = field(default_factory=lambda: Wishes({}, {}))
    weights: Mapping[str, float] | None = None
    """The experiment's, by variant; None: how users are split is not judged."""

    @property
    def approach(self) -> Approach:
        return approach_of(single=self.once)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one variant by one metric."""

    variant: str
    metric: Metric
    requests: int
    """Those that have the metric."""
    users: int
    value: float
    """Median of times, else mean."""
    tail: float | None
    """The 95th percentile of times."""
    verdict: Verdict = "baseline"
    effect: Effect | None = None
    """None of the baseline."""
    p_value: float | None = None
    """Adjusted for all comparisons."""
    needed: int | None = None
    """About how many more requests, its own and the baseline's, would decide an open one; None: nobody can tell."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was found; findings by variant, the baseline's first, each in the order of the metrics."""

    terms: Terms
    findings: tuple[Finding, ...]
    balance: Balance | None
    requests: Mapping[str, int]
    """All requests of each variant."""
    users: Mapping[str, int]
    in_several: int
    """Users who had more than one variant."""
    level: float
    """Error allowed to each interval, so that all hold together with probability 1 - alpha."""

    @property
    def is_valid(self) -> bool:
        return self.balance is None or not self.balance.is_off


def measured(traffic: Traffic, wishes: Wishes) -> list[Metric]:
    """The metrics that any request has: the known ones in their order, then scores by name."""
    known = [name for name, values in traffic.metrics.items() if np.isfinite(values).any()]
    first = [metric.name for metric in METRICS if metric.name in known]
    return [wishes.of(name) for name in (*first, *sorted(name for name in known if name.startswith(SCORE)))]


def compare(traffic: Traffic, terms: Terms) -> Comparison:
    """Compare. Raises ValueError where the baseline is none of the variants."""
    if terms.baseline not in traffic.variants:
        raise ValueError(f"no variant {terms.baseline}")
    metrics, others = measured(traffic, terms.wishes), [name for name in traffic.variants if name != terms.baseline]
    level = terms.alpha / max(1, len(metrics) * len(others))
    judged = balance(traffic, terms.weights) if terms.weights is not None else None
    findings = [_alone(metric, terms.baseline, traffic.sample(metric.name, terms.baseline)) for metric in metrics]
    effects = list(_effects(traffic, terms, metrics, others, level))
    p_values = adjusted([found for _, _, _, found in effects])
    for (variant, metric, sample, found), p_value in zip(effects, p_values, strict=True):
        is_off = judged is not None and judged.is_off
        said: Verdict = "invalid" if is_off else verdict(metric, found, p_value, terms.alpha)
        findings.append(_finding(traffic, terms, level, (variant, metric, sample), found, p_value, said))
    return Comparison(
        terms,
        tuple(findings),
        judged,
        {name: traffic.requests(name) for name in traffic.variants},
        {name: traffic.people(name) for name in traffic.variants},
        traffic.in_several(),
        level,
    )


def _effects(
    traffic: Traffic, terms: Terms, metrics: list[Metric], others: list[str], level: float
) -> Iterator[tuple[str, Metric, Sample, Effect]]:
    for variant in others:
        for metric in metrics:
            baseline, sample = (traffic.sample(metric.name, name) for name in (terms.baseline, variant))
            yield variant, metric, sample, effect(metric, baseline, sample, terms.approach, level)


def _alone(metric: Metric, variant: str, sample: Sample) -> Finding:
    """What a variant is by itself."""
    values, is_time = sample.values, metric.kind == "time"
    value = math.nan
    if values.size:
        value = float(np.median(values) if is_time else values.mean())
    tail = float(np.percentile(values, 95)) if is_time and values.size else None
    return Finding(variant, metric, sample.requests, sample.people, value, tail)


def _finding(
    traffic: Traffic,
    terms: Terms,
    level: float,
    compared: tuple[str, Metric, Sample],
    found: Effect,
    p_value: float,
    said: Verdict,
) -> Finding:
    variant, metric, sample = compared
    needed = None
    if said == "open":
        more = times_the_data(found, terms.approach, level) - 1
        if math.isfinite(more):
            needed = rounded(more * (traffic.requests(variant) + traffic.requests(terms.baseline)))
    return replace(_alone(metric, variant, sample), verdict=said, effect=found, p_value=p_value, needed=needed)
