"""`throughline compare`: what the variants of a prompt do differently, over all records; assigns nobody to one."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError
from rich.console import Console

from throughline.cli import compared, wording
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import CommandError, bad_input, not_found, of_a_part
from throughline.cli.moments import read_period
from throughline.cli.options import Json, Model, Service, Since, Until
from throughline.cli.progress import counting
from throughline.cli.prompts import Folder
from throughline.cli.publishing import Publisher, publishing
from throughline.settings import PROMPTS

if TYPE_CHECKING:
    from throughline.comparison.planning import Asked
    from throughline.comparison.running import Outcome

EXAMPLES: Final = (
    "Examples: throughline compare help-desk · throughline compare help-desk --html report.html · "
    "throughline compare help-desk --matters latency=5% --matters errors=0.5pp --matters groundedness=0.02 · "
    "throughline compare --publish --every 300"
)


def compare(
    prompt: Annotated[str | None, typer.Argument(help="The prompt's name; with --publish: by default all.")] = None,
    since: Since = None,
    until: Until = None,
    model: Model = None,
    service: Service = None,
    version: Annotated[
        str | None, typer.Option(help="Only of this version of the prompt.", show_default=False)
    ] = None,
    experiment: Annotated[
        str | None, typer.Option(help="Only of this experiment; by default the latest, if any.", show_default=False)
    ] = None,
    all_traffic: Annotated[
        bool, typer.Option("--all-traffic", help="Also requests that no experiment assigned to a variant.")
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(help="What others are compared with; by default the experiment's control.", show_default=False),
    ] = None,
    matters: Annotated[
        list[str] | None,
        typer.Option(
            help="The smallest difference that matters, METRIC=5% of the baseline's value, or METRIC=0.02 in its unit.",
            show_default=False,
        ),
    ] = None,
    better: Annotated[
        list[str] | None, typer.Option(help="METRIC=lower, higher or neither.", show_default=False)
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(help="How users should be split: equal, or A=2,B=1; by default as the experiment says.",
                     show_default=False),
    ] = None,
    alpha: Annotated[float, typer.Option(min=0.0001, max=0.2, help="How often to be wrong, over all of it.")] = 0.05,
    once: Annotated[
        bool, typer.Option("--once", help="This is the only look: narrower intervals that no second look may use.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a report of one page, with pictures, here.", show_default=False)
    ] = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Store what is found, for boards and alerts; takes the operator's key.")
    ] = False,
    every: Annotated[
        float | None, typer.Option(min=1, help="With --publish: again after so many seconds.", show_default=False)
    ] = None,
    stop_on_guardrail: Annotated[
        bool, typer.Option("--stop-on-guardrail", help="Stop the experiment if one of its guard-rails is broken.")
    ] = False,
    folder: Folder = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Say what a prompt's variants do differently: latency, errors, tokens, cost, scores, each with its interval.

    Computed from records, which are never sampled, with users as the units. You may look as often as you like and stop
    when you like: intervals and p-values hold for all looks from one beginning on (--once is for a single planned one).
    """
    first, last = read_period(since, until)
    _library()
    wanted = compared.Wanted(
        prompt=prompt, experiment=experiment, version=version, model=model, service=service, since=first, until=last,
        baseline=baseline, once=once, alpha=alpha, matters=matters or [], better=better or [], expect=expect,
        all_traffic=all_traffic,
    )  # fmt: skip
    _check(wanted, publish=publish, every=every, html=html, stop=stop_on_guardrail)
    asked = compared.asked(wanted)
    with ExitStack() as stack:
        endpoints = Endpoints.find()
        client = stack.enter_context(endpoints.elasticsearch())
        publisher = stack.enter_context(publishing(endpoints)) if publish else None
        turn = _Turn(client, asked, publisher, html, _folder(folder), stop_on_guardrail, json, quiet=every is not None)
        if every is None:
            turn.take(None if prompt is None else [prompt])
        while every is not None:
            _patiently(turn, None if prompt is None else [prompt])
            time.sleep(every)


def _library() -> None:
    try:
        import throughline.comparison.running
    except ModuleNotFoundError as missing:
        advice = "pip install 'throughline[cli,compare]'"
        raise bad_input(f"comparing needs the package {missing.name}", advice) from None
    del throughline


