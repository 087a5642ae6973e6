"""What of a spool goes to the Collector: its records in order, and apart from them its statements. Sends nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from opentelemetry.sdk.resources import Resource

from throughline.records.export import Process, decoded, log_record, statement_record
from throughline.records.segments import Waiting
from throughline.records.spool import Spool

MOST_RECORDS = 512
_MOST_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class Parcel:
    """One log record to send, and what it was made of."""

    record: Any
    size: int
    of: Waiting | str
    time: int


class Source(Protocol):
    """Where parcels come from."""

    def next(self, most: int) -> list[Parcel]:
        """The first ones that wait."""

    def settle(self, parcels: Sequence[Parcel]) -> None:
        """The Collector has them."""

    def set_aside(self, parcel: Parcel) -> None:
        """It never will."""


@dataclass(slots=True)
class Lane:
    """One source and how it fares."""

    source: Source
    spool: Spool
    most: int = MOST_RECORDS
    refusals: int = 0
    """Of its first parcel, while others passed."""
    not_before: float = 0.0


def lanes(spool: Spool, *, anchored: bool) -> list[Lane]:
    """Both of a spool. `anchored`: statements are kept until they are anchored as well as sent."""
    resource = Process(dict(spool.resource))
    return [Lane(Records(spool, resource), spool), Lane(Statements(spool, resource, anchored=anchored), spool)]


class Records:
    """The records of a chain."""

    def __init__(self, spool: Spool, resource: Resource) -> None:
        self._spool, self._resource = spool, resource

    def next(self, most: int) -> list[Parcel]:
        while found := self._spool.oldest(_MOST_BYTES, most):
            parcels = []
            for waiting in found:
                try:
                    parcels.append(self._parcel(waiting))
                except (ValueError, TypeError, KeyError):  # no record, or altered
                    break
            if parcels:
                return parcels
            self._spool.set_aside(found[0])
        return []

    def _parcel(self, waiting: Waiting) -> Parcel:
        payload = decoded(self._spool.payload(waiting))
        record = log_record(payload, self._resource)
        return Parcel(record, len(waiting.frame.payload), waiting, payload["time"])

    def settle(self, parcels: Sequence[Parcel]) -> None:
        last = parcels[-1].of
        if isinstance(last, Waiting):
            self._spool.settle(last, max(parcel.time for parcel in parcels))

    def set_aside(self, parcel: Parcel) -> None:
        if isinstance(parcel.of, Waiting):
            self._spool.set_aside(parcel.of)


class Statements:
    """The statements about a chain."""

    def __init__(self, spool: Spool, resource: Resource, *, anchored: bool) -> None:
        self._spool, self._resource, self._tasks = spool, resource, ("send",) if anchored else ("send", "anchor")

    def next(self, most: int) -> list[Parcel]:
        parcels = []
        for name in self._spool.statements_to("send")[:most]:
            statement = self._spool.statements.read(name)
            record = statement_record(statement, self._resource)
            parcels.append(Parcel(record, 0, name, int(statement["time"])))
        return parcels

    def settle(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._spool.statement_done(str(parcel.of), *self._tasks)

    def set_aside(self, parcel: Parcel) -> None:
        """Its anchored copy has to do."""
        self.settle([parcel])
