"""`throughline diff`: two requests beside each other, and what differs first; it blames nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from elasticsearch import Elasticsearch
from rich.console import Console
from rich.table import Table
from rich.text import Text as Line

from throughline.cli.content import render_content
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import NOT_FOUND, CommandError, bad_input
from throughline.cli.options import Json, write_json
from throughline.cli.trace import trace_id_of
from throughline.cli.why import record_id_of
from throughline.cli.wording import duration, printable
from throughline.explaining import stored
from throughline.explaining.differences import Comparison, Row, Side, Text, compare
from throughline.explaining.sections import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES: Final = (
    "Examples: throughline diff 4bf92f35 9a1c77e0 · throughline diff RECORD RECORD, two operations alone · "
    "throughline diff A B --json | jq .first. Exit codes, as diff has them: 0 alike, 1 they differ, 2 no such "
    "request or bad input, 3 a part does not answer."
)
_DIFFER: Final = 1
_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="As for `throughline trace`.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other; of two record ids, these operations alone.")],
    everything: Annotated[bool, typer.Option("--all", help="Show what is alike, too.")] = False,
    json: Json = False,
) -> None:
    """Show two requests side by side, and say what differs first, in the order in which a request runs.

    That is: who asked, prompt, retrieval, model and parameters, messages, response, tools, scores, where it ran. Ids
    and times never count. Content is compared for who may read it; sealed content is said to be sealed. Where no
    difference is found the exit code is 0, else 1.
    """
    with Endpoints.find().elasticsearch() as store, _missing_is_trouble():
        alone = record_id_of(a) is not None and record_id_of(b) is not None
        found = compare(_side(store, a, alone=alone), _side(store, b, alone=alone), _lines)
    if json:
        write_json(_as_json(found))
    else:
        _show(found, Console(), everything=everything)
    if found.differing:
        raise typer.Exit(_DIFFER)


@contextmanager
def _missing_is_trouble() -> Iterator[None]:
    """What is not there is 2 here: from `diff`, 1 means that two things differ."""
    try:
        yield
    except CommandError as error:
        raise bad_input(str(error), error.advice) if error.code == NOT_FOUND else error from None


def _side(store: Elasticsearch, identifier: str, *, alone: bool) -> Side:
    request, evaluations = stored.whole(store, trace_id_of(store, identifier))
    record_id = record_id_of(identifier)
    if request is not None and alone and record_id is not None:
        request = request.only(record_id)
    if request is None:
        advice = (
            "`throughline records --since 15m` lists the newest; "
            "calls of judges, and spans alone without records, are not compared"
        )
        raise bad_input(f"no record of {identifier}", advice)
    return Side(request, evaluations)


def _lines(messages: Mapping[str, Any]) -> list[str]:
    return [line.plain for line in render_content(messages, None)]


def summary(found: Comparison) -> str:
    """What differs first, what else, and what could not be told."""
    differing, untold = found.differing, "".join(f" Not compared: content, {each}." for each in found.obstacles)
    slower = _slower(found.slower)
    if not differing:
        return printable(f"Alike in everything but ids and times{slower}.{untold}")
    first = differing[0]
    later = [each.section for each in differing if each.section is not first.section]
    then = f"; then in {', '.join(dict.fromkeys(later))}" if later else ""
    return printable(f"They differ first in {first.section}: {_difference(first)}{then}{slower}.{untold}")


def _difference(each: Row | Text) -> str:
    name = f"{each.step} {_label(each.label)}".strip()
    if isinstance(each, Text):
        changed = sum(line[:1] in "+-" for line in each.diff[2:])
        return f"{changed} {'line' if changed == 1 else 'lines'} of {name}"
    return f"{name} is {_shown(each.a)} in A and {_shown(each.b)} in B"


def _slower(row: Row | None) -> str:
    more = (row.b or 0.0) - (row.a or 0.0) if row else 0.0
    if row is None or not more:
        return ""
    return f"; {row.step} took {duration(abs(more))} longer in {'B' if more > 0 else 'A'}"


def _label(attribute: str) -> str:
    """Its own name, without whose conventions it is of."""
    return attribute.removeprefix("throughline.").removeprefix("gen_ai.") if "." in attribute else attribute


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _show(found: Comparison, console: Console, *, everything: bool) -> None:
    console.print(Line(summary(found), "bold"))
    for section in Section:
        rows = [row for row in found.rows if row.section is section and (everything or not row.is_alike)]
        texts = [text for text in found.texts if text.section is section and (text.diff or text.obstacle)]
        if rows:
            console.print()
            console.print(_table(section, rows))
        for text in texts:
            console.print()
            console.print(_text(text))


def _table(section: Section, rows: Sequence[Row]) -> Table:
    table = Table(title=section, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    for heading in ("", "A", "B"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        shown = duration if section is Section.TIMING else _shown
        style = "yellow" if row.counts and not row.is_alike else ""
        name = Line(printable(f"{row.step} {_label(row.label)}".strip()), style)
        table.add_row(name, *(Line(printable(shown(value)), style) for value in (row.a, row.b)))
    return table


def _text(text: Text) -> Line:
    name = printable(f"{text.section}: {text.step} {_label(text.label)}")
    if text.obstacle:
        return Line.assemble((name, "bold"), f": {printable(text.obstacle)}")
    lines = [Line(printable(line), _COLOURS.get(line[:1], "")) for line in text.diff]
    return Line("\n").join([Line(name, "bold"), *lines])


def _as_json(found: Comparison) -> dict[str, Any]:
    """Everything, alike or not."""
    first = next(iter(found.differing), None)
    return {
        "alike": first is None,
        "summary": summary(found),
        "first": {"section": first.section, "step": first.step, "label": first.label} if first else None,
        "rows": [asdict(row) | {"alike": row.is_alike} for row in found.rows],
        "texts": [asdict(text) | {"alike": text.is_alike} for text in found.texts],
    }
