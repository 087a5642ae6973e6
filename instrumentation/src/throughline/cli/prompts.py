"""`throughline prompts`: lists, checks and shows the prompts of a folder; chooses for nobody and asks no model."""

from __future__ import annotations

import importlib
import json as written
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli import wording
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, not_found, reported
from throughline.cli.options import Json, write_json
from throughline.settings import PROMPTS

if TYPE_CHECKING:
    from throughline.prompts import Prompt, Snapshot

EXAMPLES: Final = (
    "Examples: throughline prompts · throughline prompts check --folder prompts · "
    "throughline prompts show help-desk --variant concise --var question='When?' --var passages='[]'"
)

group = typer.Typer(invoke_without_command=True, rich_markup_mode="rich", epilog=EXAMPLES)

Folder = Annotated[
    Path | None, typer.Option(help=f"The folder of prompt files; by default that of {PROMPTS}.", show_default=False)
]


@group.callback()
@reported()
def prompts(context: typer.Context, folder: Folder = None, json: Json = False) -> None:
    """List the prompts of a folder with their versions, variants, owners and latest change; see also `experiments`.

    A prompt is a folder of files, NAME/VERSION.yaml; the highest version is the current one.
    """
    if context.invoked_subcommand is not None:
        context.obj = folder
        return
    path = folder_of(folder)
    snapshot = look(path)
    if json:
        for name, versions in snapshot.prompts.items():
            write_json({"prompt": name, "versions": sorted(versions), **_told(snapshot, name)})
        return
    if not snapshot.prompts:
        raise not_found(f"no prompt in {path}", "put one there as NAME/1.yaml, or see `throughline prompts check`")
    Console().print(_listed(snapshot))
    hint_at_problems(snapshot)


@group.command(epilog=EXAMPLES)
@reported()
def check(context: typer.Context, folder: Folder = None, json: Json = False) -> None:
    """Say all that is wrong with the folder's files, each with its field and what to do; exit code 1 if anything is.

    For a hook or a build: a file that is wrong is not taken by running processes either, which go on with the last
    good one and log it.
    """
    path = folder_of(folder or context.obj)
    snapshot = look(path)
    for problem in snapshot.problems:
        if json:
            write_json({"file": problem.file, "field": problem.field, "message": problem.message})
        else:
            typer.echo(wording.printable(str(problem)))
    if snapshot.problems:
        raise typer.Exit(1)
    if not json:
        versions = sum(len(each) for each in snapshot.prompts.values())
        counts = f"{len(snapshot.prompts)} prompts in {versions} versions and {len(snapshot.experiments)} experiments"
        typer.echo(f"{counts}: all sound")


@group.command(epilog=EXAMPLES)
@reported()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The prompt's name.")],
    version: Annotated[int | None, typer.Option(help="By default the highest.", show_default=False)] = None,
    variant: Annotated[str | None, typer.Option(help="By default the first of the file.", show_default=False)] = None,
    var: Annotated[
        list[str] | None,
        typer.Option(help="A variable as NAME=VALUE: text as it is, every other kind as JSON.", show_default=False),
    ] = None,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Show a prompt as it is written, or with --var as a model would get it."""
    path = folder_of(folder or context.obj)
    prompt = _found(look(path), name, version, variant)
    messages = [{"role": each.role, "content": each.source} for each in prompt.messages]
    if var:
        messages = _rendered(prompt, var)
    if json:
        write_json({**_described(prompt), "messages": messages})
        return
    console = Console(soft_wrap=True)
    for field, value in _described(prompt).items():
        console.print(Text.assemble((f"{field:<14}", "dim"), wording.printable(_said(value))))
    for message in messages:
        console.print(Text.assemble("\n", (message["role"], "bold"), "\n", wording.printable(message["content"])))


def folder_of(given: Path | None) -> Path:
    """The folder that the option or the setting names. CommandError where neither does, or where none is there."""
    named = str(given or Endpoints.find().variables.get(PROMPTS, "")).strip()
    if not named:
        raise bad_input("no folder of prompts is named", f"name it with --folder, or set {PROMPTS}")
    if not Path(named).is_dir():
        raise bad_input(f"{named} is no folder", f"name the folder of prompt files with --folder, or by {PROMPTS}")
    return Path(named)


def library() -> Any:
    """`throughline.prompts`, with what it needs; CommandError where that is not installed."""
    try:
        return importlib.import_module("throughline.prompts")
    except ModuleNotFoundError as missing:
        raise bad_input(str(missing).partition(":")[0], "pip install 'throughline[prompts]'") from None


def look(path: Path) -> Snapshot:
    """What is in the folder now."""
    found: Snapshot = library().look(path)
    return found


def hint_at_problems(snapshot: Snapshot) -> None:
    """One line on stderr, so that a list that lacks something says so."""
    if snapshot.problems:
        typer.echo(f"{len(snapshot.problems)} problems: see `throughline prompts check`", err=True)


def _found(snapshot: Snapshot, name: str, version: int | None, variant: str | None) -> Prompt:
    try:
        variants = snapshot.variants(name, version)
    except library().UnknownPromptError as error:
        raise not_found(str(error), "see `throughline prompts` and `throughline prompts check`") from None
    if variant is None:
        return next(iter(variants.values()))
    if variant not in variants:
        raise not_found(f"{name} has no variant {variant}", f"its variants are {', '.join(variants)}")
    return variants[variant]


def _rendered(prompt: Prompt, pairs: list[str]) -> list[dict[str, str]]:
    try:
        return prompt.render(**dict(_value(prompt, pair) for pair in pairs))
    except library().RenderingError as error:
        raise bad_input(str(error), "give each variable by --var NAME=VALUE") from None


def _value(prompt: Prompt, pair: str) -> tuple[str, Any]:
    name, equals, value = pair.partition("=")
    if not equals:
        raise bad_input(f"--var {pair} has no value", "write --var NAME=VALUE")
    if prompt.variables.get(name, "string") == "string":
        return name, value
    try:
        return name, written.loads(value)
    except ValueError:
        kind = prompt.variables[name]
        raise bad_input(
            f"--var {name} is of kind {kind}, and its value is no JSON", f"write it as JSON: {name}=[]"
        ) from None


def _described(prompt: Prompt) -> dict[str, Any]:
    return {
        "prompt": prompt.name,
        "version": prompt.version,
        "variant": prompt.variant,
        "owner": prompt.owner,
        "changelog": prompt.changelog,
        "template hash": prompt.template_hash,
        "variables": dict(prompt.variables),
        "parameters": dict(prompt.parameters),
    }


def _said(value: Any) -> str:
    return ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else str(value)


def _told(snapshot: Snapshot, name: str) -> dict[str, Any]:
    variants = snapshot.variants(name)
    some = next(iter(variants.values()))
    return {"variants": list(variants), "owner": some.owner, "changelog": some.changelog}


def _listed(snapshot: Snapshot) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("prompt", "versions", "variants", "owner", "latest change"):
        table.add_column(heading, overflow="fold")
    for name, versions in snapshot.prompts.items():
        told = _told(snapshot, name)
        row = (name, ", ".join(map(str, sorted(versions))), ", ".join(told["variants"]))
        table.add_row(*row, *(Text(wording.printable(told[field])) for field in ("owner", "changelog")))
    return table
