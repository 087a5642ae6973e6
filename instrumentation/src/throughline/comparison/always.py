"""Intervals and p-values that hold however often somebody looks, and whenever he stops; knows no metric.

Robbins' normal mixture (1970) with the mixing scale in units of the effect, as in the mixture SPRT (Johari et al.
2022): with z the distance in standard errors and u = (SCALE² spread) / variance the information,
E = (1 + u)^(-1/2) exp(z² u / (2 (1 + u))) has mean 1 at every stopping time if there is no effect, so by Ville's
inequality E ever reaches 1/p with probability p at most (Howard et al. 2021). The variance is an estimate, so this
holds as an asymptotic confidence sequence does (Waudby-Smith et al. 2024); z is brought from Student's to the normal
distribution first, for what few users leave uncertain.

The clock is information, not the number of users: where the same users come back, their number stands still while the
estimate still moves. Estimates behave in that clock like a random walk if none is better improved by an earlier one
(independent increments, Scharfstein et al. 1997); and the more they have in common with earlier ones, the safer.
"""

from __future__ import annotations

import math

from scipy import stats

from throughline.comparison.contrast import Contrast

NAME = "always"


def p_value(contrast: Contrast) -> float:
    """The p-value of no distance; 1 where nothing is known."""
    information = contrast.information
    if not contrast.is_known or information <= 0:
        return 1.0
    score = stats.norm.isf(stats.t.sf(abs(contrast.score), contrast.freedom))
    exponent = 0.5 * math.log1p(information) - score**2 * information / (2 * (1 + information))
    return math.exp(min(exponent, 0.0))


def reach(contrast: Contrast, alpha: float) -> float:
    """How many standard errors the interval of level 1 - alpha extends to each side; infinite where unknown."""
    if not contrast.is_known:
        return math.inf
    return float(stats.t.isf(stats.norm.sf(multiplier(contrast.information, alpha)), contrast.freedom))


def multiplier(information: float, alpha: float) -> float:
    """The same where the variance is known: the |z| at which the p-value is alpha."""
    if information <= 0:
        return math.inf
    return math.sqrt((1 + 1 / information) * (math.log1p(information) + 2 * math.log(1 / alpha)))
