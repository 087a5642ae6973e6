"""How far two variants are from a hypothesis, and how sure that is with users as the units; decides nothing.

Every estimate here is, up to what vanishes, a sum of one contribution a user (its influence value; for ratios of sums
this is the delta method, Deng et al. 2018). So its variance is that of the users' contributions, whatever the requests
of one user have in common.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from throughline.comparison.sample import Numbers

SCALE: Final = 0.2
"""The effect, in standard deviations of one request, around which always-valid intervals are tightest (`always.py`)."""
FEWEST_USERS: Final = 30
"""Equally busy users a variant (Kish's number) below which nothing is concluded."""
FEWEST_CARRIERS: Final = 10
"""Users that carry the variance (see `carriers`) below which no difference is concluded."""


@dataclass(frozen=True, slots=True)
class Contrast:
    """An estimate's distance from a hypothesis."""

    distance: float
    variance: float
    """Of the distance; 0 or NaN where the data cannot tell it."""
    spread: float
    """Variance of a single request's value."""
    freedom: float
    """Degrees of freedom of the variance (Welch, Satterthwaite)."""

    @property
    def is_known(self) -> bool:
        """Whether anything can be said."""
        return math.isfinite(self.variance) and self.variance > 0 and self.freedom > 0

    @property
    def error(self) -> float:
        """The standard error; infinite where nothing is known."""
        return math.sqrt(self.variance) if self.is_known else math.inf

    @property
    def score(self) -> float:
        """The distance in standard errors; 0 where nothing is known."""
        return self.distance / self.error

    @property
    def information(self) -> float:
        """What is known so far, relative to what an effect of SCALE is about: (SCALE² spread) / variance."""
        return SCALE**2 * self.spread / self.variance if self.is_known else 0.0


@dataclass(frozen=True, slots=True)
class Contributions:
    """Of one variant: what each user adds to the estimate's deviation (users,), in all users' order, and their number.

    `least` is the smallest that the sum of squares is taken for: see `typical_square`.
    """

    values: Numbers
    users: float
    least: float = 0.0

    @property
    def correction(self) -> float:
        """For the degree of freedom that the mean takes; NaN of fewer than two users."""
        return self.users / (self.users - 1) if self.users > 1 else math.nan

    @property
    def variance(self) -> float:
        """Of this variant's part."""
        found = float((self.values**2).sum()) * self.correction
        return max(found, self.least) if math.isfinite(found) else math.nan


def contrasted(distance: float, baseline: Contributions, variant: Contributions, spread: float) -> Contrast:
    """The contrast of two variants; a user seen in both counts as one, by the covariance of the two contributions."""
    ours, theirs = variant.variance, baseline.variance
    products = baseline.values * variant.values
    shared = float(products.sum()) * math.sqrt(baseline.correction * variant.correction)
    weights = (
        ours**2 / (variant.users - 1) + theirs**2 / (baseline.users - 1) if variant.users > 1 < baseline.users else 0
    )
    freedom = (ours + theirs) ** 2 / weights if weights > 0 else 0.0
    if products.any():  # pairs, of which there are as many as users
        freedom = min(freedom, baseline.users - 1, variant.users - 1)
    return Contrast(distance, ours + theirs - 2 * shared, spread, freedom)


def typical_square(*contributions: Numbers) -> float:
    """The square of a contribution that carries the variance: Σψ⁴ / Σψ², 0 where there is none.

    No variant's sum of squares is taken for less than one of these. Where only the other variant has had the rare
    thing (an error, a huge cost) so far, its own sum would be near 0, and it would look certain of what it has not
    seen; Agresti and Caffo (2000) add an event to each for the same reason.
    """
    squares = sum(float((each**2).sum()) for each in contributions)
    return sum(float((each**4).sum()) for each in contributions) / squares if squares > 0 else 0.0


def carriers(contributions: Numbers) -> float:
    """Of how many equal contributions the variance consists: (Σf²)² / Σf⁴, 0 where there is none.

    A third of the users for normal ones, the number of failures for rare ones, 1 where one user decides alone.
    """
    squares = contributions**2
    fourth = float((squares**2).sum())
    return float(squares.sum()) ** 2 / fourth if fourth > 0 else 0.0
