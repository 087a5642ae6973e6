"""Hands lanes' parcels to the Collector, and finds out whose fault it is when it takes them not. It runs no thread.

While the Collector is away all waits, for ever. A record that it refuses while it takes others is set aside: batches
are halved until it stands alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final

from throughline.records.export import Exporter
from throughline.records.lanes import MOST_RECORDS, Lane, Parcel

_LONGEST_PAUSE: Final = 10.0
_chance = random.SystemRandom()  # the application may count on the numbers that its own seed gives
_PATIENCE: Final = 5
"""How often a record is refused while another is taken, until it is set aside."""
_LONG_PATIENCE: Final = 4
"""As often where the Collector says that it might take it later."""


@dataclass(slots=True)
class Counts:
    """What became of records and chains in this process."""

    delivered: int = 0
    refused: int = 0
    """Set aside."""
    dropped: int = 0
    """Lost, as the spool was full."""
    statements: int = 0
    anchored: int = 0
    adopted: int = 0
    """Chains of dead processes."""
    unknown_key: int = 0
    """Chains left alone, at the last look, because they are sealed under a key that we do not have."""


class Courier:
    """One connection, made when first needed."""

    def __init__(self, counts: Counts, say: Callable[..., None], pause: float) -> None:
        self._counts, self._say, self._pause = counts, say, pause
        self.exporter: Exporter | None = None
        self.trouble = 0  # failures since the last success
        self._accepted: Parcel | None = None  # shows, sent again, whether a refusal is the record's fault

    @property
    def pause(self) -> float:
        """How long to leave the Collector alone."""
        return min(self._pause * 2.0 ** min(self.trouble - 1, 16), _LONGEST_PAUSE)

    def deliver(self, lane: Lane) -> bool:
        """One batch of it; whether that got it ahead."""
        parcels = [] if lane.not_before > monotonic() else lane.source.next(lane.most)
        if not parcels:
            return False
        if self._sends(parcels):
            self._succeeded(lane, parcels)
            return True
        was_transient = self.exporter is not None and self.exporter.was_transient
        if (was_transient and self.trouble % 4 < 3) or not self._takes_others(parcels):  # most likely it is away
            self.trouble += 1
            self._say("records wait on disk: the Collector cannot be reached, or takes none")
            return False
        self.trouble = 0
        if len(parcels) > 1:
            lane.most = len(parcels) // 2
            return True
        return self._refused(lane, parcels[0], _LONG_PATIENCE if was_transient else _PATIENCE)

    def _sends(self, parcels: list[Parcel]) -> bool:
        if self.exporter is None:
            self.exporter = Exporter()
        return self.exporter.send([parcel.record for parcel in parcels])

    def _takes_others(self, refused: list[Parcel]) -> bool:
        """Whether the Collector takes a record now that it took before, or another of these."""
        other = self._accepted or (_chance.choice(refused[1:]) if len(refused) > 1 else None)
        if other is None or not self._sends([other]):
            return False
        self._accepted = other
        return True

    def _succeeded(self, lane: Lane, parcels: list[Parcel]) -> None:
        self.trouble = lane.refusals = 0
        lane.most = min(lane.most * 2, MOST_RECORDS)
        self._accepted = min(parcels, key=lambda parcel: parcel.size)
        lane.source.settle(parcels)
        if isinstance(parcels[0].of, str):
            self._counts.statements += len(parcels)
        else:
            self._counts.delivered += len(parcels)

    def _refused(self, lane: Lane, parcel: Parcel, patience: int) -> bool:
        lane.refusals += 1
        if lane.refusals < patience:
            lane.not_before = monotonic() + min(self._pause * 2.0 ** (lane.refusals - 1), _LONGEST_PAUSE)
            return False
        lane.source.set_aside(parcel)
        lane.refusals = 0
        self._counts.refused += 1
        self._say("the Collector takes other records, but not one, which is set aside in the spool's folder refused")
        return True
