"""What `throughline compare` was asked for, and what it shows of it: table, JSON, page; compares nothing itself."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli.failures import bad_input
from throughline.cli.options import write_json
from throughline.cli.wording import printable

if TYPE_CHECKING:
    from throughline.comparison.comparing import Finding
    from throughline.comparison.effects import Interval
    from throughline.comparison.planning import Asked
    from throughline.comparison.running import Outcome

_COLOURS: Final = {"better": "bold green", "worse": "bold red", "invalid": "bold red", "alike": "cyan", "open": "dim"}
_LEAST: Final = {"users": 110, "p95": 110, "requests": 100, "p": 100}
"""Columns of a terminal below which a figure gives way; --json has all."""
_RIGHT: Final = ("requests", "users", "value", "p95", "effect", "p")


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options as they were written."""

    prompt: str | None
    experiment: str | None
    version: str | None
    model: str | None
    service: str | None
    since: str | None
    until: str | None
    baseline: str | None
    once: bool
    alpha: float
    matters: list[str]
    better: list[str]
    expect: str | None
    all_traffic: bool


def asked(wanted: Wanted) -> Asked:
    """The options as the library takes them. CommandError for what makes no sense."""
    from throughline.comparison.metrics import Wishes, read_better, read_margin
    from throughline.comparison.planning import Asked
    from throughline.comparison.searching import Selection

    selection = Selection(
        wanted.prompt or "", wanted.experiment, wanted.version, wanted.model, wanted.service, wanted.since, wanted.until
    )
    margins = {name: _read(read_margin, size, "--matters") for name, size in _pairs(wanted.matters, "--matters")}
    better = {name: _read(read_better, way, "--better") for name, way in _pairs(wanted.better, "--better")}
    expected = None if wanted.expect is None else _weights(wanted.expect)
    wishes = Wishes(margins, better)
    return Asked(selection, wanted.baseline, wanted.once, wanted.alpha, wishes, expected, wanted.all_traffic)


def _pairs(written: list[str], option: str) -> list[tuple[str, str]]:
    pairs = [each.rpartition("=") for each in written]
    if wrong := [each for each, (name, equals, _) in zip(written, pairs, strict=True) if not (name and equals)]:
        raise bad_input(f"{option} {wrong[0]} names no metric and value", f"write {option} latency=…")
    return [(name, value) for name, _, value in pairs]


def _read(reader: Any, written: str, option: str) -> Any:
    try:
        return reader(written)
    except ValueError:
        advice = "write 5% of the baseline's value, 0.02 in the metric's unit, or 1pp for a percentage point"
        advice = advice if option == "--matters" else "write lower, higher or neither"
        raise bad_input(f"{option}: {written} makes no sense", advice) from None


def _weights(written: str) -> dict[str, float]:
    if written.strip() == "equal":
        return {}
    try:
        weights = {name: float(weight) for name, weight in _pairs(written.split(","), "--expect")}
    except ValueError:
        weights = {}
    if (
        not weights
        or not all(math.isfinite(each) and each >= 0 for each in weights.values())
        or not sum(weights.values())
    ):
        raise bad_input(f"--expect {written} makes no sense", "write equal, or weights as concise=2,stepwise=1")
    return weights


def show(outcome: Outcome, *, json: bool) -> None:
    """On the terminal: sentences first, then a table of all figures; or a line of JSON a variant and metric."""
    from throughline.comparison import wording
    from throughline.comparison.page import ordered

    if json:
        for finding in ordered(outcome):
            write_json(_as_json(outcome, finding))
        return
    console, comparison = Console(), outcome.comparison
    for sentence in wording.sentences(comparison):
        console.print(Text(printable(sentence)))
    console.print()
    console.print(_table(outcome, console.width))
    console.print(Text(f"{wording.preamble(comparison)} {printable(wording.split(comparison))}".strip(), "dim"))
    for note in outcome.notes:
        console.print(Text.assemble(("note: ", "yellow"), printable(note)))


def _table(outcome: Outcome, width: int) -> Table:
    from throughline.comparison import page

    table = Table(title=printable(_title(outcome)), title_justify="left", box=None, pad_edge=False, header_style="dim")
    shown = [place for place, heading in enumerate(page.HEADINGS) if width >= _LEAST.get(heading, 0)]
    for place in shown:
        heading = page.HEADINGS[place]
        table.add_column(heading, justify="right" if heading in _RIGHT else "left", no_wrap=heading != "verdict")
    last = None
    for finding in page.ordered(outcome):
        if last not in (None, finding.metric):
            table.add_section()
        told = [Text(printable(each)) for each in page.cells(outcome, finding)]
        told[0] = Text() if last == finding.metric else told[0]
        last = finding.metric
        told.append(Text(page.said(finding), _COLOURS.get(finding.verdict, "")))
        table.add_row(*(told[place] for place in shown))
    return table


