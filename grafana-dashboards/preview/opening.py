"""A board as it is opened: its variables' values, its time, and what each panel's queries are answered."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from preview.datasource import prepared, transformed
from preview.example import telling
from preview.expressions import computed, is_expression, values_of
from preview.formulas import Number, Series
from preview.frames import TIME, Field, Frame, GrafanaError, Kind, Plain, UntranslatedError
from preview.interpolation import Everything, UnknownVariableError, Values, everywhere
from preview.intervals import interval, milliseconds_of, of_time
from preview.searches import Moment
from preview.stack import Sources

TRACE: Final = "trace_id"
"""The variable of a board that shows one trace."""

GENERATED: Final = Path(__file__).parents[1] / "generated"


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel and what there is to draw in it: frames after the transformations, or what went wrong."""

    panel: Plain
    frames: Sequence[Frame] = ()
    moment: Moment = field(default=Moment(0, 1, 1))
    error: str = ""
    matched: int = 0
    """How many documents or spans the queries found."""

    @property
    def why_nothing(self) -> str:
        """Why there is nothing to show; empty where there is something. Zeros made of no document are nothing."""
        if self.error:
            return f"error: {self.error}"
        if self.panel["type"] in {"text", "row"}:
            return ""
        if not self.matched:
            return "no data: its queries match nothing"
        fields = (each for frame in self.frames for each in frame.fields if each.kind is not Kind.TIME)
        values = (value for each in fields for value in each.values)
        return "" if any(value not in (None, "") for value in values) else "no data: no value in what it matches"


def boards(names: Sequence[str] = (), folder: Path = GENERATED) -> dict[str, Plain]:
    """The generated boards by their names, or those of them. Raises LookupError, naming the boards that there are."""
    found = {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}
    if unknown := sorted(set(names) - set(found)):
        raise LookupError(f"no board {', '.join(unknown)}; there are {', '.join(found)}")
    return {name: board for name, board in found.items() if name in names or not names}


def panels(board: Plain) -> Iterator[Plain]:
    """All panels, those in collapsed rows too."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels") or ()


def opened(
    board: Plain, sources: Sources, since: str | None = None, chosen: Mapping[str, str | list[str]] | None = None
) -> Iterator[Shown]:
    """Every panel with its answer, as when the board is opened: `since` ago until now, with the chosen variables."""
    now = int(time.time() * 1000)
    ago = since or re.sub(r"^now-?", "", board["time"]["from"]) or "1h"
    moment = Moment(now - milliseconds_of(ago), now, 1)
    try:
        values = variables(board, sources, moment, _with_a_trace(board, sources, moment, chosen or {}))
    except GrafanaError as error:  # then no panel can be asked
        yield from (Shown(panel, moment=moment, error=str(error)) for panel in panels(board))
        return
    for panel in panels(board):
        yield _asked(panel, sources, replace(moment, interval=interval(panel, moment.end - moment.start)), values)


def _with_a_trace(board: Plain, sources: Sources, moment: Moment, chosen: Values) -> Values:
    """The chosen values and, for a board that shows a trace where none is chosen, one of this time."""
    if chosen.get(TRACE) or not any(panel["type"] == "traces" for panel in panels(board)):
        return chosen
    return {**chosen, TRACE: telling(sources, moment)}


def variables(board: Plain, sources: Sources, moment: Moment, chosen: Values) -> dict[str, str | list[str]]:
    """The variables' values when the board is opened with these; All without a text of its own is each value there is.

    Of one that takes a single value it is the first that there is, if the one that stands there is none of them. A
    variable's question may hold those before it.
    """
    values: dict[str, str | list[str]] = {}
    for variable in (board.get("templating") or {}).get("list") or ():
        name, current = variable["name"], (variable.get("current") or {}).get("value", variable.get("query", ""))
        values[name] = chosen.get(name, current)
        if values[name] in ("$__all", ["$__all"]):
            every = variable.get("allValue")
            values[name] = Everything(every) if every else _offered(variable, sources, moment, values)
        elif name not in chosen and variable["type"] == "query" and not variable.get("multi"):
            offered = _offered(variable, sources, moment, values)
            values[name] = current if current in offered else next(iter(offered), "")
    return values


def _offered(variable: Plain, sources: Sources, moment: Moment, values: Values) -> list[str]:
    question = everywhere(json.loads(variable["query"]), values, "lucene")
    answer = sources.search(variable["datasource"]["uid"], moment.terms(question))
    found = (answer.get("aggregations") or {}).get("1") or {"buckets": []}
    return [str(bucket["key"]) for bucket in found["buckets"]]


def _asked(panel: Plain, sources: Sources, moment: Moment, values: Values) -> Shown:
    """The panel's queries, filled in, asked, computed and transformed."""
    if panel["type"] in {"text", "row"}:
        return Shown(panel, moment=moment)
    known = {**values, **of_time(moment)}
    try:
        targets = [_target(panel, target, known) for target in panel.get("targets") or ()]
        found, matched = _answered(targets, sources, moment)
        return Shown(panel, transformed(found, panel.get("transformations") or ()), moment, matched=matched)
    except (GrafanaError, UntranslatedError) as error:
        return Shown(panel, moment=moment, error=str(error))
    except UnknownVariableError as error:
        return Shown(panel, moment=moment, error=f"no variable {error}")


