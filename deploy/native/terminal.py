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


def print_progress(part: Part, state: State, seconds: float) -> None:
    """One line for each part that is ready, and a quiet one for each that has stopped."""
    if state is State.READY:
        console.print(f"[green]✓[/] {part.name:<16} {'done' if part.is_step else 'ready'} after {seconds:.1f} s")
    elif state is State.STOPPED:
        console.print(f"[dim]  {part.name:<16} stopped[/]")


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
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt
