"""Whether users were split among the variants as the experiment says, however often somebody asks; nothing else.

Lindon and Malek (2022): the Bayes factor of a multinomial with a Dirichlet prior around the expected shares to those
shares themselves is a martingale if they are right, so that it ever exceeds 1/p with probability p at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import gammaln

from throughline.comparison.traffic import Traffic

CONCENTRATION: Final = 200.0
"""Of the prior: quickest for shares that are off by some 3 of 100; fixed before any data."""
ALARM: Final = 0.001
"""p-values below are an alarm."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Users by variant, as they came and as they should have."""

    counts: dict[str, int]
    expected: dict[str, float]
    """Shares, which add up to 1."""
    p_value: float

    @property
    def is_off(self) -> bool:
        """Whether nothing may be concluded."""
        return self.p_value < ALARM


def balance(traffic: Traffic, weights: Mapping[str, float]) -> Balance:
    """Judge the users' first variants; a variant without weight is expected never, so that one user of it is an alarm.

    Raises ValueError for weights that are negative or all 0.
    """
    unknown = tuple(name for name in weights if name not in traffic.variants)
    known = [float(weights.get(name, 0.0)) for name in (*traffic.variants, *unknown)]
    total = sum(known)
    if min(known) < 0 or not total > 0:
        raise ValueError("weights are not negative, and not all 0")
    shares = np.array(known) / total
    arrivals = traffic.arrivals()
    counts = np.bincount(arrivals, minlength=shares.size)
    named = (*traffic.variants, *unknown)
    return Balance(
        dict(zip(named, counts.tolist(), strict=True)),
        dict(zip(named, shares.tolist(), strict=True)),
        p_value(np.asarray(arrivals), shares),
    )


def p_value(arrivals: np.ndarray, shares: np.ndarray) -> float:
    """The smallest p-value that any look has had so far.

    `arrivals` (users,) is each one's variant in order of arrival, `shares` (variants,) what was expected.
    """
    if not arrivals.size:
        return 1.0
    if (shares[np.unique(arrivals)] == 0).any():
        return 0.0
    steps = np.arange(1, arrivals.size + 1)
    evidence = gammaln(CONCENTRATION) - gammaln(CONCENTRATION + steps)
    for variant in np.flatnonzero(shares):
        count, prior = np.cumsum(arrivals == variant), CONCENTRATION * shares[variant]
        evidence += gammaln(prior + count) - gammaln(prior) - count * np.log(shares[variant])
    return float(min(1.0, np.exp(-evidence.max())))