def _target(panel: Plain, target: Plain, values: Values) -> Plain:
    if is_expression(target):
        return target  # its `$A` is a query
    filled = prepared(target, values)
    filled.setdefault("datasource", panel.get("datasource"))
    return filled


def _answered(targets: Sequence[Plain], sources: Sources, moment: Moment) -> tuple[list[Frame], int]:
    """What is not hidden. Where there are expressions, Grafana's server asks all of it and keeps the labels."""
    with_expressions = any(is_expression(target) for target in targets)
    by_ref: dict[str, list[Frame]] = {}
    matched = 0
    for target in targets:
        if is_expression(target) or (target.get("hide") and not with_expressions):
            continue
        by_ref[target["refId"]], count = sources.answer(target, moment, keep_labels=with_expressions)
        matched += count
    seen = {ref: values_of(found) for ref, found in by_ref.items()} if with_expressions else {}
    for target in targets:
        if is_expression(target):
            seen[target["refId"]] = computed(target, seen)
            by_ref[target["refId"]] = [_frame(value, target["refId"]) for value in seen[target["refId"]]]
    shown = [target["refId"] for target in targets if not target.get("hide")]
    return [frame for ref in shown for frame in by_ref[ref] if frame.fields], matched


def _frame(value: object, ref: str) -> Frame:
    """An expression's value as the panel gets it."""
    match value:
        case Number(number, labels):
            return Frame([Field(ref, Kind.NUMBER, [number], labels)], ref=ref)
        case Series(points, labels):
            times, numbers = [at for at, _ in points], [number for _, number in points]
            return Frame([Field(TIME, Kind.TIME, times), Field(ref, Kind.NUMBER, numbers, labels)], ref=ref)
        case _:
            return Frame([], ref=ref)


def nothing_to_show(
    boards: Mapping[str, Plain],
    addresses: Mapping[str, str],
    since: str | None = None,
    chosen: Mapping[str, str | list[str]] | None = None,
) -> list[tuple[str, str, str]]:
    """Each board's name, panel's title and reason, where a panel of a running stack shows an error or no data.

    `addresses` as of `.run/stack.env`, with the certificates and the key of who looks; `since` as `1h`; `chosen` sets
    variables, as a link would.
    """
    with Sources(addresses) as sources:
        return [
            (name, str(shown.panel.get("title") or shown.panel["type"]), shown.why_nothing)
            for name, board in boards.items()
            for shown in opened(board, sources, since, chosen)
            if shown.why_nothing
        ]
