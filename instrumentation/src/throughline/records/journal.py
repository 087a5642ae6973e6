"""Where a process's records go when they are evidence: chained, on disk before the call returns, signed, delivered.

Opens a chain at the first record, another in each forked child, and closes it at exit, after which what comes yet has
one that only the next process delivers. What a record is others decide.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cache, reduce
from operator import or_
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, NamedTuple

from throughline import endings
from throughline.records.anchors import Anchor
from throughline.records.at_rest import read_key
from throughline.records.chain import Chain
from throughline.records.checkpoints import Checkpoints, statement
from throughline.records.keys import SigningKey
from throughline.records.ledger import Ledger
from throughline.records.sender import Sender
from throughline.records.spool import Backlog, Head, Spool
from throughline.settings import ANCHOR, SIGNING_KEY_FILE, SPOOL, SPOOL_KEY_FILE, Settings, WhenFull

_log = logging.getLogger(__name__)
_AT_EXIT: Final = 5.0  # seconds
_FOR_OTHERS: Final = 2.0  # seconds of these for dead processes' chains that are nearly done with
_PAUSE: Final = 5.0  # seconds until a folder that failed is tried again
Resource = Mapping[str, Any] | Callable[[], Mapping[str, Any]]


class UnusableFolderError(ValueError):
    """Nothing can be kept in the spool's folder."""


class Fate(NamedTuple):
    """What became of this process's records, and of those that it delivers for dead ones."""

    waiting: Backlog
    dropped: int
    """So many a full spool lost."""
    refused: int
    """So many the Collector did not take."""


class Journal:
    """Takes records from any thread. Raises ValueError for settings with which nothing could be kept."""

    def __init__(self, settings: Settings, resource: Resource) -> None:
        if settings.spool is None:
            raise ValueError(f"{SPOOL} names no folder, so that records cannot be kept there")
        self._settings, self._resource = settings, resource
        self._root = settings.spool.expanduser().absolute()
        self._spool_key = _spool_key(settings.spool_key_file)
        self._signing_key = _signing_key(settings.signing_key_file)
        self._anchor = _anchor(settings)
        _check(self._root)
        self._sender = self._made_sender()
        self._ledger: Ledger | None = None
        self._opening = threading.Lock()
        self._is_closed, self._takes_late, self._not_before = False, False, 0.0
        self._said: set[str] = set()
        _watch_process()
        _all.add(self)

    @classmethod
    def open(cls, settings: Settings, resource: Resource) -> Journal:
        """The journal of this process; `resource` describes it, and may be known only when the first record comes."""
        return cls(settings, resource)

    def append(
        self, event_name: str, attributes: Mapping[str, Any], *, time: int, trace_id: int = 0, span_id: int = 0
    ) -> bool:
        """Keep a record, masked and sealed before; False where that failed, so that it has to go another way."""
        try:
            ledger = self._current()
            if ledger is None:
                return False
            kept = ledger.put(event_name, attributes, time, trace_id, span_id)
            if not kept and self._takes_late and (late := self._current()) is not None and late is not ledger:
                kept = late.put(event_name, attributes, time, trace_id, span_id)
        except OSError as error:
            if not self._is_closed:
                self._say("records cannot be kept (%s); they go the SDK's way", error)
            return False
        if not kept and not self._is_closed:
            self._say("a record does not fit into the spool; it goes the SDK's way%s")
        return kept

    def flush(self, seconds: float) -> bool:
        """Wait until all records are delivered and all statements anchored; False when it took longer."""
        ledger = self._ledger
        return ledger is None or (ledger.spool.is_drained if self._is_closed else ledger.spool.flush(seconds))

    @property
    def fate(self) -> Fate | None:
        """What waits, here and of dead processes' chains, and what was lost; None once it is closed for good."""
        if self._is_closed and not self._takes_late:
            return None
        ledger, counts = self._ledger, self._sender.counts
        spools = {*self._sender.spools(), *([ledger.spool] if ledger else [])}
        waiting = reduce(or_, (spool.backlog for spool in spools), Backlog())
        return Fate(waiting, counts.dropped, counts.refused)

    def deliver_left_over(self) -> None:
        """Look at once for what dead processes left, rather than at the first record: a server that forks its workers
        must not have sent anything before, as gRPC does not survive that."""
        self._sender.start()

    def close(self, seconds: float = _AT_EXIT, *, at_exit: bool = False) -> None:
        """End the chain, take nothing more; what is not delivered after so many seconds, the next process delivers.

        At exit, what comes yet goes into a chain that nobody waits for: the next process delivers it and ends it.
        """
        with self._opening:
            was_closed, self._is_closed, self._takes_late = self._is_closed, True, at_exit
            ledger, self._ledger = self._ledger, None
        if ledger is not None and was_closed:
            ledger.close(0.0)
        elif ledger is not None:
            ledger.close(seconds)
            self._finish_others(min(seconds, _FOR_OTHERS))
        if not was_closed:
            self._sender.close()
        if not at_exit:
            _all.discard(self)

    def _finish_others(self, seconds: float) -> None:
        """Where all processes are short, each closes the chains of those that died before it."""
        deadline = monotonic() + seconds
        while self._sender.is_recovering and monotonic() < deadline:
            sleep(0.02)

    # --- chains -----------------------------------------------------------------------------------------------------

    def _current(self) -> Ledger | None:
        ledger = self._ledger
        return ledger if ledger is not None and not ledger.is_doubtful else self._another(ledger)

    def _another(self, before: Ledger | None) -> Ledger | None:
        """The next chain: the first of this process, or one in the place of that which an interrupt left in doubt."""
        with self._opening:
            if self._ledger is not before:
                return self._ledger
            if (self._is_closed and not self._takes_late) or monotonic() < self._not_before:
                return None
            if before is not None:
                before.abandon()
            try:
                self._ledger = self._begun()
            except OSError:
                self._ledger, self._not_before = None, monotonic() + _PAUSE
                raise
            return self._ledger

    def _begun(self) -> Ledger:
        settings = self._settings
        chain = Chain(self._resource() if callable(self._resource) else self._resource)
        spool = Spool.create(
            self._root, chain.id, chain.resource,
            limit=settings.spool_bytes, fsync=settings.spool_fsync, key=self._spool_key,
        )  # fmt: skip
        when_full = settings.spool_when_full
        if self._is_closed:  # nobody sends any more, nor makes room
            when_full = WhenFull.DROP_OLDEST if when_full is WhenFull.BLOCK else when_full
            return Ledger(chain, spool, settings.spool_bytes, when_full, self._sender.counts)
        self._sender.serve(spool)
        ledger = Ledger(chain, spool, settings.spool_bytes, when_full, self._sender.counts)
        if self._signing_key is not None:
            ledger.checkpoints = Checkpoints(
                self._signing_key, chain.id, _service(chain.resource), spool.add_statement, ledger.lock,
                seconds=settings.checkpoint_seconds, records=settings.checkpoint_records,
            )  # fmt: skip
        return ledger

    def _made_sender(self) -> Sender:
        anchor = self._anchor.write if self._anchor is not None else None
        recovered = self._recovered if self._signing_key is not None else None
        return Sender(self._root, key=self._spool_key, anchor=anchor, recovered=recovered)

    def _recovered(self, chain: str, head: Head, resource: Mapping[str, Any], newest: int) -> Mapping[str, Any] | None:
        """The last statement about a dead process's chain, in its place."""
        if self._signing_key is None:
            return None
        return statement(self._signing_key, "recovered", chain, *head, _service(resource), newest or None)

    def _say(self, text: str, *args: Any) -> None:
        if text not in self._said:
            self._said.add(text)
            reasons = [getattr(arg, "strerror", None) or type(arg).__qualname__ for arg in args]
            _log.warning(f"{SPOOL}: {text} (said once)", *reasons)

    def _forget(self) -> None:
        """Begin anew in a forked child: the chain is its parent's."""
        self._ledger, self._opening, self._not_before = None, threading.Lock(), 0.0


