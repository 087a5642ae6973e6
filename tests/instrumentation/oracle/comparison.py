"""What two instrumentations say of the same calls, difference by difference; a table that explains them. No test."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, Literal

from instrumentation.conformance import attribute_types

Kind = Literal["missing here", "missing there", "differs"]
TIMED = ("gen_ai.response.time_to_first_chunk", "throughline.time_to_first_chunk")
"""Attributes whose presence is compared, not their value."""
CONVENTIONS = ("gen_ai.", "mcp.", "error.", "server.")
"""Beginnings of names that no pattern may cover."""
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute, or place inside its content, or trait of the span in parentheses, in one call."""

    where: str
    attribute: str
    kind: Kind
    ours: Any = None
    theirs: Any = None

    def __str__(self) -> str:
        return f"{self.where}: {self.attribute} {self.kind}: ours {self.ours!r}, theirs {self.theirs!r}"


@dataclass(frozen=True, slots=True)
class Explained:
    """One attribute of a line of a table: which differences it is about, and why they are right.

    `[]` in an attribute stands for any index, `*` for any text; `{ours}` in a value of theirs for ours.
    """

    attribute: str
    kind: Kind
    why: str
    where: Sequence[str] = ("*",)
    ours: Any = ABSENT
    theirs: Any = ABSENT

    def explains(self, difference: Difference) -> bool:
        told = self.theirs
        if isinstance(told, str):
            told = told.replace("{ours}", str(difference.ours))
        return (
            self.kind == difference.kind
            and _matches(difference.attribute, self.attribute)
            and any(_matches(difference.where, place) for place in self.where)
            and _matches(difference.ours, self.ours)
            and _matches(difference.theirs, told)
        )

    @property
    def too_wide(self) -> bool:
        """It covers several attributes of the conventions, or values that differ in whatever way."""
        before_content = self.attribute.partition("[")[0]
        if "*" in before_content:
            return any(name.startswith(CONVENTIONS) and _matches(name, before_content) for name in attribute_types())
        derived = isinstance(self.theirs, str) and "{ours}" in self.theirs and not self.theirs.startswith("*")
        unsaid = any(value is ABSENT or value == "*" for value in (self.ours, self.theirs)) and not derived
        return self.attribute.startswith((*CONVENTIONS, "(")) and self.kind == "differs" and unsaid


def _matches(value: Any, pattern: Any) -> bool:
    if isinstance(value, str) and isinstance(pattern, str):
        return fnmatchcase(value.replace("[", "("), pattern.replace("[", "("))
    return pattern is ABSENT or (type(value) is type(pattern) and bool(value == pattern))


def table(content: Any) -> Iterator[Explained]:
    """Entries of a table; one of them may name several attributes."""
    for entry in content:
        several, where = entry["attribute"], entry.get("where", "*")
        for attribute in several if isinstance(several, list) else [several]:
            yield Explained(**{**entry, "attribute": attribute, "where": (where,) if isinstance(where, str) else where})


def differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    """Of all calls: both are label → spans."""
    for where in ours:
        yield from _of_call(where, list(ours[where]), list(theirs[where]))


def _of_call(where: str, ours: list[Any], theirs: list[Any]) -> Iterator[Difference]:
    """Spans are paired by their operation, those most alike first, as tools that run at once end in any order.

    Where there are several, the label says which operation it is.
    """
    several = len(ours) > 1 or len(theirs) > 1
    for span in ours:
        place = f"{where} {_operation(span)}" if several else where
        alike = [other for other in theirs if not several or _operation(other) == _operation(span)]
        if not alike:
            yield Difference(place, "(span)", "missing there", ours=span["name"])
            continue
        other = min(alike, key=partial(_distance, span))
        theirs.remove(other)
        yield from _of_span(place, _flat(span), _flat(other))
    for span in theirs:
        yield Difference(f"{where} {_operation(span)}", "(span)", "missing here", theirs=span["name"])


def _distance(span: Any, other: Any) -> tuple[bool, int]:
    """How little two spans are alike: kinds first, then what differs where both say something."""
    one, two = _flat(span), _flat(other)
    return bool(span["kind"] != other["kind"]), sum(one[path] != two[path] for path in one.keys() & two.keys())


def _operation(span: Any) -> str:
    """What the span is about: sides of one request to an MCP server are told apart by their kind."""
    said = span["attributes"]
    if method := said.get("mcp.method.name"):
        return f"{method} {span['kind'].lower()}"
    return str(said.get("gen_ai.operation.name", span["name"]))


def _flat(span: Any) -> dict[str, Any]:
    """Traits and attributes, what is JSON taken apart down to its scalars: path → value."""
    found = {f"({trait})": span[trait] for trait in ("name", "kind", "status", "events")}
    for name, value in span["attributes"].items():
        found |= dict(_leaves(name, "timed" if name in TIMED else _structured(value)))
    return found


def _structured(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Lists of scalars are scalars; nulls, as some write them into every message, are no values."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}", inner)
    elif isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        for index, item in enumerate(value):
            yield from _leaves(f"{path}[{index}]", item)
    elif value is not None:
        yield path, value


def _of_span(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    for path in {**ours, **theirs}:
        attribute = re.sub(r"\[\d+\]", "[]", path)
        if path not in theirs:
            yield Difference(where, attribute, "missing there", ours=ours[path])
        elif path not in ours:
            yield Difference(where, attribute, "missing here", theirs=theirs[path])
        elif ours[path] != theirs[path] or type(ours[path]) is not type(theirs[path]):
            yield Difference(where, attribute, "differs", ours[path], theirs[path])
