"""`throughline score`: scores answers that are stored already, and records that as evaluations, each once."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from throughline.cli import wording
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, not_found, unreachable
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Model, Prompt, Service, Since, Until, User, write_json
from throughline.cli.scorers import NAMES, scorers_of
from throughline.evaluations import Evaluation
from throughline.scores.batch import stored as answers
from throughline.scores.batch.delivery import OccupiedError, UndeliveredError, own_settings
from throughline.scores.batch.recording import Recording
from throughline.scores.batch.rescoring import MOST_FAILURES, Batch, Tally, UnansweredError
from throughline.scores.batch.scorers import Planned, Scorer
from throughline.scores.batch.stored import Stored
from throughline.store.queries import Search

EXAMPLES: Final = (
    "Examples: throughline score groundedness refusal --since 1d · throughline score json:shape.json --prompt extract "
    "--dry-run · throughline score faithfulness --judge-model gpt-4o-mini --since 1d --sample 0.1"
)
_ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
_PATIENCE_SECONDS: Final = 60


Checks = Annotated[list[str], typer.Argument(metavar="CHECK…", help=f"What to score by: {NAMES}.")]
Variant = Annotated[str | None, typer.Option(help="Only of this prompt variant.", show_default=False)]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many answers, the newest.", show_default=False)]
Sample = Annotated[float, typer.Option(min=0.0, max=1.0, help="Only this share of the traces, always the same ones.")]
JudgeModel = Annotated[
    str | None, typer.Option(help="The judge's model, asked by the package openai.", show_default=False)
]
JudgeAsk = Annotated[
    str | None,
    typer.Option(metavar="MODULE:FUNCTION", help="The judge, by any client: messages → reply.", show_default=False),
]
Parallel = Annotated[int, typer.Option(min=1, max=64, help="So many answers before the judge at once.")]
Wait = Annotated[
    float, typer.Option(min=0.1, help="Seconds to wait for the Collector; what is left the next run delivers.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Score, but record nothing and ask no judge.")]


def score(
    checks: Checks,
    since: Since = None,
    until: Until = None,
    prompt: Prompt = None,
    variant: Variant = None,
    user: User = None,
    model: Model = None,
    service: Service = None,
    limit: Limit = None,
    sample: Sample = 1.0,
    judge_model: JudgeModel = None,
    judge_ask: JudgeAsk = None,
    parallel: Parallel = 4,
    wait: Wait = 60.0,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Score answers that are stored already: by rules, by functions of your own, or by a judge.

    Each score is recorded as an evaluation of its answer, by the Collector, with the identity that the answer had. What
    was scored before by the same rule or judge is left alone: run it again, or after it broke off, and each is there
    once. Answers whose content was not recorded, or is sealed, are counted. Exit code 1: none matches, or some failed.
    """
    first, last = read_period(since, until)
    search = Search(user=user, model=model, prompt=prompt, variant=variant, service=service, since=first, until=last)
    run = _Run(scorers_of(checks, judge_model, judge_ask), search, limit, sample, parallel, None if dry_run else wait)
    endpoints = Endpoints.find()
    if not dry_run and not endpoints.variables.get(_ENDPOINT, "").strip():
        raise bad_input(
            f"{_ENDPOINT} is not set, so that scores could not be recorded",
            f"set it to the Collector's address, as {_ENDPOINT}=http://127.0.0.1:4317, or see them by --dry-run",
        )
    with endpoints.elasticsearch() as store:
        client = store.options(request_timeout=_PATIENCE_SECONDS, max_retries=2, retry_on_timeout=True)
        tally = run.tally(client, endpoints.variables)
    _tell(tally, json=json, dry_run=dry_run)
    if tally.failed:
        raise not_found(f"{tally.failed.total()} scores failed: {_listed(tally.failed)}", "run it again for these")


