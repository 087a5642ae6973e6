"""Requests of a prompt's variants as columns, in order of time; read and judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from throughline.comparison.sample import Codes, Numbers, Sample


@dataclass(frozen=True, slots=True)
class Traffic:
    """n requests; all arrays are (n,)."""

    variants: tuple[str, ...]
    """Names, in order."""
    variant: Codes
    """Place in `variants`."""
    users: Codes
    """Who asked, from 0; a request that tells no user is of its session, else conversation, else trace."""
    times: Numbers
    """Seconds of the epoch, ascending."""
    metrics: Mapping[str, Numbers]
    """By the metric's name, NaN where a request has none."""
    known: NDArray[np.bool_] | None = None
    """Whether a request tells its user, session or conversation; None: all do."""

    def sample(self, metric: str, variant: str) -> Sample:
        """The measured requests of a variant."""
        chosen = self.variant == self.variants.index(variant)
        return Sample.of(self.metrics[metric][chosen], self.users[chosen])

    def requests(self, variant: str) -> int:
        return int((self.variant == self.variants.index(variant)).sum())

    def people(self, variant: str) -> int:
        """How many users had that variant."""
        return int(np.unique(self.users[self.variant == self.variants.index(variant)]).size)

    def first(self, requests: int) -> Traffic:
        """As it was when so many requests had come."""
        metrics = {name: values[:requests] for name, values in self.metrics.items()}
        variant, users, times = self.variant[:requests], self.users[:requests], self.times[:requests]
        known = None if self.known is None else self.known[:requests]
        return replace(self, variant=variant, users=users, times=times, metrics=metrics, known=known)

    def arrivals(self) -> Codes:
        """(users,) the variant that each user had first, in order of their arrival.

        Of those who are known, if any is: an erased user would count as often as he asked.
        """
        chosen = self.known if self.known is not None and self.known.any() else np.ones(self.users.size, bool)
        _, first = np.unique(self.users[chosen], return_index=True)
        return self.variant[chosen][np.sort(first)]

    def in_several(self) -> int:
        """How many users had more than one variant."""
        pairs = np.unique(self.users * len(self.variants) + self.variant)
        _, variants = np.unique(pairs // len(self.variants), return_counts=True)
        return int((variants > 1).sum())
