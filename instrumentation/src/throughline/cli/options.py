"""Options that several commands take, in one wording; they do nothing here."""

import json
from typing import Annotated, Any

import typer

from throughline.cli.moments import ACCEPTED

Json = Annotated[bool, typer.Option("--json", help="Write JSON for scripts instead of a table.")]
Since = Annotated[str | None, typer.Option(help=f"Only from this moment on: {ACCEPTED}.", show_default=False)]
Until = Annotated[str | None, typer.Option(help="Only up to this moment, written likewise.", show_default=False)]
User = Annotated[str | None, typer.Option(help="Only of this user id.", show_default=False)]
Model = Annotated[str | None, typer.Option(help="Only of this requested model.", show_default=False)]
Prompt = Annotated[str | None, typer.Option(help="Only of the prompt of this name.", show_default=False)]
Service = Annotated[str | None, typer.Option(help="Only from this service.", show_default=False)]


def write_json(value: Any) -> None:
    """One line of JSON."""
    typer.echo(json.dumps(value, default=str))