def _check(wanted: compared.Wanted, *, publish: bool, every: float | None, html: Path | None, stop: bool) -> None:
    if wanted.prompt is None and not publish:
        raise bad_input("no prompt is named", "see `throughline top prompt`; with --publish all are compared")
    if wanted.prompt is None and html is not None:
        raise bad_input("--html is of one prompt", "name it")
    if every is not None and not publish:
        raise bad_input("--every without --publish has no effect", "add --publish")
    if wanted.once and (every is not None or stop):
        raise bad_input("--once is for a single look", "leave it out: what is shown then holds for any number of looks")
    if html is not None and not html.absolute().parent.is_dir():
        raise bad_input(f"there is no folder {html.absolute().parent}", "make it, or name another file for --html")


def _folder(given: Path | None) -> Path | None:
    named = os.environ.get(PROMPTS, "").strip()
    if given is not None and not given.is_dir():
        raise bad_input(f"{given} is no folder", "let --folder name that of the prompt files")
    return given or (Path(named) if named else None)


def _patiently(turn: _Turn, prompts: list[str] | None) -> None:
    """A turn that fails is said, and the next one tries again."""
    try:
        turn.take(prompts)
    except (CommandError, ApiError, TransportError) as failed:
        told = failed if isinstance(failed, CommandError) else of_a_part(failed)
        _say(f"{datetime.now(UTC):%H:%M:%S} {told}; next: {told.advice}")
    except Exception as fault:  # a part of a stack: were it to end, the stack would
        advice = "throughline compare PROMPT shows what it is"
        _say(f"{datetime.now(UTC):%H:%M:%S} a fault of ours, {type(fault).__name__}; next: {advice}")


def _say(text: str) -> None:
    Console(stderr=True, soft_wrap=True).print(wording.printable(text), markup=False)


@dataclass(frozen=True, slots=True)
class _Turn:
    """All that is done each time."""

    client: Elasticsearch
    asked: Asked
    publisher: Publisher | None
    html: Path | None
    folder: Path | None
    stop: bool
    json: bool
    quiet: bool
    """Whether it says no more than how much was published: what runs for days has a log."""

    def take(self, prompts: list[str] | None) -> None:
        """Compare these prompts, None: all with several variants. CommandError where there is nothing to compare."""
        from throughline.comparison import searching

        experiments = self._experiments()
        for each in prompts or ():
            self._one(each, experiments)
        if prompts is not None:
            return
        found = searching.prompts(self.client, self.asked.selection)
        if not found:
            raise not_found("no prompt has requests of several variants", "see `throughline top variant`")
        for each in found:
            try:
                self._one(each, experiments)
            except CommandError as failed:  # others are no worse for it
                _say(f"{each}: {failed}; next: {failed.advice}")

    def _one(self, prompt: str, experiments: Mapping[str, Any]) -> None:
        asked = replace(self.asked, selection=replace(self.asked.selection, prompt=prompt))
        outcome = _run(self.client, asked, experiments)
        if self.html is not None:
            compared.write_page(outcome, self.html)
        if self.json or not self.quiet:
            compared.show(outcome, json=self.json)
        if self.publisher is not None:
            from throughline.comparison.publishing import reports

            count = self.publisher(reports(outcome))
            _say(f"published: {count} figures of {prompt}")
        if self.stop:
            compared.guard(outcome, self.folder)

    def _experiments(self) -> Mapping[str, Any]:
        if self.folder is None:
            return {}
        from throughline.cli.prompts import look

        try:
            return look(self.folder).experiments
        except CommandError as failed:  # figures are no worse for it; controls and weights are not known
            _say(f"no experiments are known: {failed}; next: {failed.advice}")
            return {}


def _run(client: Elasticsearch, asked: Asked, experiments: Mapping[str, Any]) -> Outcome:
    from throughline.comparison.planning import NothingFoundError, WrongWishError
    from throughline.comparison.running import run

    try:
        with counting("requests read") as count:
            return run(client, asked, experiments, count.advance)
    except NothingFoundError as nothing:
        raise not_found(str(nothing), nothing.advice) from None
    except WrongWishError as wrong:
        raise bad_input(str(wrong), wrong.advice) from None
