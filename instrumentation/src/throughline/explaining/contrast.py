"""Which of a request's values go with being slow, or with failing, among its peers: tests and effects, no wording.

The request itself chooses the values and the limit of what is slow, and is not among the peers. So, where nothing
makes any difference, each test holds for whatever request asks, and Holm's adjustment keeps the chance that anything
at all is blamed below alpha.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import stats

from throughline.explaining.attributes import SUPPORT, When
from throughline.explaining.candidates import Candidate, Truths, is_judged
from throughline.holm import holm

ALPHA: Final = 0.05
ALPHA_OF_SECOND: Final = 0.01
"""Stricter, as it comes on top of what was found."""
_LEAST_P: Final = 1e-300
_STRATA: Final = 4
_FEW: Final = 3
_LINKED: Final = 0.3
"""The least correlation at which one value is said to go with another."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """How a value goes with the outcome; `effect` is the correlation of the two (phi)."""

    candidate: Candidate
    having: Rate
    lacking: Rate
    p: float
    adjusted: float
    effect: float

    @property
    def is_more(self) -> bool:
        """Whether those that have it are worse off, beyond chance."""
        return self.adjusted <= ALPHA and self.having.share > self.lacking.share


@dataclass(frozen=True, slots=True)
class Together:
    """Rates of the outcome by two values."""

    neither: Rate
    first_only: Rate
    second_only: Rate
    both: Rate

    @property
    def others(self) -> Rate:
        """Of those that do not have both."""
        cells = (self.neither, self.first_only, self.second_only)
        return Rate(sum(cell.count for cell in cells), sum(cell.of for cell in cells))

    @property
    def needs_both(self) -> bool:
        """Whether it takes both: with one alone, at most a quarter of the way from neither to both is gone."""
        limit = self.neither.share + (self.both.share - self.neither.share) / 4
        alone = (self.first_only, self.second_only)
        return all(rate.of >= SUPPORT and rate.share <= limit for rate in alone)


def contrasts(candidates: Sequence[Candidate], bad: Truths) -> list[Contrast]:
    """Every candidate against the outcome, the least p first, Holm-adjusted over all of them."""
    return _adjusted([(each, _p(each, bad)) for each in candidates], bad)


def best(found: Sequence[Contrast]) -> Contrast | None:
    """Of those beyond chance the one of the greatest effect, as supersets and proxies have less; who asked is last."""
    blamed = [each for each in found if each.is_more]
    other = [each for each in blamed if each.candidate.attribute.when is not When.WHO]
    return max(other or blamed, key=lambda each: each.effect, default=None)


def second(first: Contrast, candidates: Sequence[Candidate], bad: Truths) -> Contrast | None:
    """What adds to the first: p within its strata, combined by Fisher's method, Holm-adjusted over all others."""
    left = [each for each in candidates if each is not first.candidate and each.attribute.when is not When.WHO]
    strata = list(_strata(first.candidate))
    tested = [(each, p) for each in left if (p := _stratified(each, bad, strata)) is not None]
    return next((each for each in _adjusted(tested, bad) if each.is_more and each.adjusted <= ALPHA_OF_SECOND), None)


def behind(first: Contrast, candidates: Sequence[Candidate]) -> Contrast | None:
    """What brought about a value that came up as the request ran: the cause that goes with it most."""
    if first.candidate.attribute.when is not When.DURING:
        return None
    causes = [each for each in candidates if each.attribute.when is When.BEFORE and each is not first.candidate]
    found = best(contrasts(causes, first.candidate.has))
    return found if found and found.effect >= _LINKED else None


def together(first: Candidate, other: Candidate, bad: Truths) -> Together:
    """The outcome's rates by both."""
    known = first.known & other.known
    cells = (~first.has & ~other.has, first.has & ~other.has, ~first.has & other.has, first.has & other.has)
    return Together(*(_rate(bad, cell & known) for cell in cells))


def _adjusted(tested: Sequence[tuple[Candidate, float]], bad: Truths) -> list[Contrast]:
    if not tested:
        return []
    adjusted = holm([p for _, p in tested])
    found = [
        Contrast(
            each,
            _rate(bad, each.has & each.known),
            _rate(bad, ~each.has & each.known),
            p,
            float(corrected),
            _phi(each.has[each.known], bad[each.known]),
        )
        for (each, p), corrected in zip(tested, adjusted, strict=True)
    ]
    return sorted(found, key=lambda each: (each.p, -each.effect))


def _rate(bad: Truths, among: Truths) -> Rate:
    return Rate(int((bad & among).sum()), int(among.sum()))


def _p(candidate: Candidate, bad: Truths, among: Truths | None = None) -> float:
    """One-sided: Fisher's exact test of a word, Mann and Whitney's of a number."""
    among = candidate.known if among is None else among & candidate.known
    bad = bad[among]
    if bad.all() or not bad.any():
        return 1.0
    if candidate.values is not None:
        values = candidate.values[among]
        side: Literal["greater", "less"] = "greater" if candidate.is_above else "less"
        return max(_LEAST_P, float(stats.mannwhitneyu(values[bad], values[~bad], alternative=side).pvalue))
    has = candidate.has[among]
    hits = int((has & bad).sum())
    return max(_LEAST_P, float(stats.hypergeom.sf(hits - 1, len(bad), int(bad.sum()), int(has.sum()))))


def _phi(has: Truths, bad: Truths) -> float:
    """Pearson's correlation of two truths; 0 where one of them does not vary."""
    spread = float(np.sqrt(has.mean() * (1 - has.mean()) * bad.mean() * (1 - bad.mean()))) if len(has) else 0.0
    return float(((has & bad).mean() - has.mean() * bad.mean()) / spread) if spread else 0.0


def _strata(first: Candidate) -> Iterator[Truths]:
    """The peers by the first value: with and without it, or by quarters of its number."""
    if first.values is None:
        yield from (first.has, ~first.has)
        return
    limits = np.unique(np.quantile(first.values[first.known], np.linspace(0, 1, _STRATA + 1)[1:-1]))
    place = np.searchsorted(limits, np.where(first.known, first.values, 0.0), side="right")
    yield from (first.known & (place == each) for each in range(len(limits) + 1))


def _stratified(candidate: Candidate, bad: Truths, strata: Sequence[Truths]) -> float | None:
    """None where no stratum can tell."""
    told = [each & candidate.known for each in strata if _can_tell(candidate, bad, each)]
    if not told or not is_judged(candidate):
        return None
    found = [_p(candidate, bad, each) for each in told]
    return max(_LEAST_P, float(stats.combine_pvalues(found, method="fisher").pvalue))


def _can_tell(candidate: Candidate, bad: Truths, stratum: Truths) -> bool:
    among = stratum & candidate.known
    having, failing = int((candidate.has & among).sum()), int((bad & among).sum())
    size = int(among.sum())
    return _FEW <= having <= size - _FEW and _FEW <= failing <= size - _FEW
