"""`python -m native`: the stack from a terminal; everything it does is Stack's."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from native.java import MissingError
from native.part import Part
from native.run_directory import AlreadyRunningError
from native.stack import EVERYTHING, REPOSITORY, Stack
from native.supervisor import PartFailedError, State

RUN = REPOSITORY / ".run"
PAGES = ("GATEWAY_URL", "JAEGER_URL", "ELASTICSEARCH_URL")
INTERRUPTED = 130

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False)
console = Console()


@app.command()
def up(
    parts: Annotated[list[str] | None, typer.Argument(help="only these parts and what they need")] = None,
    run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN,
) -> None:
    """Start the stack and stay until Ctrl-C."""
    with reported_errors(), Stack(run, report=print_progress, names=parts or EVERYTHING) as stack:
        for name in PAGES:
            console.print(f"  {name:<18} {stack.addresses[name]}", highlight=False)
        console.print(f"logs are in {stack.logs}; Ctrl-C stops everything", highlight=False)
        stack.supervisor.watch()


@app.command()
def status(run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN) -> None:
    """Print the running stack's addresses; exit code 1 if none runs."""
    environment = run / "stack.env"
    if not environment.exists():
        console.print(f"no stack runs in {run}", highlight=False)
        raise typer.Exit(1)
    console.print(environment.read_text(), end="", highlight=False)


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
        console.print(f"✗ {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    app()
