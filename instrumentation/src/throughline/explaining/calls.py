"""Why a model call took longer than its peers': a longer answer, a slower one, the wait before it, or retries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import stats

from throughline import names
from throughline.explaining.requests import Step, number

Part = Literal["waiting", "retries", "longer answer", "slower answer"]
_MOST: Final = 400
"""A line through all pairs of points is drawn through so many points at most."""
_LEAST: Final = 10


@dataclass(frozen=True, slots=True)
class Share:
    """One reason why a call took longer than its peers', in seconds beyond the typical, with the figures behind it."""

    part: Part
    excess: float
    told: str


@dataclass(frozen=True, slots=True)
class _Call:
    seconds: float
    first: float
    """Seconds until the first chunk; 0 where the answer came whole."""
    streamed: bool
    tokens: float
    attempts: float
    delays: float | None
    """Seconds that the client let pass between attempts; None: unknown."""

    @property
    def generated(self) -> float:
        return max(0.0, self.seconds - self.first)


def shares(call: Step, peers: Iterable[Step], delays: float | None = None) -> list[Share]:
    """The parts of a call's excess, the greatest first; they add up to it. Empty where its tokens, or ten peers' like
    it (streams, or whole answers), are unknown.

    `delays`: seconds that its client is known to have waited between attempts. Where they are unknown, what a call
    that was tried again waited beyond its peers counts as its retries'.
    """
    own = None if call.error else _read(call, delays)
    others = [read for peer in peers if not peer.error and (read := _read(peer, None)) is not None]
    likes = [] if own is None else [peer for peer in others if peer.streamed == own.streamed]
    if own is None or len(likes) < _LEAST:
        return []
    found = _of_stream(own, likes) if own.streamed else _of_whole(own, likes)
    return sorted(found, key=lambda each: -each.excess)


def _read(step: Step, delays: float | None) -> _Call | None:
    read = {name: number(step.attributes.get(name)) for name in _NUMBERS}
    first, tokens = read[names.RESPONSE_TIME_TO_FIRST_CHUNK], read[names.USAGE_OUTPUT_TOKENS]
    if tokens is None:
        return None
    delays = read[names.ATTEMPT_DELAY] if delays is None else delays
    return _Call(step.seconds, first or 0.0, first is not None, tokens, read[names.ATTEMPT_COUNT] or 1.0, delays)


_NUMBERS: Final = (
    names.RESPONSE_TIME_TO_FIRST_CHUNK,
    names.USAGE_OUTPUT_TOKENS,
    names.ATTEMPT_COUNT,
    names.ATTEMPT_DELAY,
)


def _of_stream(own: _Call, peers: Sequence[_Call]) -> Iterator[Share]:
    """The wait ends with the first chunk; what follows is tokens times the time of each."""
    wait, usual, pace = (
        float(np.median([figure(peer) for peer in peers]))
        for figure in (_waited, lambda peer: peer.tokens, lambda peer: peer.generated / max(1.0, peer.tokens))
    )
    beyond = own.first - wait
    retries = _retries(own, beyond)
    yield from retries
    told = f"{own.first:.3g} s until the first chunk, typically {wait:.3g}"
    yield Share("waiting", beyond - sum(each.excess for each in retries), told)
    yield _length(own, usual, pace)
    told = f"{1e3 * own.generated / max(1.0, own.tokens):.3g} ms a token, typically {1e3 * pace:.3g}"
    yield Share("slower answer", own.generated - own.tokens * pace, told)


def _waited(call: _Call) -> float:
    return max(0.0, call.first - (call.delays or 0.0))


def _of_whole(own: _Call, peers: Sequence[_Call]) -> Iterator[Share]:
    """By the line through the peers' tokens and seconds, of which outliers up to a quarter bend nothing."""
    usual = float(np.median([peer.tokens for peer in peers]))
    start, pace = _line(peers)
    expected = start + own.tokens * pace
    retries = _retries(own, own.seconds - expected)
    yield from retries
    yield _length(own, usual, pace)
    told = f"{own.seconds:.3g} s for {own.tokens:.0f} tokens, typically {expected:.3g}"
    yield Share("slower answer", own.seconds - expected - sum(each.excess for each in retries), told)


def _line(peers: Sequence[_Call]) -> tuple[float, float]:
    """Seconds before the first token, and seconds a token: the median of all slopes (Theil 1950, Sen 1968)."""
    drawn = peers[:: -(-len(peers) // _MOST)]
    tokens = np.array([peer.tokens for peer in drawn])
    seconds = np.array([max(0.0, peer.seconds - (peer.delays or 0.0)) for peer in drawn])
    if np.ptp(tokens) == 0:
        return float(np.median(seconds)), 0.0
    pace = max(0.0, float(stats.theilslopes(seconds, tokens).slope))
    return float(np.median(seconds - pace * tokens)), pace


def _retries(own: _Call, beyond: float) -> list[Share]:
    """What they took of the time `beyond` the typical: all of it, where the pauses between attempts are unknown."""
    if own.attempts <= 1:
        return []
    if own.delays is None:
        return [Share("retries", max(0.0, beyond), f"{own.attempts:.0f} attempts; their pauses are not recorded")]
    return [Share("retries", own.delays, f"{own.attempts:.0f} attempts, {own.delays:.3g} s between them")]


def _length(own: _Call, usual: float, pace: float) -> Share:
    return Share("longer answer", (own.tokens - usual) * pace, f"{own.tokens:.0f} tokens, typically {usual:.0f}")
