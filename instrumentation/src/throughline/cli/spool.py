"""`throughline spool`: what of an application's records waits on this machine's disk, and sends it; makes no record."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from throughline.cli import wording
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, reported
from throughline.cli.options import Json, write_json
from throughline.records import left_over
from throughline.records.left_over import Chain, Status
from throughline.settings import SPOOL, Settings, default_spool

EXAMPLES: Final = "Examples: throughline spool · throughline spool send --wait 30 · throughline spool --json"
_POLL: Final = 0.1

group = typer.Typer(invoke_without_command=True, rich_markup_mode="rich", epilog=EXAMPLES)

Folder = Annotated[
    Path | None,
    typer.Option(help=f"The spool's folder; by default {SPOOL}, else where auto-instrumentation puts it."),
]


@group.callback()
@reported()
def spool(context: typer.Context, folder: Folder = None, json: Json = False) -> None:
    """Show the records that wait on this machine's disk until the Collector has them, chain by chain.

    A process that lives delivers its own. What a dead one left is delivered by the next process with the same folder,
    at its first record; `throughline spool send` does so now. Refused are those that the Collector never took.
    """
    if context.invoked_subcommand is not None:
        context.obj = folder
        return
    settings = _settings(Endpoints.find().variables, folder)
    status = _status(_root(settings))
    if json:
        for chain in status.chains:
            write_json({"state": _state(chain), **asdict(chain)})
        write_json({"refused": status.refused})
        return
    _show(status, _root(settings))


@group.command(epilog=EXAMPLES)
@reported()
def send(
    context: typer.Context,
    folder: Folder = None,
    wait: Annotated[float, typer.Option(min=0.1, help="Seconds until it gives up; what is left stays there.")] = 60.0,
    json: Json = False,
) -> None:
    """Deliver now what dead processes left, and close their chains; living ones deliver theirs themselves.

    Run it with the application's own settings: where it sends by OTEL_EXPORTER_OTLP_…, the spool's key, the signing key
    (without it, chains are delivered but stay open) and the anchor. Exit code 1 if some remain.
    """
    variables = Endpoints.find().variables
    settings = _settings(variables, folder or context.obj)
    root = _root(settings)
    found = {chain.id for chain in _status(root).chains if not chain.is_alive}
    if found:
        with _delivering(settings, variables):
            _await(root, found, wait)
    left = [chain for chain in _status(root).chains if chain.id in found]
    if json:
        write_json({"delivered": len(found) - len(left), "left": len(left)})
    else:
        _tell(len(found) - len(left), len(left), root)
    if left:
        raise typer.Exit(1)


def _tell(delivered: int, left: int, root: Path) -> None:
    typer.echo(f"{delivered} chains of dead processes delivered, {left} left in {root}")
    if left:
        typer.echo("next: see what is in the way with `throughline doctor`; nothing is lost meanwhile")


@contextmanager
def _delivering(settings: Settings, variables: Mapping[str, str]) -> Iterator[None]:
    from throughline.records.journal import Journal

    for name, value in variables.items():  # the exporter reads where to from the process's environment
        if name.startswith("OTEL_EXPORTER_OTLP_"):
            os.environ.setdefault(name, value)
    with ExitStack() as stack:
        try:
            journal = Journal.open(settings, {})
        except ValueError as error:
            raise bad_input(str(error), "use the settings of the application whose spool it is") from None
        stack.callback(journal.close, 0.0)
        journal.deliver_left_over()
        yield


def _await(root: Path, chains: set[str], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and chains & {chain.id for chain in _status(root).chains}:
        time.sleep(_POLL)


def _settings(variables: Mapping[str, str], folder: Path | None) -> Settings:
    named = {**variables, SPOOL: str(folder or variables.get(SPOOL) or default_spool(variables))}
    try:
        return Settings.from_environment(named)
    except ValueError as error:
        raise bad_input(str(error), "correct the variable") from None


def _root(settings: Settings) -> Path:
    if settings.spool is None:
        raise bad_input(f"{SPOOL} is off", "name the spool's folder with --folder")
    return settings.spool.expanduser().absolute()


def _status(root: Path) -> Status:
    try:
        return left_over.status(root)
    except OSError as error:
        advice = "run this as the application's user"
        raise bad_input(f"{root} cannot be looked at: {error.strerror}", advice) from None


def _state(chain: Chain) -> str:
    return "living" if chain.is_alive else "left over"


def _show(status: Status, root: Path) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("chain", no_wrap=True)
    for heading in ("state", "service"):
        table.add_column(heading, overflow="fold")
    for heading in ("records", "bytes", "statements"):
        table.add_column(heading, justify="right")
    for chain in status.chains:
        sealed = ", sealed" if chain.key else ""
        counts = (chain.waiting_records, chain.waiting_bytes, chain.statements)
        row = (chain.id, f"{_state(chain)}{sealed}", wording.printable(chain.service))
        table.add_row(*row, *(f"{count:,}" for count in counts))
    console = Console()
    console.print(table if status.chains else f"nothing waits in {root}")
    if status.refused:
        console.print(f"[red]{status.refused:,} refused[/] in {root / 'refused'}: the Collector never took them")
    if any(not chain.is_alive for chain in status.chains):
        console.print("[dim]throughline spool send delivers what is left over[/]")
