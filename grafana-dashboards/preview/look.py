"""How a panel's field configuration and its overrides show each field: name, unit, colour, text of a value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from preview import theme, units
from preview.frames import Field, Frame, Kind, Plain, UntranslatedError, display_names, milliseconds
from preview.transformations import pattern

# What Grafana puts where a board says nothing.
_THRESHOLDS: Final[Plain] = {"steps": [{"color": "green", "value": None}, {"color": "red", "value": 80}]}
_OF_THE_PALETTE: Final = frozenset({"barchart", "histogram", "piechart", "timeseries", "xychart"})


@dataclass(frozen=True, slots=True)
class Look:
    """A field with all that its configuration says of it."""

    field: Field
    name: str
    config: Mapping[str, Any]
    custom: Mapping[str, Any]
    place: int
    """Which of the panel's fields it is; it gives its colour."""

    @property
    def unit(self) -> str:
        """As Grafana names it."""
        return str(self.config.get("unit") or "")

    @property
    def is_hidden(self) -> bool:
        """Whether it is left out of the picture."""
        return bool((self.custom.get("hideFrom") or {}).get("viz") or self.custom.get("hidden"))

    @property
    def numbers(self) -> list[float]:
        """The values that are numbers."""
        return [each for each in self.field.values if isinstance(each, (int, float)) and not isinstance(each, bool)]

    def text(self, value: Any) -> str:
        """A value as it is written in the panel."""
        if mapped := self._mapping(value).get("text"):
            return str(mapped)
        if value is None:
            return str(self.config.get("noValue") or "-")
        if self.field.kind is Kind.TIME:
            return units.written(milliseconds(value), "dateTimeAsIso")
        if isinstance(value, str):
            return value
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return units.written(value, self.unit, self.config.get("decimals"))
        return json.dumps(value, ensure_ascii=False)

    def colour(self, value: Any = None) -> str:
        """A value's colour: mapped, fixed, by thresholds, by its place between least and most, or of the palette."""
        if mapped := self._mapping(value).get("color"):
            return theme.colour(mapped)
        color = self.config.get("color") or {}
        mode = color.get("mode") or "thresholds"
        if mode == "fixed" or mode == "shades":
            return theme.colour(color.get("fixedColor") or "gray")
        if mode.startswith("palette"):
            return theme.SERIES[self.place % len(theme.SERIES)]
        if mode.startswith("continuous"):
            return theme.between(mode, self.share(value))
        return self._by_threshold(value)

    def share(self, value: Any) -> float:
        """Where the value stands between least and most, 0 to 1."""
        least, most = self.range()
        return min(max((float(value or 0) - least) / ((most - least) or 1), 0.0), 1.0)

    def range(self) -> tuple[float, float]:
        """Least and most, as configured or as there are."""
        numbers = self.numbers or [0.0]
        least, most = self.config.get("min"), self.config.get("max")
        return (min(numbers) if least is None else least), (max(numbers) if most is None else most)

    def _by_threshold(self, value: Any) -> str:
        thresholds = self.config.get("thresholds") or _THRESHOLDS
        level = self.share(value) * 100 if thresholds.get("mode") == "percentage" else value
        steps = [each for each in thresholds["steps"] if each["value"] is None or _reaches(level, each["value"])]
        return theme.colour(steps[-1]["color"]) if steps else theme.TEXT

    def _mapping(self, value: Any) -> Mapping[str, Any]:
        for mapping in self.config.get("mappings") or ():
            if (found := _mapped(mapping, value)) is not None:
                return found
        return {}


def _reaches(level: Any, value: float) -> bool:
    return isinstance(level, (int, float)) and level >= value


def _within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _mapped(mapping: Plain, value: Any) -> Mapping[str, Any] | None:
    options = mapping["options"]
    match mapping["type"]:
        case "value":
            return cast("Plain | None", options.get(f"{value:g}" if isinstance(value, float) else str(value)))
        case "range":
            least, most = options.get("from"), options.get("to")
            if isinstance(value, (int, float)) and _within(value, least, most):
                return cast("Plain", options["result"])
        case "regex":
            if value is not None and pattern(options["pattern"]).search(str(value)):
                return cast("Plain", options["result"])
        case "special":
            if options["match"] in {"null", "null+nan", "empty"} and value in (None, ""):
                return cast("Plain", options["result"])
    return None


def looks(panel: Plain, frames: Sequence[Frame]) -> list[list[Look]]:
    """Each frame's fields as the panel shows them."""
    config = panel.get("fieldConfig") or {}
    defaults = dict(config.get("defaults") or {})
    if panel["type"] in _OF_THE_PALETTE:
        defaults.setdefault("color", {"mode": "palette-classic"})
    found: list[list[Look]] = []
    place = 0
    for frame in frames:
        of_frame = []
        for name, field in zip(display_names(frame, frames), frame.fields, strict=True):
            merged = _merged(defaults, config.get("overrides") or (), name, field, frame)
            shown = str(merged.get("displayName") or name)
            of_frame.append(Look(field, shown, {**field.config, **merged}, merged.get("custom") or {}, place))
            place += field.kind is Kind.NUMBER
        found.append(of_frame)
    return found


def _merged(defaults: Plain, overrides: Sequence[Plain], name: str, field: Field, frame: Frame) -> Plain:
    config = {**defaults, "custom": dict(defaults.get("custom") or {})}
    for override in overrides:
        if not _matches(override["matcher"], name, field, frame):
            continue
        for item in override["properties"]:
            into, path = config, item["id"].split(".")
            for part in path[:-1]:
                into[part] = dict(into.get(part) or {})
                into = into[part]
            into[path[-1]] = item.get("value")
    return config


def _matches(matcher: Plain, name: str, field: Field, frame: Frame) -> bool:
    options: Any = matcher.get("options")
    match matcher["id"]:
        case "byName":
            return options in {name, field.name}
        case "byNames":
            is_named = bool({name, field.name} & set(options["names"]))
            return is_named is (options.get("mode", "include") == "include")
        case "byRegexp":
            return bool(pattern(str(options)).search(name))
        case "byType":
            return bool(field.kind == options)
        case "byFrameRefID":
            return bool(frame.ref == options)
        case other:
            raise UntranslatedError(f"an override's matcher: {other}")
