"""Records, evaluations and figures as tables; fetches nothing."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from throughline import names
from throughline.cli import wording
from throughline.store.queries import Document, Figures
from throughline.store.traces import epoch

_WIDE = 140


def records_table(records: Sequence[Document], title: str, width: int, *, in_trace: bool) -> Table:
    """One row a record; inside a trace, whose id is known, the record's id takes the place of the trace's."""
    wide = width >= _WIDE
    table = _table(title)
    table.add_column("record" if in_trace else "trace", no_wrap=True)
    table.add_column("when", no_wrap=True)
    for heading in ("service", "operation", "model", "user", "prompt") if wide else ():
        table.add_column(heading, overflow="ellipsis")
    costs = any(names.COST_AMOUNT in record["attributes"] for record in records)
    for heading in ("took", "tokens", *(("cost",) if costs else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("outcome" if wide else "", overflow="fold")
    for record in records:
        identity = str(record["_id"])[-16:] if in_trace else str(record.get("trace_id", ""))[:12]
        who, outcome = _who(record), _outcome(record["attributes"])
        took = _took(record["attributes"], costs=costs)
        if wide:
            table.add_row(identity, _when(record), *who, *took, outcome)
        else:
            table.add_row(identity, _when(record), *took, Text(" · ").join([*filter(None, who), outcome]))
    return table


def _when(record: Document) -> str:
    return wording.local_time(epoch(record["@timestamp"]))


def _who(record: Document) -> list[Text]:
    read = record["attributes"].get
    return [
        _cell(record.get("resource", {}).get("attributes", {}).get("service.name")),
        _cell(read(names.OPERATION_NAME)),
        _cell(read(names.REQUEST_MODEL) or read(names.DATA_SOURCE_ID)),
        _cell(read(names.USER_ID)),
        _cell(wording.prompt(record["attributes"])),
    ]


def _took(attributes: Document, *, costs: bool) -> list[str]:
    amount, currency = attributes.get(names.COST_AMOUNT), str(attributes.get(names.COST_CURRENCY, ""))
    spent = [wording.cost(amount, currency)] if costs else []
    return [wording.duration(attributes.get(names.DURATION)), wording.tokens(attributes), *spent]


def _outcome(attributes: Document) -> Text:
    read = attributes.get
    error = read(names.ERROR_TYPE)
    found = [_cell(error, "red") if error else _cell(read(names.END_REASON, "completed"))]
    if attempts := read(names.ATTEMPT_COUNT):
        found.append(Text(f"{attempts} attempts", "yellow"))
    if kinds := read(names.MASK_KINDS):
        found.append(_cell("masked " + ", ".join(map(str, kinds))))
    return Text(" · ").join(found)


def evaluations_table(evaluations: Sequence[Document]) -> Table:
    """One row an evaluation."""
    table = _table("evaluations")
    for heading in ("name", "score", "label", "by", "explanation"):
        table.add_column(heading, overflow="fold")
    for evaluation in evaluations:
        read = evaluation["attributes"].get
        score = read(names.EVALUATION_SCORE_VALUE)
        table.add_row(
            _cell(read(names.EVALUATION_NAME)),
            "" if score is None else f"{float(score):.3g}",
            _cell(read(names.EVALUATION_SCORE_LABEL)),
            _cell(read(names.EVALUATION_SCORER) or read(names.EVALUATION_SOURCE) or _service(evaluation)),
            _cell(read(names.EVALUATION_EXPLANATION)),
        )
    return table


def figures_table(title: str, rows: Sequence[Figures], whole: Figures) -> Table:
    """One row a group, and the whole at the end."""
    table = _table(title)
    table.add_column("", min_width=12, overflow="fold")
    for heading in ("calls", "errors", "p50", "p95", "p99", "tokens", "cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*_figures(row))
    table.add_section()
    table.add_row(*_figures(whole), style="bold")
    return table


def _figures(row: Figures) -> list[Text | str]:
    errors = Text(f"{row.errors:,} ({row.error_rate:.1%})", "red") if row.errors else Text("0")
    latency = [wording.duration(value) for value in (row.p50, row.p95, row.p99)]
    tokens = f"{row.input_tokens:,}→{row.output_tokens:,}"
    return [_cell(row.group), f"{row.calls:,}", errors, *latency, tokens, wording.cost(row.cost)]


def _service(document: Document) -> Any:
    return document.get("resource", {}).get("attributes", {}).get(names.SERVICE_NAME)


def _cell(value: Any, style: str = "") -> Text:
    return Text("" if value is None else wording.printable(str(value)), style)


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
