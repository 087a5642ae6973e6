"""What Grafana gets out of an answer: frames of named fields. Neither how they are asked for nor how they are drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

Plain = dict[str, Any]

TIME: Final = "Time"
VALUE: Final = "Value"


class UntranslatedError(NotImplementedError):
    """Grafana does something here that this translation does not; it never guesses."""


class GrafanaError(Exception):
    """What Grafana would show as a panel's error."""


class Kind(StrEnum):
    """What a field's values are; `other` is whatever Grafana shows as JSON."""

    TIME = "time"
    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Field:
    """A column: times are milliseconds since the epoch, or ISO 8601 text as a document has them."""

    name: str
    kind: Kind
    values: Sequence[Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    """What a query's answer itself says of how to show it; a panel's own field configuration is not in here."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Fields of equal length, as one query answers them."""

    fields: Sequence[Field]
    name: str = ""
    ref: str = "A"

    def __post_init__(self) -> None:
        if len({len(each.values) for each in self.fields}) > 1:
            lengths = ", ".join(f"{each.name}: {len(each.values)}" for each in self.fields)
            raise GrafanaError(f"a frame's fields differ in length ({lengths})")

    @property
    def rows(self) -> int:
        """How many values each field has."""
        return len(self.fields[0].values) if self.fields else 0

    @property
    def is_series(self) -> bool:
        """One field of time and one of numbers, as each series over time comes."""
        return [each.kind for each in self.fields] == [Kind.TIME, Kind.NUMBER]


def kind_of(values: Sequence[Any]) -> Kind:
    """By the first value that there is, as the data source decides."""
    match next((value for value in values if value is not None), None):
        case bool():
            return Kind.BOOLEAN
        case int() | float():
            return Kind.NUMBER
        case str():
            return Kind.STRING
        case _:
            return Kind.OTHER


def milliseconds(value: Any) -> float | None:
    """A time of a field as milliseconds since the epoch."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).timestamp() * 1000
    return None if value is None else float(value)


def display_names(frame: Frame, among: Sequence[Frame]) -> list[str]:
    """The names under which a panel, an override or a transformation finds a frame's fields.

    A series' value goes by its frame's name; in several frames with different names a named field carries both.
    Fields of one frame that would share a name are counted.
    """
    raw = [each.name for each in frame.fields]
    names = [_display_name(each, frame, among) for each in frame.fields]
    return [_counted(name, raw, place) for place, name in enumerate(names)]


def _display_name(each: Field, frame: Frame, among: Sequence[Frame]) -> str:
    if each.config.get("displayName"):
        return str(each.config["displayName"])
    if each.kind is Kind.TIME and not each.labels:
        return each.name or TIME
    parts = []
    if frame.name and len({other.name for other in among}) > 1:
        parts.append(frame.name)
    if each.name and each.name != VALUE:
        parts.append(each.name)
    if each.labels:
        several = len({key for other in among for inner in other.fields for key in inner.labels}) > 1
        inner = ", ".join(f'{key}="{value}"' for key, value in sorted(each.labels.items()))
        parts.append(f"{{{inner}}}" if several else next(iter(each.labels.values())))
    elif not parts and frame.name:
        parts.append(frame.name)
    return " ".join(parts) or each.name or VALUE


def _counted(name: str, raw: Sequence[str], place: int) -> str:
    if name != raw[place] or raw.count(name) == 1:
        return name
    return f"{name} {raw[:place].count(name) + 1}"
