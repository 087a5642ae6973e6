"""A bounded line of work that threads do off the request's path: full, it refuses. What the work is its owner says."""

from __future__ import annotations

import atexit
import logging
import os
import queue
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, Final, Generic, TypeVar

_log = logging.getLogger(__name__)
AT_EXIT: Final = 5.0  # seconds, of all lines together
Item = TypeVar("Item")


class Line(Generic[Item]):
    """Takes up to `capacity` items that wait; `work` must not raise."""

    def __init__(self, work: Callable[[Item], None], *, capacity: int, threads: int) -> None:
        self._work, self._capacity, self._most = work, capacity, threads
        self.forget()

    def forget(self) -> None:
        """In a forked child neither threads nor what waits for them are there."""
        self._queue: queue.Queue[Item] = queue.Queue(self._capacity)
        self._starting, self._threads, self._is_closed = threading.Lock(), 0, False

    def put(self, item: Item) -> bool:
        """False, at once, where there is no room or no thread to be had."""
        if self._is_closed or not self._has_thread():
            return False
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            return False
        return True

    def drain(self, seconds: float) -> bool:
        """Wait until all is done; False when it took longer."""
        done = self._queue.all_tasks_done
        with done:
            return done.wait_for(lambda: not self._queue.unfinished_tasks, seconds)

    def close(self, seconds: float) -> int:
        """Take nothing more; how much was not begun within so many seconds."""
        self._is_closed = True
        return 0 if self.drain(seconds) else self._queue.qsize()

    def _has_thread(self) -> bool:
        """With each of the first items comes one more."""
        if self._threads < self._most:
            with self._starting:
                self._start()
        return self._threads > 0

    def _start(self) -> None:
        if self._threads < self._most:
            _watch_process()
            _all.add(self)
            turn = threading.Thread(target=self._turn, args=(self._queue,), name="throughline-judge", daemon=True)
            with suppress(RuntimeError):  # the process ends, or has too many threads
                turn.start()
                self._threads += 1

    def _turn(self, line: queue.Queue[Item]) -> None:
        while True:
            item = line.get()
            try:
                self._work(item)
            finally:
                line.task_done()


_all: weakref.WeakSet[Line[Any]] = weakref.WeakSet()


@cache
def _watch_process() -> None:
    """Asked for with the first item, after what that is recorded by was set up: so it ends before that does."""
    atexit.register(_close_all)
    os.register_at_fork(after_in_child=_forget_all)


def _close_all() -> None:
    lines = list(_all)
    left = sum(line.close(AT_EXIT / len(lines)) for line in lines)
    if left:
        _log.warning("%s answers were not judged, as the process ended before their turn", left)


def _forget_all() -> None:
    for line in list(_all):
        line.forget()
