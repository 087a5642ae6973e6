"""One chain's records on the disk until the Collector has them. It makes no record, and sends none.

`<root>/<chain>/` holds `lock` (held while the process lives), `resource.json`, `cursor` (up to where all is settled),
the records in files, and `statements/`. Whoever finds a folder that nobody holds may deliver the rest of it.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from throughline.records import folders
from throughline.records.ages import Ages
from throughline.records.at_rest import Sealing, WrongKeyError, key_id
from throughline.records.cursor import Head
from throughline.records.frames import header
from throughline.records.ownership import Ownership
from throughline.records.segments import Dropped, Place, Segments, SpoolFullError, Waiting
from throughline.records.statements import Statements

__all__ = ["Backlog", "Head", "Spool", "SpoolClosedError", "SpoolFullError", "WrongKeyError"]

_RESOURCE = "resource.json"


class SpoolClosedError(OSError):
    """Nothing more is taken: the process ends, or this is its parent's spool."""


class Backlog(NamedTuple):
    """Records that the Collector does not have yet."""

    size: int = 0
    """Bytes."""
    records: int = 0
    oldest: float = 0.0
    """Seconds since the oldest was kept; of a dead process's, since its file was last written to."""

    def __or__(self, other: Backlog) -> Backlog:
        return Backlog(self.size + other.size, self.records + other.records, max(self.oldest, other.oldest))


