"""How long the oldest record of a chain waits, remembered in little memory however many wait; it knows no files."""

from __future__ import annotations

from bisect import bisect_right
from time import time
from typing import Final

_MOST: Final = 512
_FINEST: Final = 0.5


class Ages:
    """When records were kept: not of each, but of one at most each half second, and of fewer where there are many.

    So an age may be too great: by half a second, or, where more than 512 moments were to be remembered, by what lies
    between two of those that still are. Its owner holds a lock around every call.
    """

    def __init__(self) -> None:
        self._sequences: list[int] = []
        self._times: list[float] = []
        self._step = _FINEST

    def note(self, sequence: int, moment: float | None = None) -> None:
        """The record of this place was kept, now or at that moment (seconds since the epoch)."""
        moment = time() if moment is None else moment
        if self._times and moment - self._times[-1] < self._step:
            return
        self._sequences.append(sequence)
        self._times.append(moment)
        if len(self._times) > _MOST:
            del self._sequences[1::2], self._times[1::2]
            self._step *= 2

    def oldest(self, settled: int) -> float | None:
        """Seconds since the first record behind this place was kept; None where nothing was noted."""
        if not self._times:
            return None
        passed = max(bisect_right(self._sequences, settled + 1) - 1, 0)
        del self._sequences[:passed], self._times[:passed]
        if len(self._times) < _MOST // 4:
            self._step = _FINEST
        return max(time() - self._times[0], 0.0)
