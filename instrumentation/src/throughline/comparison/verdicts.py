"""What may be concluded from all effects together; measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from throughline.comparison.contrast import FEWEST_USERS
from throughline.comparison.effects import Effect
from throughline.comparison.metrics import Metric
from throughline.holm import holm

Verdict = Literal["better", "worse", "differs", "alike", "open", "invalid", "baseline"]


def adjusted(effects: Sequence[Effect]) -> list[float]:
    """The p-values by Holm's method over all comparisons; what has too little data counts as 1 among them."""
    p_values = [effect.p_value if effect.may_differ else 1.0 for effect in effects]
    return [float(each) for each in holm(p_values)]


def verdict(metric: Metric, effect: Effect, p_value: float, alpha: float) -> Verdict:
    """By the adjusted p-value, unless the whole interval lies inside of what does not matter."""
    if _is_alike(metric, effect):
        return "alike"
    if not effect.may_differ or p_value > alpha:
        return "open"
    if metric.better == "neither":
        return "differs"
    return "better" if (effect.contrast.distance > 0) == (metric.better == "higher") else "worse"


def _is_alike(metric: Metric, effect: Effect) -> bool:
    """A rate needs no failures to be known to be low: its interval allows for those that were not seen."""
    enough = effect.may_differ or (metric.kind == "rate" and effect.users >= FEWEST_USERS)
    interval = effect.relative if metric.margin.relative else effect.difference
    return enough and interval.is_within(-metric.margin.size, metric.margin.size)
