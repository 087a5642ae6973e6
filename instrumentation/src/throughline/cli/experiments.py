"""`throughline experiments`: lists those of a folder of prompts, stops and starts them; compares nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli import wording
from throughline.cli.failures import bad_input, not_found, reported
from throughline.cli.options import Json, write_json
from throughline.cli.prompts import Folder, folder_of, hint_at_problems, library, look

if TYPE_CHECKING:
    from throughline.prompts import Snapshot, Stop

EXAMPLES: Final = (
    "Examples: throughline experiments · throughline experiments stop help-desk-wording --reason 'answers too long' · "
    "throughline experiments start help-desk-wording"
)

group = typer.Typer(invoke_without_command=True, rich_markup_mode="rich", epilog=EXAMPLES)

Name = Annotated[str, typer.Argument(help="The experiment's name, as experiments.yaml has it.")]


@group.callback()
@reported()
def experiments(context: typer.Context, folder: Folder = None, json: Json = False) -> None:
    """List the experiments of a folder of prompts: what they compare, for which share of whom, and how they stand.

    They are declared in experiments.yaml. `throughline compare` says what came of one.
    """
    if context.invoked_subcommand is not None:
        context.obj = folder
        return
    path = folder_of(folder)
    snapshot, stops = look(path), library().stops(path)
    if json:
        for name in snapshot.experiments:
            write_json(_as_json(snapshot, stops, name))
        return
    if not snapshot.experiments:
        raise not_found(f"no experiment in {path}", "declare one in experiments.yaml there")
    Console().print(_listed(snapshot, stops))
    hint_at_problems(snapshot)


@group.command(epilog=EXAMPLES)
@reported()
def stop(
    context: typer.Context,
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; it stands in the list for as long as it is stopped.")] = "",
    folder: Folder = None,
) -> None:
    """Stop an experiment at once: within a second everybody gets the control, wherever this folder is seen.

    It makes the file stopped/NAME.yaml in the folder, which is all that is needed, and needs no other file to be sound.
    """
    path = folder_of(folder or context.obj)
    known = look(path).experiments
    if known and name not in known:
        raise not_found(f"no experiment {name}", f"there are {', '.join(known)}")
    _changed(path, lambda: library().stop(path, name, reason.strip()))
    typer.echo(f"{name} is stopped: everybody gets the control from now on, where {path} is seen")
    typer.echo(f"next: throughline experiments start {name}, or take it out of experiments.yaml")


@group.command(epilog=EXAMPLES)
@reported()
def start(context: typer.Context, name: Name, folder: Folder = None) -> None:
    """Let a stopped experiment go on; everybody gets the variant again that he had."""
    path = folder_of(folder or context.obj)
    was_stopped = _changed(path, lambda: library().start(path, name))
    snapshot = look(path)
    if name not in snapshot.experiments:
        raise not_found(f"no experiment {name}", f"there are {', '.join(snapshot.experiments) or 'none'}")
    if snapshot.experiments[name].stopped:
        raise not_found(f"{name} is stopped by experiments.yaml", "take `stopped: true` out there")
    state = snapshot.state(name, datetime.now(UTC))
    typer.echo(f"{name} is {state}" if was_stopped else f"{name} was not stopped: it is {state}")


def _changed(path: Path, change: Any) -> Any:
    try:
        return change()
    except library().PromptError as error:
        raise bad_input(str(error), "see `throughline experiments`") from None
    except OSError as error:
        advice = "run this as one who may write there, or set `stopped: true` in experiments.yaml where it comes from"
        raise bad_input(f"{path} cannot be written: {error.strerror}", advice) from None


def _as_json(snapshot: Snapshot, stops: dict[str, Stop], name: str) -> dict[str, Any]:
    experiment = snapshot.experiments[name]
    told = experiment.model_dump(mode="json", exclude={"stopped"})
    stopped = stops.get(name)
    return {
        "experiment": name,
        "state": snapshot.state(name, datetime.now(UTC)),
        **told,
        "stopped": {"at": stopped.at, "by": stopped.by, "reason": stopped.reason} if stopped else None,
    }


def _listed(snapshot: Snapshot, stops: dict[str, Stop]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("experiment", "prompt", "state", "variants", "of", "guard-rails", ""):
        table.add_column(heading, overflow="fold")
    for name, experiment in snapshot.experiments.items():
        variants = [
            f"{variant} {share:.0%}{' (control)' if variant == experiment.control else ''}"
            for variant, share in experiment.shares().items()
        ]
        low, high = experiment.share
        of = f"{high - low:.0%} of {experiment.unit}s" + (f" in {experiment.group}" if experiment.group else "")
        rails = [f"{each.metric} by {each.worse_than:g}" for each in experiment.guardrails]
        state = snapshot.state(name, datetime.now(UTC))
        why = Text(wording.printable(_why(stops.get(name))))
        table.add_row(name, experiment.prompt, state, ", ".join(variants), of, ", ".join(rails), why)
    return table


def _why(stopped: Stop | None) -> str:
    return " ".join(part for part in (stopped.at, stopped.by, stopped.reason) if part) if stopped else ""
