"""What the demo shows: waterfalls, a record, figures, the sampler's reasons and the checks; it measures nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from throughline import names
from throughline.cli import waterfall
from throughline.store.queries import Document, Figures

from native.demo import Demo, Sampling, Verdict, attempts
from native.traffic import PEOPLE, Outcome

MOST_BY_CHANCE = 0.25  # of ordinary traces, where the Collector's base rate is a tenth


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold, and what was found."""

    claim: str
    holds: bool
    found: str


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
    checks = _checks(demo, sampling, records, failed)
    with console.status("waiting until every record is signed for"):
        checks.append(_verified(demo.verified()))
    _verdict(console, checks)
    return checks


def _slowest(records: list[Document]) -> str | None:
    """The trace of the slowest call that succeeded."""
    good = [each for each in records if names.ERROR_TYPE not in each["attributes"]]
    slowest = max(good, key=lambda each: each["attributes"][names.DURATION], default=None)
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


def _table(title: str, rows: list[Figures]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    table.add_column("", min_width=16)
    for heading in ("calls", "errors", "p50 s", "p95 s", "p99 s", "tokens in", "tokens out"):
        table.add_column(heading, justify="right")
    for row in rows:
        latency = (f"{value:.2f}" if value is not None else "-" for value in (row.p50, row.p95, row.p99))
        tokens = (f"{row.input_tokens:,}", f"{row.output_tokens:,}")
        table.add_row(escape(row.group), str(row.calls), f"{row.error_rate:.1%}", *latency, *tokens)
    table.add_section()
    return table


def _sampling(console: Console, sampling: Sampling) -> None:
    reasons = ", ".join(f"{name} {count}" for name, count in sorted(sampling.reasons.items()) if count)
    decided = sampling.kept + sampling.dropped
    console.print(f"[bold]the sampler[/] kept {sampling.kept} of {decided} traces: {reasons}\n")


def _checks(demo: Demo, sampling: Sampling, records: list[Document], failed: list[str]) -> list[Check]:
    asked, decided, base = len(demo.asks), sampling.kept + sampling.dropped, sampling.reasons.get("base", 0)
    told, traces = attempts(records), {each["trace_id"] for each in records}
    kept, leaks, masks = len(demo.kept_traces(failed)), demo.leaks(), _masks(records)
    people, variants = _values(records, names.USER_ID), _values(records, names.PROMPT_VARIANT)
    return [
        Check(
            "every question has the records of its model calls",
            len(traces) == asked,
            f"{len(records)} calls for {len(traces)} of {asked} questions",
        ),
        Check(
            "the records account for every request that the model got",
            told == demo.requests,
            f"{told} attempts recorded, {demo.requests} requests seen by the model",
        ),
        Check("the sampler judged every request's trace", decided >= asked, f"{decided} judged of {asked}"),
        Check("it kept every failed one", 0 < kept == len(failed), f"{kept} of {len(failed)}"),
        Check("and only some of the ordinary ones", 0 < base < asked * MOST_BY_CHANCE, f"{base} by the base rate"),
        Check("who asked is on every record", "" not in people and len(people) <= PEOPLE, f"{len(people)} people"),
        Check("and which prompt", "" not in variants and len(variants) > 1, ", ".join(sorted(variants))),
        Check(
            "personal data was masked", bool(masks), ", ".join(f"{kind} in {n}" for kind, n in sorted(masks.items()))
        ),
        Check(
            "and is nowhere in the clear", not leaks, f"{len(leaks)} planted values found" if leaks else "none found"
        ),
    ]


def _verified(verdict: Verdict) -> Check:
    told = f"{verdict.proven:,} of {verdict.records:,} records in {verdict.chains} chains are proven by signatures"
    holds = verdict.is_sound and 0 < verdict.proven == verdict.records
    return Check("throughline verify finds the evidence whole", holds, "; ".join((told, *verdict.findings)))


def _values(records: list[Document], name: str) -> set[str]:
    """What the records say under this attribute; the empty string stands for a record that says nothing."""
    return {str(each["attributes"].get(name, "")) for each in records}


def _masks(records: list[Document]) -> Counter[str]:
    """In how many records each kind was masked."""
    return Counter(kind.partition(":")[0] for each in records for kind in each["attributes"].get(names.MASK_KINDS, ()))


def _verdict(console: Console, checks: list[Check]) -> None:
    for check in checks:
        mark = "[green]✓[/]" if check.holds else "[red]✗[/]"
        console.print(f"{mark} {check.claim} [dim]({escape(check.found)})[/]")