def _title(outcome: Outcome) -> str:
    selection, comparison = outcome.plan.selection, outcome.comparison
    parts = [selection.prompt, f"version {selection.version}" if selection.version else "", selection.experiment or ""]
    counts = ", ".join(
        f"{name} {count:,} requests of {comparison.users[name]:,} users" for name, count in comparison.requests.items()
    )
    return f"{' · '.join(filter(None, parts))}: {counts}"


def _as_json(outcome: Outcome, finding: Finding) -> dict[str, Any]:
    comparison, found = outcome.comparison, finding.effect
    told: dict[str, Any] = {
        "prompt": outcome.plan.selection.prompt,
        "experiment": outcome.plan.selection.experiment,
        "variant": finding.variant,
        "baseline": comparison.terms.baseline,
        "metric": finding.metric.name,
        "better": finding.metric.better,
        "requests": finding.requests,
        "users": finding.users,
        "value": _finite(finding.value),
        "p95": finding.tail,
        "verdict": finding.verdict,
    }
    if found is not None:
        told |= {
            "effect": _ends(found.difference),
            "relative": _ends(found.relative),
            "matters": str(finding.metric.margin),
            "superiority": _finite(found.superiority),
            "p_value": _finite(found.p_value),
            "p_adjusted": finding.p_value,
            "needed": finding.needed,
            "looks": "one" if comparison.terms.once else "any",
        }
    balance = comparison.balance
    return {**told, "split": None if balance is None else asdict(balance), "notes": list(outcome.notes)}


def _ends(interval: Interval) -> dict[str, float | None]:
    return {"value": _finite(interval.value), "low": _finite(interval.low), "high": _finite(interval.high)}


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def write_page(outcome: Outcome, file: Path) -> None:
    """Write the report. CommandError where a package is missing or the file cannot be written."""
    from throughline.comparison.page import page

    selection = outcome.plan.selection
    period = f"{selection.since or 'the first record'} to {selection.until or 'now'}"
    subtitle = f"{_title(outcome)} · {period} · made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC from records"
    try:
        with Console(stderr=True).status("drawing the report"):
            text = page(outcome, subtitle)
        file.write_text(text, encoding="utf-8")
    except ModuleNotFoundError as missing:
        raise bad_input(f"--html needs the package {missing.name}", "pip install 'throughline[compare]'") from None
    except OSError as error:
        raise bad_input(f"{file} cannot be written: {error.strerror}", "name another file for --html") from None


def guard(outcome: Outcome, folder: Path | None) -> None:
    """Stop the experiment where a guard-rail of it is certainly broken, and say so."""
    experiment, name = outcome.plan.experiment, outcome.plan.selection.experiment
    if experiment is None or folder is None or name is None:
        raise bad_input("no experiment's guard-rails are known", "let THROUGHLINE_PROMPTS or --folder name its folder")
    from throughline.comparison.guarding import breaches, unmeasured
    from throughline.comparison.wording import change
    from throughline.prompts import PromptError, stop

    rails = [(each.metric, each.worse_than) for each in experiment.guardrails]
    broken = breaches(outcome.comparison, rails)
    for missing in unmeasured(outcome.comparison, rails):
        known = ", ".join(sorted({each.metric.name for each in outcome.comparison.findings}))
        typer.echo(f"guard-rail {missing} of {name} guards nothing: no request has it; there are {known}", err=True)
    if not broken:
        typer.echo(f"guard-rails of {name}: none of {len(rails)} is broken", err=True)
        return
    reasons = [f"{each.finding.variant}: {each.finding.metric.label} {change(each.finding)}, "
               f"worse than {each.worse_than:g} allows" for each in broken]  # fmt: skip
    try:
        stop(folder, name, "; ".join(reasons))
    except (PromptError, OSError) as error:
        raise bad_input(f"{name} cannot be stopped: {error}", f"throughline experiments stop {name}") from None
    typer.echo(f"{name} is stopped: {printable('; '.join(reasons))}", err=True)
