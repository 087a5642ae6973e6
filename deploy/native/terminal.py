"""What the launcher's commands show on a terminal and how they end; it starts and stops nothing."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from rich.console import Console

from native.part import MissingError, Part
from native.run_directory import AlreadyRunningError
from native.supervisor import PartFailedError, State

INTERRUPTED = 130

console = Console(highlight=False)


class Progress:
    """A line for each part that is ready, failed or stopped, and below them, on a terminal, what is waited for."""

    def __init__(self) -> None:
        self._waiting: list[str] = []
        self._below = console.status("")

    def __call__(self, part: Part, state: State, seconds: float) -> None:
        if state is State.STARTING:
            self._waiting.append(part.name)
        elif part.name in self._waiting:
            self._waiting.remove(part.name)
        if state is State.READY:
            console.print(f"[green]✓[/] {part.name:<16} {'done' if part.is_step else 'ready'} after {seconds:.1f} s")
        elif state is State.FAILED:
            console.print(f"[red]✗[/] {part.name:<16} failed after {seconds:.1f} s; stopping the rest")
        elif state is State.STOPPED:
            console.print(f"[dim]  {part.name:<16} stopped[/]")
        if self._waiting and state in {State.STARTING, State.READY}:
            self._below.update(f"waiting for {', '.join(self._waiting)}")
            self._below.start()
        else:
            self._below.stop()


print_progress = Progress()


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn failures into a message and an exit code; SIGTERM and a closed terminal end the stack as Ctrl-C does."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        yield
    except (PartFailedError, MissingError, AlreadyRunningError) as error:
        console.print(f"✗ {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except PermissionError as error:
        advice = "may belong to another account: remove it, or name another folder with --run"
        console.print(f"✗ {error.filename}: {error.strerror}; it {advice}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