def _service(resource: Mapping[str, Any]) -> str:
    return str(resource.get("service.name", ""))


def _spool_key(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        import cryptography  # noqa: F401
    except ImportError:
        raise ValueError(
            f"{SPOOL_KEY_FILE} needs the package cryptography: pip install 'throughline[evidence]'"
        ) from None
    try:
        return read_key(path)
    except OSError as error:
        raise ValueError(f"{SPOOL_KEY_FILE}: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ValueError(f"{SPOOL_KEY_FILE}: {error}") from None


def _signing_key(path: Path | None) -> SigningKey | None:
    try:
        return SigningKey(path) if path is not None else None
    except ValueError as error:
        raise ValueError(f"{SIGNING_KEY_FILE}: {error}") from None


def _anchor(settings: Settings) -> Anchor | None:
    if settings.anchor is None:
        return None
    if settings.signing_key_file is None:
        _log.warning("%s has no effect without %s: what is kept there are signed checkpoints", ANCHOR, SIGNING_KEY_FILE)
        return None  # no error, as whoever verifies has that variable, too
    return Anchor(settings.anchor)


def _check(root: Path) -> None:
    """Whether records can be kept there, as far as can be known before there are any."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.access(root, os.R_OK | os.W_OK | os.X_OK):
            return
        reason = "this process may not write there"
    except OSError as error:
        reason = error.strerror or type(error).__qualname__
    raise UnusableFolderError(
        f"{SPOOL}: {root} cannot be used ({reason}); name a folder that this process may write to, or say `off`"
    )


_all: weakref.WeakSet[Journal] = weakref.WeakSet()


@cache
def _watch_process() -> None:
    """At exit, close what is open, after the streams that end then; in a forked child, forget it."""
    atexit.register(_close_all)
    os.register_at_fork(after_in_child=_forget_all)


def _close_all() -> None:
    endings.end_all()
    for journal in list(_all):
        journal.close(at_exit=True)


def _forget_all() -> None:
    for journal in list(_all):
        journal._forget()
