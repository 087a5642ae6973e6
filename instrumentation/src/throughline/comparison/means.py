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
        floor = self._floor
        return contrasted(
            distance,
            theirs.contributions(ratio, floor),
            ours.contributions(1.0, floor),
            self._spread(ratio),
        )

    def outlook(self) -> Contrast:
        """The difference with the variance that more data are expected to show.

        That of a rate with few events is a guess until then: as often as one event more makes it, and as if a user's
        requests failed together.
        """
        contrast = self.difference()
        if not self._is_rate or self.carriers >= FEWEST_CARRIERS or not contrast.is_known:
            return contrast
        parts = [side.busy / side.requests for side in (self._theirs, self._ours)]
        return replace(contrast, variance=min(contrast.variance, contrast.spread * sum(parts)))

    @cached_property
    def carriers(self) -> float:
        """Of how many users' contributions the variance consists."""
        if not (self.baseline.requests and self.variant.requests):
            return 0.0
        return carriers(self._ours.residuals / self._ours.requests - self._theirs.residuals / self._theirs.requests)

    @cached_property
    def _floor(self) -> float:
        """Until enough users' failures tell how these come, one failure is all requests of one user."""
        typical = typical_square(self._theirs.residuals, self._ours.residuals)
        if self._is_rate and self.carriers < FEWEST_CARRIERS:
            return max(typical, self._theirs.busy**2, self._ours.busy**2)
        return typical

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
        return cls(sample.requests, mean, sample.sums(deviations, length), squares, effective, busy)

    def padded(self, length: int) -> _Side:
        return replace(self, residuals=np.pad(self.residuals, (0, length - self.residuals.size)))

    def contributions(self, weight: float, floor: float) -> Contributions:
        scale = weight / self.requests
        return Contributions(self.residuals * scale, self.users, floor * scale**2)