@dataclass(frozen=True, slots=True)
class _Run:
    """What was asked for."""

    scorers: list[Scorer]
    search: Search
    limit: int | None
    sample: float
    parallel: int
    wait: float | None
    """Seconds; None: a trial, of which nothing is recorded."""

    def tally(self, client: Elasticsearch, variables: Mapping[str, str]) -> Tally:
        """Do it, and tell what was done."""
        total = min(answers.count(client, self.search), self.limit or sys.maxsize)
        if not total:
            raise not_found("no answer matches", "loosen the search, or see with `throughline records` what there is")
        found = answers.pages(client, self.search)
        with closing(found), _recording(variables, client, self.wait) as recording:
            keep = recording.keep if recording is not None else _forget
            with _threads(self.parallel) as executor:
                batch = Batch(client, self.scorers, keep, executor, sample=self.sample, is_trial=self.wait is None)
                tally = _scored(batch, _limited(found, total), total)
            if recording is not None and self.wait is not None:
                recording.finish(self.wait)
        return tally


@contextmanager
def _recording(variables: Mapping[str, str], client: Elasticsearch, wait: float | None) -> Iterator[Recording | None]:
    """None, where `wait` is none, for nothing is to be recorded then."""
    if wait is None:
        yield None
        return
    for name, value in variables.items():  # the exporter reads where to from the process's environment
        if name.startswith("OTEL_EXPORTER_OTLP_"):
            os.environ.setdefault(name, value)
    try:
        recording = Recording(own_settings(variables), client)
    except OccupiedError:
        raise bad_input("another `throughline score` is running here", "wait until it is done") from None
    except ValueError as error:
        raise bad_input(str(error), "correct the variable") from None
    try:
        recording.begin(wait)
        yield recording
    except UndeliveredError as error:
        advice = "nothing is lost: see `throughline doctor`, and run this again, which goes on where it broke off"
        raise unreachable(str(error), advice) from None
    finally:
        recording.close()


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Where something ends the run early, what these have not begun they do not begin."""
    with ThreadPoolExecutor(count) as executor:
        try:
            yield executor
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise


def _forget(_stored: Stored, _plan: Planned, _evaluation: Evaluation) -> None:
    """Of a trial."""


def _limited(pages: Iterator[list[Stored]], most: int) -> Iterator[list[Stored]]:
    """The first so many."""
    left = most
    for page in pages:
        yield page[:left]
        left -= len(page)
        if left <= 0:
            return


def _scored(batch: Batch, pages: Iterator[list[Stored]], total: int) -> Tally:
    """All of it, with a bar for who waits."""
    tally, console = Tally(), Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("scoring answers", total=total)
        try:
            for done in batch.run(pages, tally):
                progress.update(bar, completed=done)
        except UnansweredError as error:
            raise unreachable(
                f"the judge failed {MOST_FAILURES} times in a row ({error})",
                "see that its model, address and key are right; what was scored so far is recorded",
            ) from None
    return tally


def _tell(tally: Tally, *, json: bool, dry_run: bool) -> None:
    if json:
        write_json(_as_json(tally, dry_run=dry_run))
        return
    console = Console()
    if tally.figures:
        console.print(_table(tally))
    what = "scores, of which nothing is recorded" if dry_run else "new scores"
    console.print(f"{tally.records:,} answers, {tally.made:,} {what}, {tally.known:,} that were there before")
    for reason, count in tally.passed_over.most_common():
        console.print(f"{count:,} passed over: {reason}")
    if tally.to_ask:
        console.print(f"{tally.to_ask:,} that a judge would be asked for")


def _table(tally: Tally) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("score", "by", "label"):
        table.add_column(heading, overflow="fold")
    for heading in ("answers", "mean"):
        table.add_column(heading, justify="right")
    for (name, scorer, label), figures in sorted(tally.figures.items()):
        mean = "" if figures.mean is None else f"{figures.mean:.3f}"
        table.add_row(*(Text(wording.printable(each)) for each in (name, scorer, label)), f"{figures.count:,}", mean)
    return table


def _as_json(tally: Tally, *, dry_run: bool) -> dict[str, Any]:
    scores = [
        {"name": name, "scorer": scorer, "label": label, "answers": figures.count, "mean": figures.mean}
        for (name, scorer, label), figures in sorted(tally.figures.items())
    ]
    counts = {"answers": tally.records, "new": tally.made, "known": tally.known, "to_ask": tally.to_ask}
    return {**counts, "dry_run": dry_run, "passed_over": tally.passed_over, "failed": tally.failed, "scores": scores}


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())
