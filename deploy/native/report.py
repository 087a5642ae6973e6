"""What the demo shows: waterfalls, a record, figures, the sampler's reasons and the checks; it measures nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from throughline import names
from throughline.cli import waterfall
from throughline.store.queries import Document, Figures

from native import checks, planted
from native.check import Check
from native.commands import Done
from native.dashboards import panels
from native.demo import Demo, Sampling
from native.traffic import Outcome

_COMPARED = ("latency", "first_chunk", "errors", "output_tokens", "cost", "score:groundedness", planted.RATING)
"""Of all that is compared, what is shown."""


def send_with_progress(demo: Demo, console: Console) -> None:
    """Send the demo's traffic under a progress bar."""
    columns = (TextColumn("asking"), BarColumn(40), MofNCompleteColumn(), TextColumn("{task.fields[failed]} failed"))
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("", total=len(demo.asks), failed=0)

        def done(outcome: Outcome) -> None:
            failed = progress.tasks[task].fields["failed"] + bool(outcome.reason)
            progress.update(task, advance=1, failed=failed)

        demo.send(done)


def show(demo: Demo, console: Console) -> list[Check]:
    """Show everything of a round whose traffic was sent; the checks say whether it is as it must be."""
    with console.status("waiting for the sampler and for the last record"):
        sampling, records = demo.decided(), demo.records()
    failed = [outcome.trace_id for outcome in demo.outcomes if outcome.reason]
    slow = _slowest(records)
    for title, trace_id in (("a slow request", slow), ("a failed request", next(iter(failed), None))):
        if trace_id:
            _waterfall(demo, console, title, trace_id)
    if records:
        _record(console, demo.whole(next((each for each in records if each["trace_id"] == slow), records[0])))
    _figures(demo, console)
    _sampling(console, sampling)
    found = [*checks.of_records(demo, sampling, records, failed), checks.let_through(demo.let_through())]
    with ThreadPoolExecutor(1) as beside:  # most of an erasure is waiting for Elasticsearch's files
        erasing = beside.submit(demo.erased)
        found += [*_planted(demo, console, slow or ""), *_kept(demo, console, erasing)]
    _verdict(console, found)
    return found


def _planted(demo: Demo, console: Console, slow: str) -> list[Check]:
    """Show what the variants do differently and why the slow request was slow: the planted causes of both."""
    with console.status("comparing the variants"):
        compared = demo.compared()
    _compared(console, compared)
    with console.status("asking why the slow request was slow"):
        explained = demo.why(slow)
    console.print(f"[bold]why the slow request was slow[/] {escape(explained.get('summary', 'nobody knows'))}\n")
    return [planted.better_wording(compared, demo.difference()), planted.slow_cause(explained)]


def _kept(demo: Demo, console: Console, erasing: Future[Done]) -> list[Check]:
    """Once the person is erased who asked for it: is the evidence still whole, and do the boards show it all?"""
    with console.status("erasing the person who asked for it"):
        still_named = demo.left_of_leaver()
    with console.status("waiting until every record is signed for"):
        sound = checks.verified(demo.verified())
    with console.status("opening every dashboard"):
        demo.keep_house()
        shown = checks.boards(panels(), demo.empty_panels())
    with console.status("having Elasticsearch take what was erased out of its files"):
        return [checks.erased(erasing.result(), still_named), sound, shown]


def _slowest(records: list[Document]) -> str | None:
    """The trace of the slowest answer that came as a stream, whole."""
    good = [
        each["attributes"] | {"trace_id": each["trace_id"]}
        for each in records
        if names.ERROR_TYPE not in each["attributes"] and each["attributes"].get(names.REQUEST_STREAM)
    ]
    slowest = max(good, key=lambda each: each[names.DURATION], default=None)
    return str(slowest["trace_id"]) if slowest else None


def _waterfall(demo: Demo, console: Console, title: str, trace_id: str) -> None:
    steps = demo.trace(trace_id, least=4)
    heading = f"[bold]{title}[/] [dim]{trace_id}, read from Jaeger[/]"
    console.print(Panel(waterfall.render(steps, min(console.width, 140) - 4), title=heading, title_align="left"))


