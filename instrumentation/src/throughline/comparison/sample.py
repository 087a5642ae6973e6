"""The values of one metric in one variant, each with the user that it is of; compares nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sample:
    """Measured requests: `values` (n,) without NaN, `users` (n,) whole numbers that name the user of each."""

    values: Numbers
    users: Codes

    @classmethod
    def of(cls, values: Numbers, users: Codes) -> Sample:
        """Of all requests those that have the metric, as finite numbers."""
        known = np.isfinite(values)
        return cls(values[known], users[known])

    @property
    def requests(self) -> int:
        """How many were measured."""
        return self.values.size

    def counts(self) -> Numbers:
        """(users,) requests of each user that has one."""
        counts = np.bincount(self.users) if self.requests else np.zeros(0)
        return counts[counts > 0].astype(np.float64)

    @property
    def people(self) -> int:
        """How many users they are of."""
        return self.counts().size

    @property
    def effective_users(self) -> float:
        """Kish's number: of how many equally busy users this sample would be worth; 0 of none."""
        counts = self.counts()
        return float(counts.sum() ** 2 / (counts**2).sum()) if counts.size else 0.0

    def sums(self, values: Numbers, length: int) -> Numbers:
        """(length,) the sum of `values`, one a request, over each user's requests."""
        return np.bincount(self.users, weights=values, minlength=length).astype(np.float64, copy=False)
