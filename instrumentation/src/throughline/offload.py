"""Large content put aside in a store, its reference staying on span and record; it cuts and masks nothing.

A blob is the JSON of one attribute, named by its SHA-256: the same content is one blob, unless it is sealed, as no two
seals are alike. A thread writes it. What does not fit in its queue, or comes while the store fails, stays where it was;
what it has accepted it tries again.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import json
import logging
import math
import os
import threading
import weakref
from _thread import start_new_thread
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from time import monotonic
from typing import Any

from throughline.blobs import CONTENT_STORE, Reference, Store
from throughline.content import encoded, weight

_log = logging.getLogger(__name__)
_PROBE = hashlib.sha256().hexdigest()  # of nothing: an empty blob shows whether the store is back
_LONGEST_PAUSE = 60.0
_MOST_ATTEMPTS = 5
_REMEMBERED = 3_600.0  # seconds until a blob is written again: a store may let blobs expire by age
_MOST_REMEMBERED = 4_096
_AT_EXIT = 5.0  # seconds


@dataclass(slots=True)
class Counts:
    """What became of large contents in this process."""

    stored: int = 0
    repeated: int = 0
    """In the store, or on the way there, already."""
    refused: int = 0
    """Left where they were."""
    lost: int = 0
    """Referred to but not stored."""


@dataclass(slots=True)
class _Blob:
    data: bytes
    attempts: int = 0


class Offload:
    """Puts aside each attribute of `least` bytes and more, which are counted before JSON escapes anything.

    Raises ValueError for a store that cannot be.
    """

    def __init__(
        self,
        url: str,
        least: int,
        *,
        seal: Callable[[str, bytes], bytes] | None = None,
        most_waiting: int = 64_000_000,
        pause: float = 1.0,
    ) -> None:
        self.store, self.least, self._seal = Store(url), least, seal
        self._most_waiting, self._pause = most_waiting, pause
        self.counts = Counts()
        self._changed = threading.Condition()
        self._waiting: dict[str, _Blob] = {}  # by digest
        self._stored: dict[str, float] = {}  # digest → when
        self._queued = 0  # bytes
        self._trouble = 0  # failures since the last success
        self._working = self._closed = False
        self._said: set[str] = set()
        _watch_process()
        _all.add(self)

    def take(self, content: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[str]]:
        """What stays, and references to what does not."""
        references: dict[str, str] = {}
        for name, value in content.items():
            data = self._large(value)
            if data is None:
                continue
            if self._seal is not None:
                data = self._seal(name, data)
            digest = hashlib.sha256(data).hexdigest()
            if self._accepts(digest, data):
                references[name] = str(Reference(name, self.store.url_of(digest), digest, len(data)))
        if not references:
            return content, []
        return {name: value for name, value in content.items() if name not in references}, list(references.values())

    def flush(self, seconds: float) -> bool:
        """Wait until all that was taken is stored; False when it took longer."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, seconds)

    def close(self, seconds: float = _AT_EXIT) -> None:
        """Take nothing more, and give up what is not stored after so many seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting, seconds)
            given_up = len(self._waiting)
            self.counts.lost += given_up
            self._waiting.clear()
            self._queued = 0
            self._changed.notify_all()
        _all.discard(self)
        if given_up:
            self._say("%d contents that spans and records refer to were not stored before the end", given_up)

    # --- on the application's thread --------------------------------------------------------------------------------

    def _large(self, value: Any) -> bytes | None:
        plain, wide, other = weight(value)
        if plain + 4 * wide + 25 * other < self.least:
            return None
        text = encoded(value)
        try:
            data = text.encode()
        except UnicodeEncodeError:  # half a character
            data = json.dumps(json.loads(text)).encode()
        return data if len(data) >= self.least else None

    def _accepts(self, digest: str, data: bytes) -> bool:
        with self._changed:
            known = monotonic() - self._stored.get(digest, -math.inf) < _REMEMBERED
            if known or (digest in self._waiting and not self._trouble):
                self.counts.repeated += 1
                return True
            fits = self._queued + len(data) <= self._most_waiting
            if fits and not self._closed and not self._trouble and self._is_working():
                self._waiting[digest] = _Blob(data)
                self._queued += len(data)
                self._changed.notify_all()
                return True
            self.counts.refused += 1
        if not fits:
            self._say("the queue is full; what does not fit stays in spans and records")
        return False

    def _is_working(self) -> bool:
        """Whether the thread runs, or could be started. None of `threading`: that would carry somebody's context."""
        if not self._working:
            with suppress(RuntimeError):  # the process ends, or has too many threads
                start_new_thread(self._work, ())
                self._working = True
        return self._working

    def _say(self, text: str, *args: Any) -> None:
        if text not in self._said:
            self._said.add(text)
            _log.warning(f"{CONTENT_STORE}: {text} (said once)", *args)

    # --- on its own thread ------------------------------------------------------------------------------------------

    def _work(self) -> None:
        suppressed = importlib.import_module("opentelemetry.instrumentation.utils").suppress_instrumentation
        with suppressed():  # a store's client may be instrumented, too
            while self._write_one():
                pass

    def _write_one(self) -> bool:
        found = self._next()
        if found is None:
            return False
        digest, data = found
        try:
            self.store.write(digest, data)
        except Exception as error:
            self._failed(digest)
            self._say(
                "writing failed (%s); it is tried again, and until then content stays in spans and records",
                type(error).__qualname__,
            )
        else:
            self._succeeded(digest)
        return True

    def _next(self) -> tuple[str, bytes] | None:
        """What to write next: after a failure and a pause a probe, so that a blob is blamed for its own faults only."""
        with self._changed:
            if self._trouble:
                self._changed.wait(min(self._pause * 2 ** min(self._trouble - 1, 16), _LONGEST_PAUSE))
            else:
                self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed and not self._waiting:
                self._working = False
                return None
            if self._trouble:
                return _PROBE, b""
            digest, blob = next(iter(self._waiting.items()))
            return digest, blob.data

    def _succeeded(self, digest: str) -> None:
        with self._changed:
            self._trouble = 0
            if (blob := self._waiting.pop(digest, None)) is not None:
                self._queued -= len(blob.data)
                self.counts.stored += 1
                if len(self._stored) >= _MOST_REMEMBERED:
                    self._stored.clear()
                self._stored[digest] = monotonic()
            self._changed.notify_all()

    def _failed(self, digest: str) -> None:
        with self._changed:
            self._trouble += 1
            if (blob := self._waiting.pop(digest, None)) is None:
                return
            blob.attempts += 1
            if blob.attempts < _MOST_ATTEMPTS:
                self._waiting[digest] = blob  # behind the others
            else:
                self._queued -= len(blob.data)
                self.counts.lost += 1
                self._changed.notify_all()
        if blob.attempts == _MOST_ATTEMPTS:
            self._say("gave up on a content that spans and records refer to: the store takes others, but not this one")

    def _forget(self) -> None:
        """Begin anew in a forked child: what waits here is its parent's to write."""
        self._changed, self._waiting, self.counts = threading.Condition(), {}, Counts()
        self._queued, self._trouble, self._working = 0, 0, False


_all: weakref.WeakSet[Offload] = weakref.WeakSet()


@cache
def _watch_process() -> None:
    """At exit, store what waits, before the pools that a store's client needs close; in a forked child, forget it."""
    with suppress(RuntimeError):  # the process ends already
        # What registers later is called earlier: fsspec, imported before, has registered the end of thread pools.
        getattr(threading, "_register_atexit", atexit.register)(_close_all)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)


def _close_all() -> None:
    for offload in list(_all):
        offload.close(_AT_EXIT)


def _forget_all() -> None:
    for offload in list(_all):
        offload._forget()
