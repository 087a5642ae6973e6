"""What happened to a request beside its peers: whether it failed or was slow, and which peers fared alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from throughline.explaining.attributes import LEAST_PEERS, SUPPORT
from throughline.explaining.candidates import Truths
from throughline.explaining.requests import Failure, Request

Verdict = Literal["failed", "slow", "ordinary"]
_SLOW_PERCENTILE: Final = 95.0
_UPPER_QUARTER: Final = 75.0
_TWICE: Final = 2.0
_SLOWEST: Final = 10


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a request took among those of its peers that did not fail."""

    seconds: float
    percentile: float
    """So many percent of the peers took less; half of those that took as long count."""
    typical: float
    """The peers' median, in seconds."""
    limit: float
    """From so many seconds on a peer counts as slow like this one."""
    is_limit_lowered: bool
    """Whether fewer than ten were as slow as that, so that the ten slowest count."""

    @property
    def is_slow(self) -> bool:
        """Beyond the 95th percentile, or in the upper quarter and twice the median."""
        twice = self.seconds >= _TWICE * self.typical and self.percentile >= _UPPER_QUARTER
        return self.percentile >= _SLOW_PERCENTILE or twice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened, and which of the peers to compare with it."""

    verdict: Verdict
    duration: Duration | None
    """None where no peer succeeded."""
    failure: Failure | None
    alike: int
    """So many peers fared as it did."""
    compared: tuple[Request, ...]
    """The peers that fared alike, and those that fared well."""
    bad: Truths = field(repr=False)
    """Which of these fared alike."""
    is_any_failure: bool = False
    """Whether too few failed with the same error, so that every failure counts."""

    @property
    def can_tell(self) -> bool:
        """Whether there are enough of either kind to compare."""
        return len(self.compared) >= LEAST_PEERS and SUPPORT <= self.alike <= len(self.compared) - SUPPORT


def outcome(request: Request, peers: Sequence[Request]) -> Outcome:
    """Failure first; a request that did not fail is compared with those that did not."""
    well = [peer for peer in peers if peer.failure is None]
    duration = _duration(request.seconds, np.array([peer.seconds for peer in well])) if well else None
    if request.failure is not None:
        return _failed(request.failure, duration, well, peers)
    limit = duration.limit if duration else 0.0
    bad = np.array([peer.seconds >= limit for peer in well], dtype=np.bool_)
    verdict: Verdict = "slow" if duration and duration.is_slow else "ordinary"
    return Outcome(verdict, duration, None, int(bad.sum()), tuple(well), bad)


def _failed(failure: Failure, duration: Duration | None, well: list[Request], peers: Sequence[Request]) -> Outcome:
    failing = [peer for peer in peers if peer.failure is not None]
    alike = [peer for peer in failing if peer.failure == failure]
    is_any = len(alike) < SUPPORT < len(failing)
    compared = (*(failing if is_any else alike), *well)
    bad = np.arange(len(compared)) < len(compared) - len(well)
    return Outcome("failed", duration, failure, len(alike), compared, bad, is_any)


def _duration(own: float, others: np.typing.NDArray[np.float64]) -> Duration:
    """Slow is what is nearer to this request than to the median, as ratios go.

    The limit depends on the request and on all durations alike, on no attribute, so that it favours none.
    """
    typical = float(np.median(others))
    percentile = 100 * float((others < own).mean() + (others == own).mean() / 2)
    half = float(np.sqrt(max(own, 0.0) * max(typical, 0.0)))
    tenth = float(np.sort(others)[-min(_SLOWEST, len(others))])
    return Duration(own, percentile, typical, min(half, tenth), tenth < half)
