"""Compares the means of two variants over requests, rates among them, with users as the units; decides nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from throughline.comparison.contrast import (
    FEWEST_CARRIERS,
    Contrast,
    Contributions,
    carriers,
    contrasted,
    typical_square,
)
from throughline.comparison.sample import Numbers, Sample


class Means:
    """Two samples; the estimand is the mean over requests, a ratio of sums over users."""

    def __init__(self, baseline: Sample, variant: Sample, *, is_rate: bool = False) -> None:
        self.baseline, self.variant, self._is_rate = baseline, variant, is_rate
        self._theirs, self._ours = _Side.of(baseline), _Side.of(variant)
        length = max(self._theirs.residuals.size, self._ours.residuals.size)
        self._theirs, self._ours = self._theirs.padded(length), self._ours.padded(length)

    @property
    def values(self) -> tuple[float, float]:
        """The means, the baseline's first; NaN of nothing."""
        return self._theirs.mean, self._ours.mean

    @property
    def ratio(self) -> float:
        """Of the variant's mean to the baseline's; NaN where that makes no sense."""
        theirs, ours = self.values
        return ours / theirs if theirs > 0 and ours > 0 else math.nan

    def difference(self, assumed: float = 0.0) -> Contrast:
        """How far the difference is from the assumed one."""
        theirs, ours = self.values
        return self._contrast(ours - theirs - assumed, 1.0)

    def at(self, ratio: float) -> Contrast:
        """How far the variant's mean is from `ratio` times the baseline's (Fieller 1954)."""
        theirs, ours = self.values
        return self._contrast(ours - ratio * theirs, ratio)

    def _contrast(self, distance: float, ratio: float) -> Contrast:
        if not (self.baseline.requests and self.variant.requests):
            return Contrast(math.nan, math.nan, math.nan, 0.0)
        theirs, ours = self._theirs, self._ours
        least = self._floors
        return contrasted(
            distance, theirs.contributions(ratio, least[0]), ours.contributions(1.0, least[1]), self._spread(ratio)
        )

    def outlook(self, matters: float) -> Contrast:
        """The difference with the variance that more data are expected to show, were it as large as what matters.

        A larger mean varies more: in proportion, or for a rate as p (1 - p). That of a rate with few events is a guess:
        as often as one event more makes it, and as if a user's requests failed together.
        """
        contrast, (theirs, _) = self.difference(), self.values
        if not contrast.is_known or not matters > 0:
            return contrast
        variance, grown = contrast.variance, (1 + matters / abs(theirs)) ** 2 if theirs else 1.0
        if self._is_rate:
            share = (1 - math.sqrt(max(0.0, 1 - 4 * contrast.spread))) / 2
            larger = min(0.5, share + matters)
            grown = larger * (1 - larger) / contrast.spread
            if self.carriers < FEWEST_CARRIERS:
                parts = [side.busy / side.requests for side in (self._theirs, self._ours)]
                variance = min(variance, contrast.spread * sum(parts))
        return replace(contrast, variance=variance * (1 + max(1.0, grown)) / 2)

    @cached_property
    def carriers(self) -> float:
        """Of how many users' contributions the variance consists."""
        if not (self.baseline.requests and self.variant.requests):
            return 0.0
        theirs, ours = self._deviations
        return carriers(ours / self._ours.requests - theirs / self._theirs.requests)

    @cached_property
    def _deviations(self) -> tuple[Numbers, Numbers]:
        """(users,) sums of values less their variant's mean. Of a rate, less the mean of both: where all requests of a
        variant fail, none is beside its mean."""
        theirs, ours = self._theirs, self._ours
        if not self._is_rate:
            return theirs.residuals, ours.residuals
        mean = (theirs.mean * theirs.requests + ours.mean * ours.requests) / (theirs.requests + ours.requests)
        return theirs.around(mean), ours.around(mean)

    @cached_property
    def _floors(self) -> tuple[float, float]:
        """The least that each side's sum of squares is taken for.

        A contribution as those that carry the variance; where a side has few of these, what it would have, were it like
        both together; and until enough users' failures tell how these come, one failure is all requests of one user.
        """
        squares = sum(float((each**2).sum()) for each in self._deviations)
        least = typical_square(*self._deviations)
        if self._is_rate and self.carriers < FEWEST_CARRIERS:
            least = max(least, self._theirs.busy**2, self._ours.busy**2)
        requests = self._theirs.requests + self._ours.requests
        theirs, ours = (
            0.0 if carriers(side.residuals) >= FEWEST_CARRIERS else squares * side.requests / requests
            for side in (self._theirs, self._ours)
        )
        return max(least, theirs), max(least, ours)

    def _spread(self, ratio: float) -> float:
        theirs, ours = self._theirs, self._ours
        requests = theirs.requests + ours.requests
        if self._is_rate:  # an event and its opposite are added, so that none so far is not taken for never
            share = (theirs.mean * theirs.requests + ours.mean * ours.requests + 1) / (requests + 2)
            return share * (1 - share)
        return (ratio**2 * theirs.squares + ours.squares) / requests


@dataclass(frozen=True, slots=True)
class _Side:
    """One variant's sums by user."""

    requests: int
    mean: float
    residuals: Numbers
    """(users,) of the values less the mean, over each user's requests."""
    counts: Numbers
    """(users,) requests of each."""
    squares: float
    """Of the values less the mean, over requests."""
    users: float
    busy: float
    """Requests of a request's user, on average."""

    @classmethod
    def of(cls, sample: Sample) -> _Side:
        mean = float(sample.values.mean()) if sample.requests else math.nan
        deviations = sample.values - mean
        length = int(sample.users.max()) + 1 if sample.requests else 0
        effective = sample.effective_users
        busy = sample.requests / effective if effective else 0.0
        squares = float((deviations**2).sum())
        counts = sample.sums(np.ones(sample.requests), length)
        return cls(sample.requests, mean, sample.sums(deviations, length), counts, squares, effective, busy)

    def padded(self, length: int) -> _Side:
        missing = (0, length - self.residuals.size)
        return replace(self, residuals=np.pad(self.residuals, missing), counts=np.pad(self.counts, missing))

    def around(self, mean: float) -> Numbers:
        """(users,) sums of the values less another mean."""
        return self.residuals + self.counts * (self.mean - mean)

    def contributions(self, weight: float, floor: float) -> Contributions:
        scale = weight / self.requests
        return Contributions(self.residuals * scale, self.users, floor * scale**2)
