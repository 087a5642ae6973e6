"""Experiments drawn by chance, with users who differ, as they grow; knows the truth and not the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats
from throughline.comparison.sample import Codes, Numbers, Sample

Draw = Callable[[np.random.Generator, Codes, Numbers], Numbers]
"""From a source of chance, each request's variant (0, 1) and what its user adds (standard normal) to its value."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Users drawn to variants by chance, and their requests, in order of arrival."""

    values: Numbers
    users: Codes
    variant: Codes

    def first(self, requests: int) -> tuple[Sample, Sample]:
        """The baseline's and the variant's sample as they were after so many requests."""
        values, users, variant = self.values[:requests], self.users[:requests], self.variant[:requests]
        return tuple(Sample(values[variant == place], users[variant == place]) for place in (0, 1))  # type: ignore[return-value]

    def samples(self) -> tuple[Sample, Sample]:
        return self.first(self.values.size)


@dataclass(frozen=True, slots=True)
class Design:
    """How experiments are drawn."""

    draw: Draw
    users: int
    requests: float = 3.0
    """Of a user, on average."""
    share: float = 0.5
    """Of users who get the variant."""
    returning: bool = False
    """Whether all users are there from the beginning and come back, else one is done before the next one comes."""
    heavy: bool = False
    """Whether some users ask a hundred times what others ask."""

    def experiments(self, count: int, seed: int = 0) -> Iterator[Experiment]:
        chance = np.random.default_rng(seed)
        for _ in range(count):
            yield self.experiment(chance)

    def experiment(self, chance: np.random.Generator) -> Experiment:
        counts = chance.geometric(1 / self.requests, self.users)
        if self.heavy:
            counts = np.minimum(np.ceil(chance.pareto(1.5, self.users) * self.requests / 2 + 0.5), 200).astype(int)
        users = np.repeat(np.arange(self.users), counts)
        if self.returning:
            users = chance.permutation(users)
        variant = (chance.random(self.users) < self.share).astype(np.int64)[users]
        habits = chance.normal(size=self.users)[users]
        return Experiment(self.draw(chance, variant, habits), users, variant)


def looks(experiment: Experiment, count: int) -> list[int]:
    """Numbers of requests at which somebody looks: after each of so many equal batches."""
    return np.linspace(0, experiment.values.size, count + 1)[1:].astype(int).tolist()


def times(ratio: float = 1.0, wider: float = 1.0) -> Draw:
    """Lognormal, much of it the user's own; the variant's are `ratio` times as long, and vary `wider`."""

    def draw(chance: np.random.Generator, variant: Codes, habits: Numbers) -> Numbers:
        noise = 0.5 * habits + 0.6 * chance.normal(size=habits.size)
        return np.exp(noise * np.where(variant, wider, 1.0)) * np.where(variant, ratio, 1.0)

    return draw


def errors(baseline: float = 0.01, variant: float = 0.01) -> Draw:
    """Rare, and some users' requests fail much oftener than others'."""

    def draw(chance: np.random.Generator, place: Codes, habits: Numbers) -> Numbers:
        rates = np.where(place, variant, baseline) * np.exp(habits - 0.5)
        return (chance.random(habits.size) < rates).astype(np.float64)

    return draw


def broken(baseline: float, variant: float) -> Draw:
    """So many requests fail, and all of one user's do, or none."""

    def draw(chance: np.random.Generator, place: Codes, habits: Numbers) -> Numbers:
        return (stats.norm.cdf(habits) < np.where(place, variant, baseline)).astype(np.float64)

    return draw


def stars(better: float = 0.0) -> Draw:
    """1 to 5, by thresholds on a normal number of which half is the user's; the variant's is higher by `better`."""

    def draw(chance: np.random.Generator, variant: Codes, habits: Numbers) -> Numbers:
        liking = 0.7 * habits + 0.7 * chance.normal(size=habits.size) + better * variant
        return np.digitize(liking, [-1.5, -0.5, 0.5, 1.5]).astype(np.float64) + 1

    return draw


def costs(ratio: float = 1.0) -> Draw:
    """Nothing for four of ten requests, which a cache answers, else lognormal; the variant's are `ratio` times that."""

    def draw(chance: np.random.Generator, variant: Codes, habits: Numbers) -> Numbers:
        price = np.exp(0.6 * habits + 0.8 * chance.normal(size=habits.size))
        return price * (chance.random(habits.size) < 0.6) * np.where(variant, ratio, 1.0)

    return draw