def _record(console: Console, record: Document) -> None:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    attributes = record["attributes"]
    for name in (
        names.USER_ID, names.CONVERSATION_ID, names.PROMPT_NAME, names.PROMPT_VERSION, names.PROMPT_VARIANT,
        names.REQUEST_MODEL, names.DURATION, names.RESPONSE_TIME_TO_FIRST_CHUNK, names.USAGE_INPUT_TOKENS,
        names.USAGE_OUTPUT_TOKENS, names.MASK_KINDS,
    ):  # fmt: skip
        if name in attributes:
            table.add_row(name, escape(_brief(attributes[name])))
    table.add_row("question", escape(_brief(_said(attributes.get(names.INPUT_MESSAGES)))))
    table.add_row("answer", escape(_brief(_said(attributes.get(names.OUTPUT_MESSAGES)))))
    heading = f"[bold]its record[/] [dim]{record['_id']}, read from Elasticsearch[/]"
    console.print(Panel(table, title=heading, title_align="left"))


def _said(messages: Any) -> str:
    """The text of the last message."""
    parts = messages[-1]["parts"] if isinstance(messages, list) and messages else []
    return " ".join(str(part.get("content", "")) for part in parts)


def _brief(value: Any, most: int = 300) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else ", ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= most else f"{text[:most]}…"


def _figures(demo: Demo, console: Console) -> None:
    console.print(_table("model calls", [demo.figures()]))
    console.print(_table("top prompts", demo.top("prompt") + demo.top("variant")))
    console.print(_table("tokens by model", demo.top("model")))
    if errors := demo.top("error"):
        found = ", ".join(f"{escape(each.group)} {each.calls}" for each in errors)
        console.print(f"[bold]errors[/] {found}\n")


def _titled(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column("", min_width=16)
    return table


def _table(title: str, rows: list[Figures]) -> Table:
    table = _titled(title)
    for heading in ("calls", "errors", "p50 s", "p95 s", "p99 s", "tokens in", "tokens out"):
        table.add_column(heading, justify="right")
    for row in rows:
        latency = (f"{value:.2f}" if value is not None else "-" for value in (row.p50, row.p95, row.p99))
        tokens = (f"{row.input_tokens:,}", f"{row.output_tokens:,}")
        table.add_row(escape(row.group), str(row.calls), f"{row.error_rate:.1%}", *latency, *tokens)
    table.add_section()
    return table


def _compared(console: Console, compared: Sequence[Mapping[str, Any]]) -> None:
    """The variants side by side, as `throughline compare` has it, in short."""
    told = {(each["metric"], each["variant"]): each for each in compared}
    baseline = next((each["baseline"] for each in compared), "")
    others = sorted({each["variant"] for each in compared} - {baseline})
    table = _titled("wordings compared")
    for heading in (baseline, *(each for other in others for each in (other, "difference", "p", ""))):
        table.add_column(heading, justify="right")
    for metric in _COMPARED:
        if usual := told.get((metric, baseline)):
            cells = [cell for other in others for cell in _contrasted(told[metric, other])]
            table.add_row(metric.removeprefix("score:").replace("_", " "), _figure(usual["value"]), *cells)
    table.add_section()
    console.print(table)


def _contrasted(other: Mapping[str, Any]) -> tuple[str, ...]:
    """Its value, how far that is from the baseline's, and what may be concluded."""
    effect = other.get("effect") or {}
    ends = [_figure(effect.get(end), "+") for end in ("value", "low", "high")]
    chance = other.get("p_adjusted")
    return (
        _figure(other["value"]),
        escape(f"{ends[0]} [{ends[1]}, {ends[2]}]"),
        "-" if chance is None else f"{chance:.2g}",
        other["verdict"],
    )


def _figure(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.3g}"


def _sampling(console: Console, sampling: Sampling) -> None:
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(sampling.reasons.items()) if count)
    decided = sampling.kept + sampling.dropped
    console.print(f"[bold]the sampler[/] kept {sampling.kept} of {decided} traces: {reasons}\n")


def _verdict(console: Console, checks: list[Check]) -> None:
    for check in checks:
        mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
        console.print(f"{mark} {check.claim} [dim]({escape(check.found)})[/]")
