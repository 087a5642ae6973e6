"""One chain while it is written: each record gets its place once the spool has it. It knows neither calls nor settings.

What has no room becomes a gap, which the chain itself tells of.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from time import time_ns
from typing import Any, Final

from throughline import names
from throughline.records.chain import Chain, Prepared, linked
from throughline.records.checkpoints import Checkpoints
from throughline.records.courier import Counts
from throughline.records.gaps import Gaps
from throughline.records.spool import Head, Spool, SpoolFullError
from throughline.settings import WhenFull

_FRAME: Final = 256
"""More bytes than the spool needs around a record."""


class Ledger:
    """Takes records from any thread; what costs time is done before the lock is held."""

    def __init__(self, chain: Chain, spool: Spool, limit: int, when_full: WhenFull, counts: Counts) -> None:
        self.chain, self.spool, self._limit, self._when_full, self._counts = chain, spool, limit, when_full, counts
        self.lock = threading.Lock()
        self.checkpoints: Checkpoints | None = None
        self.is_doubtful = False
        """Whether a record may be in the spool that the chain does not know: it goes on in another one."""
        self._head, self._gaps, self._is_closed = Head(), Gaps(), False

    def put(self, event: str, attributes: Mapping[str, Any], time: int, trace: int, span: int) -> bool:
        """Keep a record, as long as that takes where the owner wants so; False where it cannot be kept at all.

        Raises OSError where the disk fails.
        """
        prepared = self.chain.prepared(event, attributes, time, trace, span)
        while True:
            with self.lock:
                if self._is_closed or self.is_doubtful:
                    return False
                try:
                    return self._put(prepared, time)
                except SpoolFullError:
                    if self._when_full is not WhenFull.BLOCK:
                        return self._refused()
            self.spool.wait_for_space(1.0)

    def close(self, seconds: float) -> None:
        """End the chain, and wait so long for the rest of it to be delivered; what is not, another process delivers."""
        if self.is_doubtful:
            self.abandon()
        with self.lock:
            if self._is_closed:
                return
            with suppress(SpoolFullError, OSError):  # then nothing tells of them
                self._tell_gaps()
            self._is_closed = True
        if self.checkpoints is not None:
            self.checkpoints.close()
        self.spool.close(seconds)

    def abandon(self) -> None:
        """Leave a doubtful chain as a dead process would: what is on the disk counts, and not what is known here."""
        with self.lock:
            self._is_closed = True
        if self.checkpoints is not None:
            self.checkpoints.abandon()
        self.spool.close(keep=True)

    def _put(self, prepared: Prepared, time: int) -> bool:
        try:
            self._tell_gaps()
            self._write(prepared, time)
        except SpoolFullError:
            if len(prepared.payload) + _FRAME > self._limit // 2:
                return False  # all others would have to go for this one
            if self._when_full is not WhenFull.DROP_OLDEST:
                raise
            self._make_room(prepared, time)
        return True

    def _make_room(self, prepared: Prepared, time: int) -> None:
        """Drop what is oldest until this record, and what tells of the dropped ones, have room."""
        while (dropped := self.spool.drop_oldest()) is not None:
            self._gaps.dropped(*dropped)
            self._counts.dropped += dropped.last - dropped.first + 1
            try:
                self._tell_gaps()
                self._write(prepared, time)
            except SpoolFullError:
                continue
            return
        raise SpoolFullError("nothing is left to drop")

    def _refused(self) -> bool:
        self._gaps.refused()
        self._counts.dropped += 1
        return True

    def _tell_gaps(self) -> None:
        for gap in self._gaps.unsaid():
            now = time_ns()
            self._write(self.chain.prepared(names.CHAIN_GAP, gap.attributes(), now, 0, 0), now)
            gap.said_at = self._head.sequence

    def _write(self, prepared: Prepared, time: int) -> None:
        sequence = self._head.sequence + 1
        digest, payload = linked(prepared, sequence, self._head.digest)
        try:
            self.spool.append(head := Head(sequence, digest), payload)
            self._head = head
        except (SpoolFullError, OSError):
            raise
        except BaseException:  # an interrupt, which may have come before or after the record was written
            self.is_doubtful = True
            raise
        if self.checkpoints is not None:
            self.checkpoints.noted(sequence, digest, time)
