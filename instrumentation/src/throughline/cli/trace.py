"""`throughline trace`: one request, as it ran and as it was recorded; it searches by id only."""

import re
from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

import httpx
import typer
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from throughline import names
from throughline.cli import waterfall, wording
from throughline.cli.content import render_content
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import bad_input, not_found, of_a_part
from throughline.cli.options import Json, write_json
from throughline.cli.tables import evaluations_table, records_table
from throughline.store import queries, traces
from throughline.store.queries import Document, Search
from throughline.store.traces import Attributes, Step

EXAMPLES: Final = "Examples: throughline trace 4bf92f3577b34da6a3ce929d0e0e4736 · throughline trace 4bf92f35 --full"
_TRACE_ID: Final = 32
_SHORTEST: Final = 6
_CUT: Final = 600
_MOST: Final = 1_000


@dataclass(slots=True)
class Evidence:
    """All that the stores hold of one trace, the oldest first."""

    trace_id: str
    source: str | None = None
    """Where the steps come from; None: the sampler did not keep them, or they are not there yet."""
    steps: list[Step] = field(default_factory=list)
    records: list[Document] = field(default_factory=list)
    evaluations: list[Document] = field(default_factory=list)


def trace(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="A trace id, its first 6 digits or more, a traceparent or a record id.")
    ],
    full: Annotated[bool, typer.Option("--full", help="Show content whole, however long.")] = False,
    content: Annotated[bool, typer.Option(help="Show prompts and answers, where they were captured.")] = True,
    json: Json = False,
) -> None:
    """Show one request: its waterfall, its records, its evaluations and, if captured, its content."""
    endpoints = Endpoints.find()
    with endpoints.elasticsearch() as store, endpoints.http() as http:
        evidence = gather(store, http, endpoints, trace_id_of(store, identifier))
    if not (evidence.steps or evidence.records or evidence.evaluations):
        raise not_found(
            f"no trace or record of {identifier}",
            "a trace is visible some seconds after its end; `throughline records --since 15m` lists the newest",
        )
    if json:
        write_json({**asdict(evidence), "steps": [asdict(step) | {"error": step.error} for step in evidence.steps]})
    else:
        _show(evidence, Console(), None if full else _CUT, content=content)


def trace_id_of(store: Elasticsearch, identifier: str) -> str:
    """The trace that is meant, by whichever id somebody has at hand."""
    written = identifier.strip().lower()
    if parts := re.fullmatch(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", written):
        return parts[1]
    if not re.fullmatch(rf"[0-9a-f]{{{_SHORTEST},64}}", written):
        advice = f"use {_SHORTEST} or more hexadecimal digits, as `throughline records` shows them"
        raise bad_input(f"{identifier!r} is no trace id and no record id", advice)
    if len(written) == _TRACE_ID:
        return written
    if len(written) > _TRACE_ID:
        record = queries.record(store, written)
        if record and not record.get("trace_id"):
            raise not_found(f"{identifier} ran outside of any trace", "`throughline records --json` shows its record")
        return str(record["trace_id"]) if record else written[:_TRACE_ID]
    return _of_beginning(store, written)


def _of_beginning(store: Elasticsearch, beginning: str) -> str:
    found = queries.traces_like(store, beginning)
    if len(found) > 1:
        raise bad_input(f"{beginning} is the beginning of several ids", f"write more of it: {', '.join(found)}")
    if not found:
        raise not_found(f"no trace begins with {beginning}", "`throughline records --since 15m` lists the newest")
    return found[0]


def gather(store: Elasticsearch, http: httpx.Client, endpoints: Endpoints, trace_id: str) -> Evidence:
    """The steps from Jaeger or, where it lacks them or is away, from Elasticsearch; all else from Elasticsearch."""
    evidence = Evidence(trace_id)
    if endpoints.variables.get("JAEGER_URL"):
        try:
            evidence.steps = traces.from_jaeger(http, endpoints.url("JAEGER_URL"), trace_id)
        except httpx.HTTPError as error:
            Console(stderr=True).print(Text(f"{of_a_part(error)}: reading the trace from Elasticsearch", "yellow"))
    evidence.source = "Jaeger" if evidence.steps else None
    if not evidence.steps:
        spans, events = queries.spans(store, trace_id), queries.span_events(store, trace_id)
        evidence.steps = traces.from_documents(spans, events)
        evidence.source = "Elasticsearch" if evidence.steps else None
    search, said = Search(trace=trace_id), queries.contents(store, trace=trace_id)
    records, evaluations = (
        queries.with_contents(queries.find(store, index, search, _MOST)[::-1], said)
        for index in (queries.RECORDS, queries.EVALUATIONS)
    )
    evidence.records, evidence.evaluations = records, evaluations
    return evidence


def _show(evidence: Evidence, console: Console, most: int | None, *, content: bool) -> None:
    if evidence.steps:
        console.print(_heading(evidence))
        console.print(waterfall.render(evidence.steps, console.width))
    else:
        reason = "no waterfall: the sampler did not keep this trace, or it is not over yet"
        console.print(Text.assemble(("trace ", "bold"), evidence.trace_id, (f"  {reason}", "dim")))
    if evidence.records:
        console.print()
        console.print(records_table(evidence.records, "records", console.width, in_trace=True))
    if evidence.evaluations:
        console.print()
        console.print(evaluations_table(evidence.evaluations))
    if content:
        _show_content(evidence, console, most)


def _heading(evidence: Evidence) -> Text:
    steps = evidence.steps
    begin, end = min(step.start for step in steps), max(step.start + step.duration for step in steps)
    failed = sum(step.error is not None for step in steps)
    policy = next((kept for step in steps if (kept := step.attributes.get("tailsampling.policy"))), None)
    known = [
        wording.local_time(begin),
        wording.duration(end - begin),
        f"{len(steps)} steps in {len({step.service for step in steps})} services",
        *([f"{failed} failed"] if failed else []),
        *([f"kept because: {wording.printable(str(policy))}"] if policy else []),
        f"from {evidence.source}",
    ]
    return Text.assemble(("trace ", "bold"), evidence.trace_id, ("  " + " · ".join(known), "dim"))


def _show_content(evidence: Evidence, console: Console, most: int | None) -> None:
    """Of each operation once: from its record, else from its span."""
    recorded = {str(record.get("span_id")): record["attributes"] for record in evidence.records}
    on_spans = {
        step.span_id: step.attributes
        for _, step in waterfall.in_order(evidence.steps)
        if step.attributes.get(names.OPERATION_NAME)
    }
    for span_id in dict.fromkeys((*on_spans, *recorded)):
        known = [places[span_id] for places in (recorded, on_spans) if span_id in places]
        lines = next(filter(None, (render_content(attributes, most) for attributes in known)), None)
        if lines:
            console.print()
            console.print(Panel(Text("\n").join(lines), title=_title(known[0]), title_align="left"))


def _title(attributes: Attributes) -> Text:
    parts = (attributes.get(name) for name in (names.OPERATION_NAME, names.REQUEST_MODEL, names.DATA_SOURCE_ID))
    return Text(wording.printable(" ".join(str(part) for part in parts if part)))