class Spool:
    """Append-only, bounded, safe to use from several threads. `wake` is called when there is something new to send."""

    def __init__(
        self,
        folder: Path,
        ownership: Ownership,
        segments: Segments,
        sealing: Sealing | None,
        resource: Mapping[str, Any],
    ) -> None:
        self.folder, self.chain_id, self.resource = folder, folder.name, resource
        self.statements = Statements(folder)
        self.wake: Callable[[], None] = _nobody
        self.stated: Callable[[], None] = _nobody
        self.hurry: Callable[[float], None] = _no_hurry
        self.closed = False
        self._ownership, self._segments, self._sealing = ownership, segments, sealing
        self._changed = threading.Condition(threading.Lock())
        self._wanted = 0  # bytes of the record that last did not fit
        self._ages = Ages()
        _watch_forks()
        _all.add(self)

    @classmethod
    def create(
        cls, root: Path, chain_id: str, resource: Mapping[str, Any], *, limit: int, fsync: bool, key: bytes | None
    ) -> Spool:
        """A new chain's folder. It gets its name last, so that nobody takes it for a dead process's meanwhile."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        sealing = Sealing(key, chain_id) if key else None
        new, folder = root / f"{folders.NEW}{chain_id}", root / chain_id
        new.mkdir(mode=0o700)
        ownership = Ownership.create(new)
        segments = Segments(folder, limit=limit, fsync=fsync)
        try:
            described = {"resource": resource, "key": sealing.key_id if sealing else None}
            folders.write_private(new / _RESOURCE, json.dumps(described, default=str).encode(), fsync=fsync)
            (new / "statements").mkdir(mode=0o700)
            new.rename(folder)
            segments.create()
            if fsync:
                folders.sync_folder(root)
        except BaseException:
            ownership.release()
            shutil.rmtree(new, ignore_errors=True)
            raise
        return cls(folder, ownership, segments, sealing, resource)

    @classmethod
    def take_over(cls, folder: Path, key: bytes | None) -> Spool | None:
        """A dead process's; None when somebody owns it. Raises WrongKeyError when it was written under another key."""
        ownership = Ownership.take(folder)
        if ownership is None:
            return None
        segments = Segments(folder, limit=0, fsync=False)
        try:
            described = json.loads((folder / _RESOURCE).read_bytes())
            sealing = _unsealing(folder.name, described["key"], key)
            segments.take_over(lambda rest: folders.set_damaged_aside(folder, rest))
            spool = cls(folder, ownership, segments, sealing, described["resource"])
            if (written := segments.first_written) is not None:
                spool._ages.note(segments.cursor.head.sequence + 1, written)
        except BaseException:
            segments.close()
            ownership.release()
            raise
        return spool

    # --- the application's side -------------------------------------------------------------------------------------

    def append(self, head: Head, payload: bytes) -> None:
        """Keep the record that is the chain's head now. Raises SpoolFullError or OSError, and then has kept nothing."""
        if self._sealing is not None:
            payload = self._sealing.seal(payload, head.sequence, head.digest)
        with self._changed:
            if self.closed:
                raise SpoolClosedError("the spool is closed")
            try:
                self._segments.append(head, payload)
            except SpoolFullError:
                self._wanted = len(payload) + 64
                raise
            self._ages.note(head.sequence)
        self.wake()

    def drop_oldest(self) -> Dropped | None:
        """Give up some of the oldest records; None when there are none."""
        with self._changed:
            dropped = None if self.closed else self._segments.drop_oldest()
            self._changed.notify_all()
            return dropped

    def wait_for_space(self, seconds: float) -> bool:
        """Until what last did not fit would fit; False when it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: self.closed or self._segments.fits(self._wanted), seconds)

    def add_statement(self, statement: Mapping[str, Any]) -> None:
        """Keep a statement about the chain until it is anchored and sent."""
        with self._changed:
            if self.closed:
                raise SpoolClosedError("the spool is closed")
            self.statements.add(statement)
        self.wake()
        self.stated()

    @property
    def waiting_bytes(self) -> int:
        """Of records that the Collector does not have yet."""
        return self._segments.waiting

    @property
    def backlog(self) -> Backlog:
        """What waits now; nothing where the spool is closed."""
        with self._changed:
            segments = self._segments
            if self.closed or not segments.waiting:
                return Backlog()
            age = self._ages.oldest(segments.cursor.head.sequence)
            return Backlog(segments.waiting, segments.count, age or 0.0)

    @property
    def is_drained(self) -> bool:
        """Whether nothing is left to send or to anchor."""
        return not self._segments.waiting and not self.statements.waiting

    def flush(self, seconds: float) -> bool:
        """Wait until nothing is left to send or to anchor; False when it took longer."""
        self.hurry(seconds)
        with self._changed:
            return self._changed.wait_for(lambda: self.closed or self.is_drained, seconds) and self.is_drained

    def close(self, seconds: float = 0.0, *, keep: bool = False) -> None:
        """Wait so long for the rest to be sent. What is left then is for the next process; nothing left, no folder."""
        if seconds and not self.closed:
            self.flush(seconds)
        with self._changed:
            if self.closed:
                return
            self.closed = True
            if self.is_drained and not keep:
                folders.remove(self.folder)
            self._let_go()
            self._changed.notify_all()

    def forget(self) -> None:
        """In a forked child: this is the parent's. Touches no file, and no lock that a thread left behind may hold."""
        self._changed = threading.Condition(threading.Lock())
        self.closed, self.wake, self.stated, self.hurry = True, _nobody, _nobody, _no_hurry
        self._let_go()

    def _let_go(self) -> None:
        self._segments.close()
        self._ownership.release()

    # --- the sender's side ------------------------------------------------------------------------------------------

    @property
    def head(self) -> Head:
        """The last record ever appended, whether it is still here or not."""
        return self._segments.head

    @property
    def settled_time(self) -> int:
        """Of the newest record that was settled, as far as its sender knew it."""
        return self._segments.cursor.time

    def oldest(self, most_bytes: int, most_records: int) -> list[Waiting]:
        """The first records that wait, in order; their payloads are sealed still."""
        while (place := self._place()) is not None:
            if records := place.read(most_bytes, most_records):  # without the lock, for which calls wait
                return records
            with self._changed:
                first = None if self.closed else self._segments.place
                if first is not None and first[:2] == place[:2]:
                    folders.set_damaged_aside(self.folder, self._segments.give_up_oldest())
        return []

    def _place(self) -> Place | None:
        with self._changed:
            return None if self.closed else self._segments.place

    def payload(self, record: Waiting) -> bytes:
        """As it was appended."""
        frame = record.frame
        if self._sealing is None:
            return frame.payload
        return self._sealing.open(frame.payload, frame.sequence, frame.digest)

    def settle(self, record: Waiting, time: int = 0) -> None:
        """The Collector has all up to this record, whose time this is."""
        with self._changed:
            if self.closed:
                return
            self._segments.settle(record, time)
            self._changed.notify_all()
        self._segments.sweep()

    def set_aside(self, record: Waiting) -> None:
        """Keep a record that the Collector will not have, sealed as it is, where it holds up no other."""
        frame = record.frame
        folders.set_aside(self.folder, f"{self.chain_id}.json", (self.folder / _RESOURCE).read_bytes())
        whole = header(frame.sequence, frame.digest, frame.payload) + frame.payload
        folders.set_aside(self.folder, f"{self.chain_id}-{frame.sequence:012d}.frame", whole)
        self.settle(record)

    def statements_to(self, task: str) -> list[str]:
        """Names of the statements that are still to "send" or to "anchor"."""
        with self._changed:
            return [] if self.closed else self.statements.waiting_to(task)

    def statement_done(self, name: str, *tasks: str) -> None:
        """It is sent, or anchored, or both."""
        with self._changed:
            if not self.closed:
                self.statements.done(name, *tasks)
                self._changed.notify_all()


_all: weakref.WeakSet[Spool] = weakref.WeakSet()


@cache
def _watch_forks() -> None:
    """A child writes nothing into its parent's files, whether or not somebody tells it to."""
    os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for spool in list(_all):
        spool.forget()


def _unsealing(chain_id: str, written_under: str | None, key: bytes | None) -> Sealing | None:
    ours = key_id(key) if key else None
    if written_under is None:
        return None
    if key is None or written_under != ours:
        raise WrongKeyError(f"the spool was written under key {written_under}, and the one given is {ours or 'none'}")
    return Sealing(key, chain_id)


def _nobody() -> None:
    """Nobody sends yet."""


def _no_hurry(seconds: float) -> None:
    """Nobody sends yet."""
