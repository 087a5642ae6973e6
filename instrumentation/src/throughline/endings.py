"""Ends that come at a bad moment: in the garbage collector, at exit, in a forked child. It ends nothing by itself.

The collector runs wherever memory is asked for, also while this very thread holds a lock of the SDK: an end that needs
that lock then would wait for ever. A stream still open at exit is lost unless it ends before the SDK shuts down. And a
child that was forked while a stream was open must not end it a second time.
"""

from __future__ import annotations

import atexit
import gc
import os
from _thread import get_ident, start_new_thread
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol


class Open(Protocol):
    """What is open until it ends or its owner lets go of it."""

    done: bool

    def dropped(self) -> None:
        """Its owner let go of it."""


forks = [0]
"""How often a fork has led to this process."""
_open: set[Open] = set()
_deferred: deque[Callable[[], None]] = deque()
_collecting = [0]  # the thread in which the collector runs now
_installed: list[bool] = []


def install() -> None:
    """Watch the collector, the exit and forks; once a process."""
    if not _installed:
        _installed.append(True)
        gc.callbacks.append(_collector)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_forget)


def opened(stream: Open) -> None:
    """This stream is open. The first asks to be called at exit: by then the SDK is set up, and so shuts down later."""
    if len(_installed) == 1:
        _installed.append(True)
        atexit.register(end_all)
    _open.add(stream)


def ended(stream: Open) -> None:
    """It is open no more, if it ever was."""
    _open.discard(stream)


def in_collector() -> bool:
    """Whether the collector interrupted this thread, which may hold any lock."""
    return _collecting[0] == get_ident()


def later(end: Callable[[], None]) -> None:
    """Call `end` in a thread of its own, once the collector is done."""
    _deferred.append(end)


def _collector(phase: str, _info: dict[str, int]) -> None:
    _collecting[0] = get_ident() if phase == "start" else 0
    if phase == "stop" and _deferred:
        with suppress(RuntimeError):  # the process ends, or has too many threads: the next collection tries again
            start_new_thread(_end_deferred, ())  # threading.Thread takes locks, this takes none


def _end_deferred() -> None:
    while _deferred:
        try:
            end = _deferred.popleft()
        except IndexError:  # another thread was quicker
            return
        end()


def end_all() -> None:
    """At exit: end what is open, before anything shuts down that it needs."""
    _end_deferred()
    for stream in list(_open):
        stream.dropped()


def _forget() -> None:
    forks[0] += 1
    _deferred.clear()
    for stream in list(_open):
        stream.done = True
    _open.clear()
