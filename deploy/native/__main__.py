"""`python -m native`: the stack from a terminal; everything it does is Stack's."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from native.demo import Demo
from native.planted import PRICES
from native.report import send_with_progress, show
from native.run_directory import is_running
from native.stack import EVERYTHING, RUN, Stack
from native.terminal import console, print_progress, reported_errors

PAGES = {"GATEWAY_URL": "the page to ask on", "JAEGER_URL": "Jaeger's query API", "ELASTICSEARCH_URL": "Elasticsearch"}

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_show_locals=False)


@app.command()
def up(
    parts: Annotated[list[str] | None, typer.Argument(help="only these parts and what they need")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="without TLS, roles and keys")] = False,
    run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN,
) -> None:
    """Start the stack and stay until Ctrl-C."""
    with reported_errors(), Stack(run, secure=not plain, report=print_progress, names=parts or EVERYTHING) as stack:
        _print_pages(stack)
        stack.supervisor.watch()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", envvar="DEMO_ONCE", help="end by itself after the checks")] = False,
    requests: Annotated[
        int, typer.Option(envvar="DEMO_REQUESTS", min=300, help="how many questions to ask; fewer compare nothing")
    ] = 400,
    run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN,
) -> None:
    """Start the stack, send mixed traffic through it and show what a user would look for.

    Exit code 0 if every check held, 1 if one did not or a part failed, 130 after Ctrl-C during the run.
    """
    environment = {"DEPLOYMENT_ENVIRONMENT": "demo", "THROUGHLINE_PRICES_FILE": str(PRICES), **os.environ}
    moments = [time.monotonic()]
    with reported_errors(), Stack(run, secure=True, report=print_progress, environment=environment) as stack:
        moments.append(time.monotonic())
        round_of_traffic = Demo(stack, requests)
        send_with_progress(round_of_traffic, console)
        moments.append(time.monotonic())
        sound = all(check.holds for check in show(round_of_traffic, console))
        _print_seconds([*moments, time.monotonic()])
        _print_pages(stack)
        if not once:
            with suppress(KeyboardInterrupt):
                stack.supervisor.watch()
    raise typer.Exit(0 if sound else 1)


def _print_seconds(moments: list[float]) -> None:
    start, traffic, finding = (after - before for before, after in pairwise(moments))
    took = f"{start:.0f} s to start, {traffic:.0f} s of traffic, {finding:.0f} s to find it again"
    console.print(f"[dim]{took}[/]")


def _print_pages(stack: Stack) -> None:
    """Where to look next, and the folder of the logs."""
    for name, what in PAGES.items():
        console.print(f"  {what:<28} {stack.addresses[name]}", soft_wrap=True)
    console.print(f"logs are in {stack.logs}; Ctrl-C stops everything", soft_wrap=True)


@app.command()
def status(run: Annotated[Path, typer.Option(help="folder for state, data and logs")] = RUN) -> None:
    """Print the running stack's addresses; exit code 1 if none is up yet."""
    environment = run / "stack.env"
    if not is_running(run):
        console.print(f"no stack runs in {run}", soft_wrap=True)
        raise typer.Exit(1)
    if not environment.exists():
        console.print(f"the stack in {run} is starting or stopping", soft_wrap=True)
        raise typer.Exit(1)
    console.print(environment.read_text(), end="", soft_wrap=True)


if __name__ == "__main__":
    app()
