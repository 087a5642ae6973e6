"""What Grafana does to frames between an answer and a panel; a transformation that is not translated here fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from preview import combining
from preview.frames import Field, Frame, Kind, Plain, UntranslatedError, display_names, kind_of, milliseconds

Frames = list[Frame]


def transformed(frames: Frames, steps: Sequence[Plain]) -> Frames:
    """The frames after all steps in their order. Raises UntranslatedError for a step that is not known here."""
    for step in steps:
        if step.get("disabled"):
            continue
        if step.get("filter") or step.get("topic"):
            raise UntranslatedError("a transformation of some frames only")
        if step["id"] not in _STEPS:
            raise UntranslatedError(f"a transformation: {step['id']}")
        frames = _STEPS[step["id"]](frames, step.get("options") or {})
    return frames


def pattern(text: str) -> re.Pattern[str]:
    """A regular expression as Grafana has it: `/…/i`, or all of the name."""
    if not (found := re.fullmatch(r"/(.*)/([gimsuy]*)", text, re.DOTALL)):
        return re.compile(f"^{text}$")
    return re.compile(found[1], re.IGNORECASE if "i" in found[2] else 0)


def _named(frame: Frame, among: Frames) -> list[tuple[str, Field]]:
    return list(zip(display_names(frame, among), frame.fields, strict=True))


def _filter_by_name(frames: Frames, options: Plain) -> Frames:
    include, exclude = options.get("include"), options.get("exclude")
    if options.get("byVariable") or any(set(each or ()) - {"names", "pattern"} for each in (include, exclude)):
        raise UntranslatedError("a filter of fields by a variable")

    def keeps(name: str, field: Field) -> bool:
        chosen = include is None or _matches(include, name, field)
        return chosen and not (exclude is not None and _matches(exclude, name, field))

    kept = [
        replace(each, fields=[field for name, field in _named(each, frames) if keeps(name, field)]) for each in frames
    ]
    return [frame for frame in kept if frame.fields]


def _matches(option: Plain, name: str, field: Field) -> bool:
    if option.get("pattern") and pattern(option["pattern"]).search(name):
        return True
    return bool({name, field.name} & set(option.get("names") or ()))


def _organize(frames: Frames, options: Plain) -> Frames:
    """Order, leave out, rename: all by the names before. A field that no order names comes behind the others."""
    places, names = options.get("indexByName") or {}, options.get("renameByName") or {}
    out, only = options.get("excludeByName") or {}, options.get("includeByName") or {}
    if options.get("orderByMode", "manual") != "manual":
        raise UntranslatedError("fields ordered by Grafana")
    organized = []
    for frame in frames:
        fields = [(name, field) for name, field in _named(frame, frames) if not out.get(name)]
        if only:
            fields = [(name, field) for name, field in fields if only.get(name)]
        fields.sort(key=lambda each: places.get(each[0], len(places) + 2**31))
        renamed = [_renamed(field, names[name]) if names.get(name) else field for name, field in fields]
        organized.append(replace(frame, fields=renamed))
    return organized


def _renamed(field: Field, name: str) -> Field:
    return replace(field, config={**field.config, "displayName": name})


def _rename_by_regex(frames: Frames, options: Plain) -> Frames:
    regex = pattern(options["regex"]) if options["regex"].startswith("/") else re.compile(options["regex"])
    text = re.sub(r"\$(\d+)", r"\\g<\1>", options["renamePattern"])
    counts = 0 if options["regex"].endswith("/g") else 1
    return [
        replace(frame, fields=[_renamed(field, regex.sub(text, name, counts)) for name, field in _named(frame, frames)])
        for frame in frames
    ]


def _sort_by(frames: Frames, options: Plain) -> Frames:
    """By the first key only, as Grafana does. Numbers that are none count as 0, texts that are none come first."""
    if not options.get("sort"):
        return frames
    key = options["sort"][0]
    return [_sorted(frame, frames, key["field"], reverse=bool(key.get("desc"))) for frame in frames]


def _sorted(frame: Frame, among: Frames, name: str, *, reverse: bool) -> Frame:
    field = next((field for found, field in _named(frame, among) if name in {found, field.name}), None)
    if field is None:
        return frame
    order = sorted(range(frame.rows), key=lambda row: _rank(field, row), reverse=reverse)
    return replace(frame, fields=[replace(each, values=[each.values[row] for row in order]) for each in frame.fields])


def _rank(field: Field, row: int) -> Any:
    value = field.values[row]
    if field.kind is Kind.TIME:
        return milliseconds(value) or 0
    return (value or 0) if field.kind is Kind.NUMBER else "" if value is None else str(value).casefold()


def _limit(frames: Frames, options: Plain) -> Frames:
    most = int(options.get("limitField") or 10)
    return [
        replace(frame, fields=[replace(field, values=list(field.values)[:most]) for field in frame.fields])
        for frame in frames
    ]


def _extract(frames: Frames, options: Plain) -> Frames:
    """Fields out of one field's JSON objects, in the order in which they are met."""
    if options.get("format", "auto") not in {"auto", "json"}:
        raise UntranslatedError(f"fields extracted from {options['format']}")
    return [_extracted(frame, frames, options) for frame in frames]


def _extracted(frame: Frame, among: Frames, options: Plain) -> Frame:
    source = next((field for name, field in _named(frame, among) if options.get("source") in {name, field.name}), None)
    if source is None:
        return frame
    rows = [_picked(_parsed(value), options.get("jsonPaths") or []) for value in source.values]
    names = dict.fromkeys(name for row in rows for name in row)
    found = [_guessed(name, [row.get(name) for row in rows]) for name in names]
    time = [field for field in frame.fields if field.name in {"Time", "time"}] if options.get("keepTime") else []
    kept = [] if options.get("replace") else list(frame.fields)
    return replace(frame, fields=[*kept, *time[:1], *found])


def _guessed(name: str, values: list[Any]) -> Field:
    return Field(name, kind_of(values), values)


def _parsed(value: Any) -> Plain:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    if isinstance(value, list):
        return {str(place): each for place, each in enumerate(value)}
    return value if isinstance(value, dict) else {}


def _picked(row: Plain, paths: Sequence[Plain]) -> Plain:
    chosen = [each for each in paths if each.get("path")]
    return {each.get("alias") or each["path"]: _at(row, each["path"]) for each in chosen} if chosen else row


def _at(value: Any, path: str) -> Any:
    for part in re.findall(r"[^.\[\]]+", path):
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return "Not Found"
    return value


_STEPS: Final[dict[str, Callable[[Frames, Plain], Frames]]] = {
    "filterFieldsByName": _filter_by_name,
    "organize": _organize,
    "renameByRegex": _rename_by_regex,
    "sortBy": _sort_by,
    "limit": _limit,
    "extractFields": _extract,
    "merge": lambda frames, _: combining.merged(frames),
    "joinByField": combining.joined,
    "groupBy": combining.grouped,
    "reduce": combining.reduced,
    "calculateField": combining.calculated_field,
}
