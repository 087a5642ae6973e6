"""How an effect looked as requests came in: the confidence sequence over time. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from throughline.comparison.comparing import Comparison
from throughline.comparison.contrast import FEWEST_USERS
from throughline.comparison.effects import Interval, effect
from throughline.comparison.metrics import Metric
from throughline.comparison.traffic import Traffic

_LOOKS: Final = 14
_FIRST: Final = 0.02


@dataclass(frozen=True, slots=True)
class Look:
    """The effect as it was at that time, on the scale of the metric's margin."""

    time: float
    """Seconds of the epoch."""
    interval: Interval


def looks(traffic: Traffic, comparison: Comparison, metric: Metric, variant: str) -> list[Look]:
    """At numbers of requests that grow alike, so that all looks take a few times what the last one does."""
    counts = np.unique(np.geomspace(_FIRST, 1.0, _LOOKS) * traffic.times.size).astype(int)
    return [_look(traffic.first(count), comparison, metric, variant) for count in counts if count > FEWEST_USERS]


def _look(traffic: Traffic, comparison: Comparison, metric: Metric, variant: str) -> Look:
    terms = comparison.terms
    baseline, sample = (traffic.sample(metric.name, name) for name in (terms.baseline, variant))
    found = effect(metric, baseline, sample, terms.approach, comparison.level)
    return Look(float(traffic.times[-1]), found.relative if metric.margin.relative else found.difference)
