"""Transformations of Grafana that make new rows or columns: merge, join, group, reduce, calculate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from preview.frames import VALUE, Field, Frame, Kind, Plain, UntranslatedError, display_names, kind_of
from preview.reducers import calculated, name_of

Frames = list[Frame]


def merged(frames: Frames) -> Frames:
    """One frame of all: rows that agree in the fields that all frames have become one, if nothing contradicts."""
    kept = [frame for frame in frames if frame.fields]
    if len(frames) < 2 or not kept:
        return frames[:1]
    kinds = {field.name: field for frame in reversed(kept) for field in reversed(frame.fields)}
    names = list(dict.fromkeys(field.name for frame in kept for field in frame.fields))
    keys = [field.name for field in kept[-1].fields if all(_has(frame, field.name) for frame in kept)]
    if not keys:
        return frames
    rows: list[Plain] = []
    by_key: dict[str, list[Plain]] = {}
    for frame in kept:
        for row in _rows(frame):
            alike = by_key.setdefault("".join(str(row[name]) for name in keys), [])
            into = [other for other in alike if _agree(other, row)]
            for known in into:
                known.update(row)
            if not into:
                alike.append(row)
                rows.append(row)
    return [Frame([Field(name, kinds[name].kind, [row.get(name) for row in rows]) for name in names])]


def _has(frame: Frame, name: str) -> bool:
    return any(field.name == name for field in frame.fields)


def _rows(frame: Frame) -> list[Plain]:
    return [{field.name: field.values[row] for field in frame.fields} for row in range(frame.rows)]


def _agree(one: Plain, other: Plain) -> bool:
    return all(one.get(name) is None or one[name] == value for name, value in other.items())


def joined(frames: Frames, options: Plain) -> Frames:
    """One frame: a row for each value of the field, or of the time, and the other fields of all frames beside it."""
    name, mode = options.get("byField") or "", options.get("mode") or "outer"
    tables = [_join_fields(frame, frames, name) for frame in frames]
    found = [table for table in tables if table]
    if len(frames) < 2 or not found:
        return frames
    if mode == "outer":
        return [_outer(found)]
    if mode in {"inner", "outerTabular"} and len(found) == 2:
        return [_tabular(*found, inner=mode == "inner")]
    raise UntranslatedError(f"a join: {mode} of {len(found)} frames")


def _join_fields(frame: Frame, among: Frames, name: str) -> list[Field]:
    """The field to join on, then the others; a series' value takes its frame's name."""
    names = display_names(frame, among)
    on = next(
        (
            field
            for shown, field in zip(names, frame.fields, strict=True)
            if (name in {shown, field.name} if name else field.kind is Kind.TIME)
        ),
        None,
    )
    if on is None:
        return []
    others = [field for field in frame.fields if field is not on]
    return [on, *(replace(each, name=frame.name) if frame.name and each.name == VALUE else each for each in others)]


def _outer(tables: Sequence[list[Field]]) -> Frame:
    keys = list(dict.fromkeys(value for on, *_ in tables for value in on.values))
    if tables[0][0].kind is not Kind.STRING:
        keys.sort()
    fields = [replace(tables[0][0], values=keys)]
    for on, *others in tables:
        row_of = {value: row for row, value in enumerate(on.values)}
        for field in others:
            values = [field.values[row_of[key]] if key in row_of else None for key in keys]
            fields.append(replace(field, values=values))
    return Frame(fields)


def _tabular(left: list[Field], right: list[Field], *, inner: bool) -> Frame:
    """A row for each pair that agrees; then, unless only pairs are asked for, what is on one side alone."""
    ours, theirs = _lines(left), _lines(right)
    rows = [[*one, *other[1:]] for one in ours for other in theirs if one[0] == other[0]]
    if not inner:
        known, found = {one[0] for one in ours}, {other[0] for other in theirs}
        rows += [[*one, *[None] * (len(right) - 1)] for one in ours if one[0] not in found]
        rows += [[other[0], *[None] * (len(left) - 1), *other[1:]] for other in theirs if other[0] not in known]
    fields = [*left, *right[1:]]
    return Frame([replace(field, values=[row[place] for row in rows]) for place, field in enumerate(fields)])


def _lines(fields: list[Field]) -> list[list[Any]]:
    return [list(row) for row in zip(*(field.values for field in fields), strict=True)]


def grouped(frames: Frames, options: Plain) -> Frames:
    """One row for each value of the fields that are grouped by, and the calculations of others beside them."""
    chosen: dict[str, Plain] = options.get("fields") or {}
    by = {name for name, each in chosen.items() if each.get("operation") == "groupby"}
    return [found for frame in frames if (found := _grouped(frame, chosen, by))] if by else frames


def _grouped(frame: Frame, chosen: dict[str, Plain], by: set[str]) -> Frame | None:
    named = list(zip(display_names(frame, [frame]), frame.fields, strict=True))
    keys = [field for name, field in named if {name, field.name} & by]
    if not keys:
        return None
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(frame.rows):
        groups.setdefault(tuple(str(field.values[row]) for field in keys), []).append(row)
    fields = [Field(field.name, field.kind, [field.values[rows[0]] for rows in groups.values()]) for field in keys]
    for name, field in named:
        option = chosen.get(name) or {}
        if (operation := option.get("operation")) in {None, "groupby"}:
            continue
        if operation != "aggregate":
            raise UntranslatedError(f"a group's {operation}")
        for calculation in option.get("aggregations") or []:
            values = [calculated(calculation, [field.values[row] for row in rows]) for rows in groups.values()]
            kind = Kind.NUMBER if "count" in calculation.lower() else field.kind
            fields.append(Field(f"{name} ({calculation})", kind, values))
    return replace(frame, fields=fields, name="")


def reduced(frames: Frames, options: Plain) -> Frames:
    """Each field as one value a calculation: a row for each field, or a single row of the same fields."""
    calculations = options.get("reducers") or []
    if not calculations or not frames:
        return frames
    if options.get("fields") or options.get("labelsToFields"):
        raise UntranslatedError("a reduction of some fields, or with labels")
    if options.get("mode") == "reduceFields":
        return [_one_row(frame, calculations) for frame in frames]
    named = [
        (name, field)
        for frame in frames
        for name, field in zip(display_names(frame, frames), frame.fields, strict=True)
        if field.kind is not Kind.TIME
    ]
    fields = [Field("Field", Kind.STRING, [name for name, _ in named])]
    for calculation in calculations:
        values = [calculated(calculation, field.values) for _, field in named]
        fields.append(Field(name_of(calculation), kind_of(values), values))
    return [Frame(fields)]


def _one_row(frame: Frame, calculations: list[str]) -> Frame:
    if len(calculations) > 1:
        raise UntranslatedError("several calculations of the same fields")
    kept = [field for field in frame.fields if field.kind is not Kind.TIME]
    return replace(frame, fields=[replace(field, values=[calculated(calculations[0], field.values)]) for field in kept])


def calculated_field(frames: Frames, options: Plain) -> Frames:
    """A further number in each row: of two fields or a field and a number, or a calculation over some of them."""
    mode = options.get("mode") or "reduceRow"
    if mode not in {"binary", "reduceRow"}:
        raise UntranslatedError(f"a calculated field: {mode}")
    fixed = mode == "binary" and "fixed" in _side(options["binary"]["right"], frames)
    is_series = all(any(field.kind is Kind.TIME for field in frame.fields) for frame in frames)
    if options.get("timeSeries", True) and not fixed and len(frames) > 1 and is_series:
        frames = joined(frames, {})
    made = []
    for frame in frames:
        values = _binary(frame, frames, options) if mode == "binary" else _over_rows(frame, frames, options)
        if values is None:
            made += [] if options.get("replaceFields") else [frame]
            continue
        field = Field(_name(options, frames), Kind.NUMBER, values)
        time = [each for each in frame.fields if each.kind is Kind.TIME and options.get("timeSeries", True)]
        kept = time[:1] if options.get("replaceFields") else list(frame.fields)
        made.append(replace(frame, fields=[*kept, field]))
    return made


def _name(options: Plain, frames: Frames) -> str:
    if options.get("alias"):
        return str(options["alias"])
    if (options.get("mode") or "reduceRow") == "reduceRow":
        return name_of((options.get("reduce") or {}).get("reducer") or "sum")
    binary = options["binary"]
    left, right = (_side(binary[side], frames) for side in ("left", "right"))
    shown = [str(each["fixed"] if "fixed" in each else each["name"]) for each in (left, right)]
    return f"{shown[0]} {binary.get('operator', '+')} {shown[1]}"


def _side(value: Any, frames: Frames) -> Plain:
    """A field by its name, or a fixed number; a plain text is whichever there is."""
    if isinstance(value, str):
        known = {field.name for frame in frames for field in frame.fields}
        return {"name": value} if value in known else {"fixed": value}
    matcher = value.get("matcher") or {}
    if matcher.get("id") == "byName":
        return {"name": matcher["options"]}
    if matcher:
        raise UntranslatedError(f"a calculation of fields {matcher['id']}")
    return {"fixed": value["fixed"]}


def _operand(side: Plain, frame: Frame, among: Frames) -> Sequence[Any] | None:
    if "fixed" in side:
        return [float(side["fixed"] or "nan")] * frame.rows
    names = display_names(frame, among)
    matching = (field for name, field in zip(names, frame.fields, strict=True) if side["name"] in {name, field.name})
    field = next(matching, None)
    return field.values if field else None


def _binary(frame: Frame, among: Frames, options: Plain) -> list[float] | None:
    binary = options["binary"]
    left, right = (_operand(_side(binary[side], among), frame, among) for side in ("left", "right"))
    if left is None or right is None:
        return None
    if binary.get("operator", "+") not in _OPERATORS:
        raise UntranslatedError(f"an operator: {binary['operator']}")
    operate = _OPERATORS[binary.get("operator", "+")]
    return [operate(one or 0, other or 0) for one, other in zip(left, right, strict=True)]  # no value counts as 0


def _over_rows(frame: Frame, among: Frames, options: Plain) -> list[Any] | None:
    reduce = options.get("reduce") or {}
    chosen = reduce.get("include")
    columns = [
        field
        for name, field in zip(display_names(frame, among), frame.fields, strict=True)
        if field.kind is Kind.NUMBER and (not chosen or {name, field.name} & set(chosen))
    ]
    if not columns:
        return None
    rows = zip(*(field.values for field in columns), strict=True)
    return [calculated(reduce.get("reducer") or "sum", row) for row in rows]


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    return math.copysign(math.inf, one) if one else math.nan


_OPERATORS: Final[dict[str, Callable[[float, float], float]]] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": _divided,
}
