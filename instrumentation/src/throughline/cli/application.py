"""The commands under one name, and how any of them ends; what each does is in a module of its own."""

from typing import Annotated

import typer

from throughline.cli import (
    compare,
    diff,
    doctor,
    erase,
    experiments,
    export,
    keys,
    opening,
    prompts,
    records,
    score,
    setup,
    spool,
    top,
    trace,
    verify,
    why,
)
from throughline.cli.failures import reported
from throughline.version import __version__

application = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Parts are found by ELASTICSEARCH_URL and JAEGER_URL, else by the .run/stack.env of a native stack. "
    "Exit codes: 0 done, 1 not found or a failed check, 2 bad input, 3 a part does not answer, "
    "70 a fault of ours, 130 interrupted.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"throughline {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")]


@application.callback()
def throughline(version: Version = False) -> None:
    """Find a request in seconds: how it ran (traces) and what was generated, by whom, when, how (records)."""


application.command(epilog=trace.EXAMPLES)(reported()(trace.trace))
application.command(epilog=records.EXAMPLES)(reported()(records.records))
application.command(epilog=top.EXAMPLES)(reported()(top.top))
application.command(epilog=compare.EXAMPLES)(reported()(compare.compare))
application.command(epilog=why.EXAMPLES)(reported()(why.why))
application.command(epilog=diff.EXAMPLES)(reported()(diff.diff))
application.command(epilog=score.EXAMPLES)(reported()(score.score))
application.command(epilog=verify.EXAMPLES)(reported()(verify.verify))
application.command("open", epilog=opening.EXAMPLES)(reported()(opening.open_sealed))
application.command(epilog=erase.EXAMPLES)(reported()(erase.erase))
application.command(epilog=export.EXAMPLES)(reported()(export.export))
application.command()(reported()(doctor.doctor))
application.command()(reported()(setup.setup))
application.add_typer(prompts.group, name="prompts")
application.add_typer(experiments.group, name="experiments")
application.add_typer(keys.group, name="keys")
application.add_typer(spool.group, name="spool")
