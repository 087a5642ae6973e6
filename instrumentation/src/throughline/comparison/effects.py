"""How much two variants differ by a metric: estimate, interval and p-value of the one estimand. Gives no verdict."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from scipy import optimize

from throughline.comparison import always, once
from throughline.comparison.contrast import FEWEST_CARRIERS, FEWEST_USERS, Contrast
from throughline.comparison.means import Means
from throughline.comparison.metrics import Margin, Metric
from throughline.comparison.ranks import Ranks
from throughline.comparison.sample import Sample

_FARTHEST: Final = math.log(1e4)


class Approach(Protocol):
    """A way to look: `always` or `once`."""

    def p_value(self, contrast: Contrast) -> float: ...
    def reach(self, contrast: Contrast, alpha: float) -> float: ...
    def multiplier(self, information: float, alpha: float) -> float: ...


def approach_of(*, single: bool) -> Approach:
    """The way for a single look, or for any number of them."""
    return once if single else always


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the ends of its interval; NaN and infinite where nothing is known."""

    value: float = math.nan
    low: float = -math.inf
    high: float = math.inf

    def is_within(self, low: float, high: float) -> bool:
        return low < self.low and self.high < high

    def scaled(self, factor: float, shift: float = 0.0) -> Interval:
        """All three times `factor`, which is above 0, plus `shift`."""
        return Interval(*(factor * each + shift for each in (self.value, self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Effect:
    """A variant's difference from the baseline."""

    difference: Interval
    """In the metric's unit; of times, what the typical ratio makes of the baseline's median."""
    relative: Interval
    """As a share of the baseline's value: 0.1 is a tenth more."""
    p_value: float
    contrast: Contrast
    """With the hypothesis that there is none."""
    outlook: Contrast
    """The same as more data are expected to show it."""
    users: float
    """Effective users of the variant with fewer."""
    carriers: float
    matters: float
    """The smallest difference that matters, on the scale of `contrast`; NaN where the baseline's value gives none."""
    superiority: float | None = None
    """Of times: how often a request of the variant takes longer than one of the baseline."""

    @property
    def may_differ(self) -> bool:
        """Whether there is enough to conclude a difference from."""
        return self.users >= FEWEST_USERS and self.carriers >= FEWEST_CARRIERS and self.contrast.is_known


def effect(metric: Metric, baseline: Sample, variant: Sample, approach: Approach, alpha: float) -> Effect:
    """Compare two samples by the metric's estimand, with intervals of level 1 - alpha; of few users, without."""
    found = _measured(metric, baseline, variant, approach, alpha)
    if found.users >= FEWEST_USERS:
        return found
    return replace(found, difference=Interval(found.difference.value), relative=Interval(found.relative.value))


def _measured(metric: Metric, baseline: Sample, variant: Sample, approach: Approach, alpha: float) -> Effect:
    if metric.kind == "time":
        return _of_times(metric.margin, Ranks(baseline, variant), approach, alpha)
    means = Means(baseline, variant, is_rate=metric.kind == "rate")
    found = _of_means(metric.margin, means, approach, alpha)
    if metric.kind == "rate" and approach is once and _are_independent(baseline, variant):
        return _by_newcombe(found, baseline, variant, alpha)
    return found


def _of_times(margin: Margin, ranks: Ranks, approach: Approach, alpha: float) -> Effect:
    contrast = ranks.at(1.0)
    median = float(np.median(ranks.baseline.values)) if ranks.baseline.requests else math.nan
    ratio = Interval(ranks.ratio, *_inverted(ranks.at, ranks.ratio, approach, alpha))
    share = margin.size if margin.relative else margin.size / median
    steps = [abs(ranks.at(ranks.ratio * factor).distance) for factor in (1 + share, 1 - share) if factor > 0]
    return Effect(
        ratio.scaled(median, -median),
        ratio.scaled(1.0, -1.0),
        approach.p_value(contrast),
        contrast,
        contrast,
        min(ranks.baseline.effective_users, ranks.variant.effective_users),
        ranks.carriers,
        min(steps, default=math.nan),
        ranks.superiority,
    )


def _of_means(margin: Margin, means: Means, approach: Approach, alpha: float) -> Effect:
    contrast, (theirs, _) = means.difference(), means.values
    matters = margin.size * abs(theirs) if margin.relative else margin.size
    half = approach.reach(contrast, alpha) * contrast.error
    difference = Interval(contrast.distance, contrast.distance - half, contrast.distance + half)
    ratio = Interval(means.ratio, *_inverted(means.at, means.ratio, approach, alpha))
    return Effect(
        difference if math.isfinite(half) else Interval(contrast.distance),
        ratio.scaled(1.0, -1.0),
        approach.p_value(contrast),
        contrast,
        means.outlook(matters),
        min(means.baseline.effective_users, means.variant.effective_users),
        means.carriers,
        matters or math.nan,
    )


def _are_independent(baseline: Sample, variant: Sample) -> bool:
    users = np.concatenate([baseline.users, variant.users])
    return min(baseline.requests, variant.requests) > 0 and np.unique(users).size == users.size


def _by_newcombe(found: Effect, baseline: Sample, variant: Sample, alpha: float) -> Effect:
    counted = [(int(each.values.sum()), each.requests) for each in (baseline, variant)]
    low, high = once.newcombe(counted[0], counted[1], alpha)
    difference = Interval(found.difference.value, low, high)
    return replace(found, difference=difference, p_value=once.newcombe_p_value(counted[0], counted[1]))


def _inverted(
    at: Callable[[float], Contrast], estimate: float, approach: Approach, alpha: float
) -> tuple[float, float]:
    """The ratios around the estimate that are not rejected at alpha."""
    if not (math.isfinite(estimate) and estimate > 0 and at(1.0).is_known):
        return -math.inf, math.inf

    def excess(logarithm: float) -> float:
        contrast = at(math.exp(logarithm))
        reach = approach.reach(contrast, alpha)
        return abs(contrast.score) - reach if math.isfinite(reach) else -1.0

    ends = [_crossing(excess, math.log(estimate), way) for way in (-1, 1)]
    if excess(0.0) <= 0:  # of times that are mostly equal, the estimate may lie just beside 1
        ends = [min(ends[0], 0.0), max(ends[1], 0.0)]
    low, high = (math.exp(end) if math.isfinite(end) else end for end in ends)
    return max(low, 0.0), high


def _crossing(excess: Callable[[float], float], start: float, way: int) -> float:
    if excess(start) > 0:
        return start  # a step, beside which every ratio is rejected
    near, step = start, 0.05
    while step < _FARTHEST:
        far = start + way * step
        if excess(far) > 0:
            return float(optimize.brentq(excess, near, far, xtol=1e-4))
        near, step = far, step * 2
    return way * math.inf
