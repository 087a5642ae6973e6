"""Intervals and p-values for a single look, planned before the first request; knows no metric.

Student's t with Welch's and Satterthwaite's degrees of freedom on users' contributions. With one request a user that is
Welch's test for means and Brunner's and Munzel's for times; for rates there is Newcombe's (1998) interval then.
"""

from __future__ import annotations

import math

from scipy import optimize, stats
from statsmodels.stats.proportion import confint_proportions_2indep

from throughline.comparison.contrast import Contrast

NAME = "once"


def p_value(contrast: Contrast) -> float:
    """The two-sided p-value of no distance; 1 where nothing is known."""
    if not contrast.is_known:
        return 1.0
    return float(min(1.0, 2 * stats.t.sf(abs(contrast.score), contrast.freedom)))


def reach(contrast: Contrast, alpha: float) -> float:
    """How many standard errors the interval of level 1 - alpha extends to each side; infinite where unknown."""
    return float(stats.t.isf(alpha / 2, contrast.freedom)) if contrast.is_known else math.inf


def multiplier(information: float, alpha: float) -> float:  # noqa: ARG001  # as in always.py
    """The same where the variance is known."""
    return float(stats.norm.isf(alpha / 2))


def newcombe(baseline: tuple[int, int], variant: tuple[int, int], alpha: float) -> tuple[float, float]:
    """The interval for the difference of two independent rates, each given as (events, requests)."""
    low, high = confint_proportions_2indep(*variant, *baseline, method="newcomb", compare="diff", alpha=alpha)
    return float(low), float(high)


def newcombe_p_value(baseline: tuple[int, int], variant: tuple[int, int]) -> float:
    """The largest alpha whose Newcombe interval does not exclude 0."""
    if variant[0] * baseline[1] == baseline[0] * variant[1]:
        return 1.0
    side = 0 if variant[0] * baseline[1] > baseline[0] * variant[1] else 1

    def bound(logarithm: float) -> float:
        return newcombe(baseline, variant, math.exp(logarithm))[side]

    least = math.log(1e-300)
    if bound(least) * (1, -1)[side] > 0:
        return 0.0
    return math.exp(float(optimize.brentq(bound, least, math.log(1 - 1e-12))))
