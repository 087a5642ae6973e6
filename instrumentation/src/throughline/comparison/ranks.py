"""Compares skewed times by which of two requests takes longer, with users as the units; decides nothing.

The estimand is the typical ratio: the median of Y / X over all pairs of a variant's request Y and a baseline's X, which
is the factor r at which P(Y > rX) + P(Y = rX) / 2 is one half (Hodges and Lehmann 1963, on logarithms). Where a variant
multiplies all times alike, it is the ratio of their medians, of their 95th percentiles and of their geometric means; it
needs no such model, no moment and no density, and one call of ten minutes weighs no more than one of ten seconds.

A ratio is tested by the probability of superiority of Mann and Whitney at that ratio, with the variance of placements
(Brunner and Munzel 2000) summed by user (Obuchowski 1997); equal shapes are not assumed. At r = 1 with one request a
user this is the test of Brunner and Munzel. Its inversion is the interval, so both speak of the same thing.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

import numpy as np

from throughline.comparison.contrast import Contrast, Contributions, carriers, contrasted
from throughline.comparison.sample import Codes, Numbers, Sample

_SPREAD: Final = 1 / 12
"""Variance of a placement where both variants are alike."""
_LARGEST: Final = math.log(1e4)
_PRECISION: Final = 1e-4


class Ranks:
    """Two samples of times above 0."""

    def __init__(self, baseline: Sample, variant: Sample) -> None:
        self.baseline, self.variant = _sorted(baseline), _sorted(variant)
        self._length = 1 + max((int(each.users.max()) for each in (baseline, variant) if each.requests), default=0)
        self._effective = baseline.effective_users, variant.effective_users

    @property
    def superiority(self) -> float:
        """P(Y > X) + P(Y = X) / 2: how often the variant's request is the longer one."""
        return 0.5 + self.at(1.0).distance

    @cached_property
    def ratio(self) -> float:
        """The typical ratio, to four digits; NaN where none is between 1/10,000 and 10,000."""
        if not (self.baseline.requests and self.variant.requests):
            return math.nan
        low, high = -_LARGEST, _LARGEST
        if self._distance(math.exp(low)) <= 0 or self._distance(math.exp(high)) >= 0:
            return math.nan
        while high - low > _PRECISION:
            middle = (low + high) / 2
            low, high = (middle, high) if self._distance(math.exp(middle)) > 0 else (low, middle)
        return math.exp((low + high) / 2)

    @cached_property
    def carriers(self) -> float:
        """Of how many users' contributions the variance consists, at the typical ratio."""
        if math.isnan(self.ratio):
            return 0.0
        theirs, ours = self._contributions(self.ratio)
        return carriers(ours - theirs)

    def at(self, ratio: float) -> Contrast:
        """How far P(Y > rX) + P(Y = rX) / 2 is from one half."""
        if not (self.baseline.requests and self.variant.requests):
            return Contrast(math.nan, math.nan, math.nan, 0.0)
        theirs, ours = self._contributions(ratio)
        busy = [sample.requests / users for sample, users in zip(self._samples, self._effective, strict=True)]
        least = [
            (share / (2 * sample.requests)) ** 2 for share, sample in zip(busy, self._samples, strict=True)
        ]  # one user who would turn the other way, so that no order looks certain
        return contrasted(
            self._distance(ratio),
            Contributions(theirs, self._effective[0], least[0]),
            Contributions(ours, self._effective[1], least[1]),
            _SPREAD,
        )

    @property
    def _samples(self) -> tuple[Sample, Sample]:
        return self.baseline, self.variant

    def _distance(self, ratio: float) -> float:
        return float(_placements(self.baseline.values * ratio, self.variant.values).mean()) - 0.5

    def _contributions(self, ratio: float) -> tuple[Numbers, Numbers]:
        scaled = self.baseline.values * ratio
        theirs = _by_user(_placements(self.variant.values, scaled), self.baseline.users, self._length)
        return theirs, _by_user(_placements(scaled, self.variant.values), self.variant.users, self._length)


def _sorted(sample: Sample) -> Sample:
    order = np.argsort(sample.values, kind="stable")
    return Sample(sample.values[order], sample.users[order])


def _placements(among: Numbers, values: Numbers) -> Numbers:
    """The share of `among` below each value, equal ones by half; both are sorted."""
    below, not_above = np.searchsorted(among, values, "left"), np.searchsorted(among, values, "right")
    return (below + not_above) / (2 * among.size)


def _by_user(placements: Numbers, users: Codes, length: int) -> Numbers:
    deviations = placements - placements.mean()
    return np.bincount(users, weights=deviations, minlength=length) / placements.size
