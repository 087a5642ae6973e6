"""Progress on stderr, for what takes longer than a moment; nothing is drawn before, nor left behind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PATIENCE: Final = 2.0
"""Seconds before anything is shown."""


class Counting:
    """How many were done so far, and of how many where that is known."""

    def __init__(self, what: str, total: int | None) -> None:
        columns = SpinnerColumn(), TextColumn(what), MofNCompleteColumn(), TimeElapsedColumn()
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task(what, total=total)
        self._since = time.monotonic()

    def advance(self, more: int) -> None:
        """So many more."""
        self._progress.advance(self._task, more)
        self._show()

    def reach(self, done: int, total: int) -> None:
        """So many now."""
        self._progress.update(self._task, completed=done, total=total)
        self._show()

    def end(self) -> None:
        """Take it away."""
        if self._progress.live.is_started:
            self._progress.stop()

    def _show(self) -> None:
        if time.monotonic() - self._since > PATIENCE and not self._progress.live.is_started:
            self._progress.start()


@contextmanager
def counting(what: str, total: int | None = None) -> Iterator[Counting]:
    """While this runs, `what` is counted."""
    shown = Counting(what, total)
    try:
        yield shown
    finally:
        shown.end()
