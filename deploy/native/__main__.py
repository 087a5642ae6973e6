"""`python -m native`: the stack from a terminal; everything it does is Stack's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from native.run_directory import is_running
from native.stack import EVERYTHING, RUN, Stack
from native.terminal import console, print_progress, reported_errors

PAGES = ("GATEWAY_URL", "JAEGER_URL", "ELASTICSEARCH_URL")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.command()
def up(
    parts: Annotated[list[str] | None, typer.Argument(help="only these parts and what they need")] = None,
    run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN,
) -> None:
    """Start the stack and stay until Ctrl-C."""
    with reported_errors(), Stack(run, report=print_progress, names=parts or EVERYTHING) as stack:
        for name in PAGES:
            console.print(f"  {name:<18} {stack.addresses[name]}")
        console.print(f"logs are in {stack.logs}; Ctrl-C stops everything", soft_wrap=True)
        stack.supervisor.watch()


@app.command()
def status(run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN) -> None:
    """Print the running stack's addresses; exit code 1 if none is up."""
    environment = run / "stack.env"
    if not (is_running(run) and environment.exists()):
        console.print(f"no stack runs in {run}", soft_wrap=True)
        raise typer.Exit(1)
    console.print(environment.read_text(), end="", soft_wrap=True)


if __name__ == "__main__":
    app()
