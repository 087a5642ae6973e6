"""The benchmark's command: CPU that tracing adds to a call, Throughline beside others. No test: asserts nothing."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
from clients import has_rival, names_of_clients, overlays_of
from environments import HERE, ROOT, python_of
from report import Run, markdown, tables
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

_RECORDS = {
    "throughline": (False, True),
    "official": (False,),
    "openllmetry": (False,),
    "openinference": (False,),
    "openlit": (False,),
}
"""Tracer → whether it is measured without and with a logger provider, to which it emits records."""
_ROWS = ("chat small", "chat 32 KB", "stream 200", "responses", "embeddings 100")


def main(
    rows: Annotated[
        str, typer.Option(help="Only OpenAI's rows with one of these comma-separated words in their names, or `none`.")
    ] = "",
    tracers: Annotated[str, typer.Option(help="Only these, comma-separated.")] = ",".join(_RECORDS),
    clients: Annotated[str, typer.Option(help="Only these other clients, comma-separated; `none`, or `all`.")] = "all",
    rounds: Annotated[int, typer.Option(min=5, help="Interleaved rounds for each row; medians are over these.")] = 150,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file, too.")] = None,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print the tables as in the README.")] = False,
) -> None:
    """Measure the CPU time that each tracer adds to a call, as a multiple of OpenTelemetry's SDK used by hand.

    Every tracer runs in an environment and a process of its own, where the uninstrumented call and the floors are
    measured beside it. Times are of the calling thread only; threads that export are not counted. The first table is
    OpenAI's client, which all tracers know; the second has every client, and the one that it is compared with.
    """
    console = Console(stderr=True)
    words = [word.strip() for word in rows.split(",") if word.strip()]
    chosen = [row for row in _ROWS if not words or any(word in row for word in words)]
    names = [name.strip() for name in tracers.split(",")]
    if unknown := set(names) - set(_RECORDS) or (not chosen and rows != "none" and {rows}):
        raise typer.BadParameter(f"no such tracer or row: {', '.join(sorted(unknown))}")
    plans = [(name, content, records) for name in names for content in (False, True) for records in _RECORDS[name]]
    others = {"all": names_of_clients(), "none": []}.get(clients, [name.strip() for name in clients.split(",")])
    if unknown := set(others) - set(names_of_clients()):
        raise typer.BadParameter(f"no such client: {', '.join(sorted(unknown))}")
    groups = [_measure(plans, chosen, rounds, console)] if chosen else []
    groups += [_measure_clients(others, rounds, console)] if others else []
    if json_file:
        json_file.write_text(json.dumps([run.as_json() for runs in groups for run in runs], indent=1) + "\n")
    for runs in groups:
        if as_markdown:
            typer.echo(markdown(runs))
        else:
            Console().print(*tables(runs), sep="\n")


def _measure_clients(names: list[str], rounds: int, console: Console) -> list[Run]:
    """Every client, content off: Throughline without and with records, and the client's rival where it runs."""
    runs = [Run("throughline", content=False, records=records) for records in (False, True)]
    runs.append(Run("rival", content=False, records=False))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("clients", total=len(names) * len(runs))
        for name in names:
            for run in runs:
                if run.title == "rival" and not has_rival(name):
                    progress.advance(task)
                    continue
                progress.update(task, description=f"{name}, {run.heading}")
                command = [str(ROOT / ".venv" / "bin" / "python"), str(HERE / "measuring.py"), run.title]
                command += ["--client", name, "--rounds", str(rounds), *(["--records"] * run.records)]
                try:
                    for line in _lines(command, overlays_of(name, rival=run.title == "rival")):
                        run.add({**line, "row": f"{name} {line['row']}"})
                except typer.Exit:  # said why; the other clients are measured all the same
                    console.print(f"{name}: no figures of {run.heading}")
                progress.advance(task)
    return runs


def _measure(plans: list[tuple[str, bool, bool]], rows: list[str], rounds: int, console: Console) -> list[Run]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    runs = []
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("environments", total=len(plans) * len(rows) * 2)
        for name, content, records in plans:
            run = Run(name, content=content, records=records)
            progress.update(task, description=f"{run.title}, content {'on' if content else 'off'}")
            python = python_of(name, ROOT if name == "throughline" else None)
            arguments = ["--rounds", str(rounds), *(f"--row={row}" for row in rows)]
            arguments += ["--content"] * content + ["--records"] * records
            for line in _lines([str(python), str(HERE / "measuring.py"), name, *arguments]):
                run.add(line)
                progress.advance(task)
            runs.append(run)
    return runs


def _lines(command: list[str], overlays: list[Path] | None = None) -> Any:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, overlays or ()))}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)
        complaint = process.stderr.read()
    if process.returncode:
        raise typer.Exit(_failed(command, complaint))


def _failed(command: list[str], complaint: str) -> int:
    typer.echo(f"{' '.join(command)} failed:\n{complaint[-2000:]}", err=True)
    return 1


if __name__ == "__main__":
    typer.run(main)
