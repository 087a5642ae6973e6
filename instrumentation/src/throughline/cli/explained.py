"""An explanation as tables, and as JSON for scripts; what it says in sentences is in `reasons.py`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from throughline.cli import reasons
from throughline.cli.wording import duration, printable
from throughline.explaining.contrast import Contrast
from throughline.explaining.explanation import Explanation
from throughline.explaining.stored import Peers
from throughline.explaining.timing import Excess

_MOST: Final = 10


def show(found: Explanation, peers: Peers, console: Console) -> None:
    """First what is to be known, then the figures behind it, then what to do."""
    console.print(Text(reasons.summary(found), "bold"))
    console.print(Text(_compared(found, peers), "dim"))
    for table in (_steps(found), _inside(found), _values(found), _scores(found)):
        if table.row_count:
            console.print()
            console.print(table)
    console.print()
    for command in _next(found, peers):
        console.print(Text.assemble(("next: ", "bold"), command), soft_wrap=True)  # to be copied as it is


def _compared(found: Explanation, peers: Peers) -> str:
    circle, said = peers.circle, [f"peers: {len(found.outcome.compared):,}, {peers.circle.words}"]
    if peers.is_fallback:
        said.append("too few, or none, have its prompt")
    if found.outcome.is_any_failure:
        said.append("too few failed with the same error, so that every failure counts")
    if found.outcome.verdict == "slow" and found.outcome.duration:
        said.append(f"slow: from {duration(found.outcome.duration.limit)} on")
    if peers.is_cut:
        said.append("some have more records than were read: use fewer --peers")
    return printable(f"{'; '.join(said)}; {circle.since[:16]} to {circle.until[:16]} UTC")


def _steps(found: Explanation) -> Table:
    table = _table("where the time went", "step", "took", "typical", "p95", "excess", "of all excess")
    for step in found.steps:
        if not step.seconds and found.outcome.failure:  # it did not come to be
            continue
        part = f"{100 * step.excess / found.excess:.0f} %" if found.excess > 0 else "-"
        beside = (duration(step.typical), duration(step.high), reasons.plus(step.excess), part)
        shown = beside if found.outcome.duration else ("-",) * len(beside)
        table.add_row(Text(printable(step.step)), duration(step.seconds), *shown)
    return table


def _inside(found: Explanation) -> Table:
    table = _table("inside the longest model call", "part", "excess", "")
    table.columns[2].justify = "left"
    for each in found.inside:
        table.add_row(each.part, reasons.plus(each.excess), each.told)
    return table


def _values(found: Explanation) -> Table:
    """The likeliest first. With too few peers their rates are facts, and their p-values would say nothing."""
    bad = "failed" if found.outcome.verdict == "failed" else "slow"
    columns = ("value", f"{bad} with it", f"{bad} without", *(("p, adjusted",) if found.outcome.can_tell else ()))
    table = _table("what it has", *columns)
    blamed = {id(each.candidate) for each in (found.first, found.second) if each}
    if found.outcome.verdict == "ordinary":
        return table
    for each in found.judged[:_MOST]:
        style = "bold red" if id(each.candidate) in blamed else ""
        rates = (f"{reasons.share(rate)} of {rate.of:,}" for rate in (each.having, each.lacking))
        chance = (f"{each.adjusted:.2g}",) if found.outcome.can_tell else ()
        table.add_row(_words(each, style), *rates, *chance)
    return table


def _words(each: Contrast, style: str) -> Text:
    also = f" (always with {', '.join(each.candidate.also)})" if each.candidate.also else ""
    return Text.assemble((printable(each.candidate.words), style), (printable(also), "dim"))


def _scores(found: Explanation) -> Table:
    table = _table("scores", "score", "value", "typical", "percentile")
    for each in found.scores:
        table.add_row(Text(printable(each.name)), f"{each.value:.3g}", f"{each.typical:.3g}", f"{each.percentile:.0f}")
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column(first, overflow="fold")
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=bool(heading))
    return table


def _next(found: Explanation, peers: Peers) -> list[str]:
    """Commands that show more of it: whole, and beside a good one."""
    own = found.request.anchor.record_id if peers.is_single else found.request.trace_id
    commands = [f"throughline trace {found.request.trace_id}"]
    if found.good is not None and found.outcome.verdict != "ordinary":
        good = found.good.anchor.record_id if peers.is_single else found.good.trace_id
        commands.append(f"throughline diff {own} {good}")
    return commands


def as_json(found: Explanation, peers: Peers) -> dict[str, Any]:
    """Everything, for scripts; times in seconds, shares from 0 to 1."""
    what = found.outcome
    return {
        "trace_id": found.request.trace_id,
        "record_id": found.request.anchor.record_id if peers.is_single else None,
        "verdict": what.verdict,
        "summary": reasons.summary(found),
        "peers": {
            "count": len(what.compared),
            "alike": what.alike,
            "can_tell": what.can_tell,
            "is_fallback": peers.is_fallback,
            "is_cut": peers.is_cut,
            "is_any_failure": what.is_any_failure,
            **asdict(peers.circle),
        },
        "duration": asdict(what.duration) if what.duration else None,
        "failure": asdict(what.failure) if what.failure else None,
        "steps": [_step(each, is_beside_peers=what.duration is not None) for each in found.steps],
        "inside": [asdict(each) for each in found.inside],
        "first": _contrast(found.first),
        "second": _contrast(found.second),
        "together": asdict(found.together) | {"needs_both": found.together.needs_both} if found.together else None,
        "behind": _contrast(found.behind),
        "values": [_contrast(each) for each in found.judged],
        "scores": [asdict(each) for each in found.scores],
        "next": _next(found, peers),
    }


def _step(each: Excess, *, is_beside_peers: bool) -> dict[str, Any]:
    beside = {"excess": each.excess} if is_beside_peers else dict.fromkeys(("typical", "high", "excess"))
    return asdict(each) | beside


def _contrast(each: Contrast | None) -> dict[str, Any] | None:
    if each is None:
        return None
    own = each.candidate
    return {
        "attribute": own.attribute.name or own.attribute.label,
        "step": own.step,
        "value": own.value,
        "split": own.split,
        "words": own.words,
        "also": own.also,
        "with": asdict(each.having),
        "without": asdict(each.lacking),
        "p": each.p,
        "adjusted": each.adjusted,
        "effect": each.effect,
    }
