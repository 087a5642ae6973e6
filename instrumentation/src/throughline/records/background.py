"""A thread that takes turns at something while there is work, started when first woken. What it does is its owner's."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - what is imported later, at the exit perhaps, could not import it then
import importlib
import os
import threading
import weakref
from _thread import start_new_thread
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from time import monotonic
from typing import NamedTuple

_HURRIED = 0.25  # seconds: the longest rest while somebody waits


class Rest(NamedTuple):
    """How long until the next turn."""

    seconds: float
    is_pause: bool = False
    """Nothing but somebody who waits, or the end, shortens it; new work does not."""


class Background:
    """Calls `turn` again and again, in between resting as it says. Waking it costs the caller next to nothing."""

    def __init__(self, turn: Callable[[], Rest], linger: float = 0.0) -> None:
        self._turn, self._linger = turn, linger
        self.forget()
        _watch_forks()
        _all.add(self)

    def forget(self) -> None:
        """In a forked child the thread is not there."""
        self._woken, self._urgent = threading.Event(), threading.Event()
        self._starting, self._ended = threading.Lock(), threading.Event()
        self._is_woken = self._is_working = self.is_stopped = False
        self._hurried_until = 0.0

    def wake(self) -> None:
        """There is something to do."""
        if not self._is_woken:
            self._is_woken = True
            self._woken.set()
        if not self._is_working:
            self._start()

    def hurry(self, seconds: float) -> None:
        """Somebody waits for so long: rest but briefly meanwhile."""
        self._hurried_until = monotonic() + seconds
        self.wake()
        self._urgent.set()

    def stop(self) -> None:
        """Take no further turn."""
        with self._starting:
            self.is_stopped = True
        self._woken.set()
        self._urgent.set()

    def has_ended(self, seconds: float) -> bool:
        """After `stop`: whether its last turn is over, waiting so long for it."""
        return not self._is_working or self._ended.wait(seconds)

    def _start(self) -> None:
        """None of `threading`: that would carry somebody's context."""
        with self._starting, suppress(RuntimeError):  # the process ends, or has too many threads
            if not self.is_stopped and not self._is_working:
                start_new_thread(self._work, ())
                self._is_working = True

    def _work(self) -> None:
        suppressed = importlib.import_module("opentelemetry.instrumentation.utils").suppress_instrumentation
        with suppressed():  # what sends or stores may be instrumented, too
            while not self.is_stopped:
                self._urgent.clear()
                self._woken.clear()
                self._is_woken = False
                self._rest(self._turn())
        self._ended.set()

    def _rest(self, rest: Rest) -> None:
        is_hurried = monotonic() < self._hurried_until
        seconds = min(rest.seconds, _HURRIED) if is_hurried else rest.seconds
        if rest.is_pause:
            self._urgent.wait(seconds)
        elif self._woken.wait(seconds) and not is_hurried:
            self._urgent.wait(self._linger)  # more may come, and go together


_all: weakref.WeakSet[Background] = weakref.WeakSet()


@cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for background in list(_all):
        background.forget()
