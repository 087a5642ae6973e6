"""Signed statements of how far a chain has come, made on a thread of their own. Who keeps and sends them is no matter.

A chain is opened, covered at intervals, and closed; where its process dies first, a later one says so in its place.
"""

from __future__ import annotations

import logging
import threading
from _thread import start_new_thread
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import time_ns
from typing import Any, Literal

from throughline.records import proof
from throughline.records.keys import SigningKey

_log = logging.getLogger(__name__)
Kind = Literal["opened", "interval", "closed", "recovered"]
Add = Callable[[Mapping[str, Any]], None]


def statement(
    key: SigningKey, kind: Kind, chain: str, sequence: int, digest: bytes, service: str, since: int | None = None
) -> dict[str, Any]:
    """What is signed: the chain had this digest at this place now. `since`: the oldest record that it newly covers."""
    now = time_ns()
    return key.signed(
        {
            "version": 1,
            "kind": kind,
            "chain": chain,
            "sequence": sequence,
            "digest": digest.hex(),
            "time": str(now),
            "from": str(min(since, now) if since is not None else now),
            "service": service,
        }
    )


class Checkpoints:
    """The statements of one chain. The first is made when the chain has its first record.

    `noted` is called for each record by whoever holds `lock`; nothing is signed there, nor anything waited for.
    """

    def __init__(
        self, key: SigningKey, chain: str, service: str, add: Add, lock: threading.Lock, *, seconds: float, records: int
    ) -> None:
        self._key, self._chain, self._service, self._add, self._lock = key, chain, service, add, lock
        self._seconds, self._records = seconds, records
        self._sequence, self._digest, self._covered = -1, proof.GENESIS, -1
        self._since: int | None = None
        self._due = threading.Event()
        self._signing = threading.Lock()
        self._is_opened = self._is_closed = self._is_working = False
        self._said: set[str] = set()

    def noted(self, sequence: int, digest: bytes, time: int) -> None:
        """The chain has this record now."""
        self._sequence, self._digest = sequence, digest
        if self._since is None or time < self._since:
            self._since = time
        if sequence - self._covered >= self._records:
            self._due.set()
        if not self._is_working:
            with suppress(RuntimeError):  # too many threads, or the process ends, and the end signs by itself
                start_new_thread(self._work, ())
                self._is_working = True

    def close(self) -> None:
        """Close the chain, on the thread that asks."""
        self._state("closed")
        self._due.set()

    def abandon(self) -> None:
        """State nothing more: others will."""
        with self._signing:
            self._is_closed = True
        self._due.set()

    def _work(self) -> None:
        self._state("opened")
        while not self._is_closed:
            self._due.wait(self._seconds)
            self._due.clear()
            self._state("interval")

    def _state(self, kind: Kind) -> None:
        """Make the next statement, where there is something to state."""
        with self._signing:
            if self._is_closed:
                return
            self._is_closed = kind == "closed"
            try:
                self._make(kind)
            except Exception as error:  # a full disk, say; the next statement covers the same records
                self._say(kind, error)

    def _make(self, kind: Kind) -> None:
        with self._lock:
            sequence, digest, since = self._sequence, self._digest, self._since
            if kind != "opened":
                self._since = None
        if kind == "opened" or not self._is_opened:
            if sequence < 0:  # nothing was ever recorded
                return
            self._add(statement(self._key, "opened", self._chain, -1, proof.GENESIS, self._service))
            self._is_opened = True
        if kind == "opened" or (kind == "interval" and sequence == self._covered):
            return
        try:
            self._add(statement(self._key, kind, self._chain, sequence, digest, self._service, since))
        except BaseException:
            with self._lock:  # what it would have covered, the next one has to
                self._since = since if self._since is None else min(self._since, since or self._since)
            raise
        self._covered = sequence

    def _say(self, kind: str, error: Exception) -> None:
        if (text := f"{kind}, {type(error).__qualname__}") not in self._said:
            self._said.add(text)
            _log.warning("a checkpoint could not be kept (%s); the next one covers its records (said once)", text)
