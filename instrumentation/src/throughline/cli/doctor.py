"""`throughline doctor`: runs every check and says what to do next; the checks are beside it."""

import os
from collections import Counter

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli import wording
from throughline.cli.checking import Check, State
from throughline.cli.endpoints import Endpoints
from throughline.cli.options import Json, write_json
from throughline.cli.process_checks import process_checks
from throughline.cli.stack_checks import stack_checks
from throughline.servers import without_logins

_MARKS = {State.OK: ("✓", "green"), State.WARNING: ("!", "yellow"), State.FAILED: ("✗", "red")}


def doctor(json: Json = False) -> None:
    """Check Python, clients and their patches, settings, Collector, Elasticsearch and Jaeger; say what to do.

    Run it in the application's environment: clients and settings are looked at where this command runs.
    Exit code 0 if nothing failed; warnings do not count.
    """
    endpoints = Endpoints.find()
    checks = [*process_checks(os.environ), *stack_checks(endpoints)]
    if json:
        for check in checks:
            write_json(
                {"check": check.name, "state": check.state, "found": without_logins(check.found), "next": check.advice}
            )
    else:
        _show(checks, Console())
    if any(check.state is State.FAILED for check in checks):
        raise typer.Exit(1)


def _show(checks: list[Check], console: Console) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(width=1)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for check in checks:
        mark, colour = _MARKS[check.state]
        table.add_row(Text(mark, colour), check.name, Text(wording.printable(without_logins(check.found))))
        if check.advice:
            table.add_row("", "", Text.assemble(("next: ", "bold"), wording.printable(check.advice)))
    console.print(table)
    counts = Counter(check.state for check in checks)
    console.print(f"{counts[State.OK]} fine, {counts[State.WARNING]} warnings, {counts[State.FAILED]} failed")
