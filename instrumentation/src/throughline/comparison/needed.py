"""How much more data would decide a comparison, at the variance that was seen; a forecast, no test."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from scipy import optimize

from throughline.comparison.contrast import FEWEST_CARRIERS, FEWEST_USERS, Contrast
from throughline.comparison.effects import Approach, Effect

_SURE: Final = 1.2816
"""Standard errors between the interval's end and what it must not contain: 90 % of a normal distribution, so that both
of its ends clear what they must in 80 % of cases where there is no difference, and one in 90 % where there is one."""
_MOST: Final = math.log(1e9)


def times_the_data(effect: Effect, approach: Approach, alpha: float) -> float:
    """How many times today's data decide; 1 at least, infinite or NaN where that cannot be told.

    Enough to tell no difference from the smallest that matters. Where that much is there already, the estimate lies
    between the two, and it is what tells it from the farther one.
    """
    contrast = effect.outlook
    if not contrast.is_known or not effect.matters > 0:
        return math.nan
    least = max(FEWEST_USERS / effect.users, FEWEST_CARRIERS / effect.carriers if effect.carriers else math.inf)
    planned = _times(contrast, effect.matters, alpha, approach.multiplier)
    if planned <= 1:
        seen = abs(effect.contrast.distance)
        planned = _times(contrast, max(seen, effect.matters - seen), alpha, approach.multiplier)
    return max(planned, least, 1.0)


def _times(contrast: Contrast, distance: float, alpha: float, multiplier: Callable[[float, float], float]) -> float:
    def missing(logarithm: float) -> float:
        times = math.exp(logarithm)
        reach = multiplier(contrast.information * times, alpha) + _SURE
        return reach * contrast.error / math.sqrt(times) - distance

    if missing(_MOST) > 0:
        return math.inf
    return math.exp(float(optimize.brentq(missing, -_MOST, _MOST)))


def rounded(requests: float) -> int:
    """Two digits, upwards: it is a forecast."""
    if requests < 10:
        return max(1, math.ceil(requests))
    size: int = 10 ** (math.floor(math.log10(requests)) - 1)
    return math.ceil(requests / size) * size
