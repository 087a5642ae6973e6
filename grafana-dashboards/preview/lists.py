"""Panels of rows: table, logs, text, and a trace as a waterfall."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from preview import theme, units
from preview.canvas import Align, Tile, measured, wrapped
from preview.frames import Field, Frame, Kind, Plain, milliseconds
from preview.look import Look, looks
from preview.transformations import transformed

_ROW: Final = {"sm": 30, "md": 42, "lg": 54, "auto": 30}
_LEAST: Final = 52
_TOP: Final = 30
_SIZE: Final = 12
Place = tuple[float, float, float, float]
"""Left, top, width and height in the tile."""


def table(tile: Tile, panel: Plain, frames: Sequence[Frame]) -> None:
    """Columns under their names; cells in their colours or as gauges; what does not fit is counted."""
    options = panel.get("options") or {}
    frame = frames[min(int(options.get("frameIndex") or 0), len(frames) - 1)]
    columns = [look for look in looks(panel, _sorted(panel, frame))[0] if not look.is_hidden]
    widths = _widths(columns, tile.width)
    lefts = [sum(widths[:place]) for place in range(len(columns))]
    height = float(_ROW.get(str(options.get("cellHeight") or "sm"), 30))
    rows = len(columns[0].field.values) if columns else 0
    if any(look.custom.get("wrapText") for look in columns):
        height = min(max((tile.height - _TOP) / max(rows, 1), height), 200)
    fitting = min(rows, max(int((tile.height - _TOP) // height), 0))
    for look, left, width in zip(columns, lefts, widths, strict=True):
        _line(tile, look, look.name, (left, 0, width, _TOP - 2), theme.LINK, bold=True)
        for row in range(fitting):
            _cell(tile, look, look.field.values[row], (left, _TOP + row * height, width, height))
    for row in range(fitting + 1):
        tile.line(0, _TOP - 1 + row * height, tile.width, _TOP - 1 + row * height)
    if rows > fitting:
        told = f"{fitting} of {rows} rows"
        tile.text(tile.width - 4, -16, told, size=11, colour=theme.FAINT, align="right", is_clipped=False)


def _sorted(panel: Plain, frame: Frame) -> list[Frame]:
    """By the first of the columns that the panel sorts by, under the names that it shows."""
    by = (panel.get("options") or {}).get("sortBy") or []
    shown = {look.name: look.field.name for look in looks(panel, [frame])[0]}
    sort = [{"field": shown.get(each["displayName"], each["displayName"]), "desc": each.get("desc")} for each in by[:1]]
    return transformed([frame], [{"id": "sortBy", "options": {"sort": sort}}])


def _widths(columns: Sequence[Look], whole: float) -> list[float]:
    """As configured, else by the longest of name and first values; together the tile's width.

    What is too wide takes it from the widest.
    """
    wanted = []
    for look in columns:
        texts = [look.name, *(look.text(value) for value in list(look.field.values)[:20])]
        longest = max(measured(text, _SIZE) for text in texts) + 18
        is_gauge = (look.custom.get("cellOptions") or {}).get("type") == "gauge"
        wanted.append(float(look.custom.get("width") or max(min(longest, 420), 160 if is_gauge else _LEAST)))
    if sum(wanted) <= whole:
        return [width * whole / (sum(wanted) or 1) for width in wanted]
    rest, left = whole, len(wanted)
    for width in sorted(wanted):
        if width * left > rest:
            break
        rest, left = rest - width, left - 1
    return [min(width, rest / left) for width in wanted]


def _cell(tile: Tile, look: Look, value: Any, place: Place) -> None:
    left, top, width, height = place
    kind = (look.custom.get("cellOptions") or {}).get("type", "auto")
    text = "" if value is None else look.text(value)
    if kind == "gauge" and isinstance(value, (int, float)):
        room = width - measured(text, _SIZE) - 20
        tile.box(left + 6, top + height * 0.25, room, height * 0.5, theme.GRID)
        tile.box(left + 6, top + height * 0.25, room * look.share(value), height * 0.5, look.colour(value))
        tile.text(left + width - 6, top + height / 2, text, size=_SIZE, colour=look.colour(value), align="right")
        return
    colour = theme.LINK if look.config.get("links") else theme.TEXT
    if kind == "color-background" and value is not None:
        tile.box(left + 1, top + 1, width - 2, height - 2, look.colour(value))
        colour = theme.readable_on(look.colour(value))
    elif kind == "color-text" and value is not None:
        colour = look.colour(value)
    if look.custom.get("wrapText"):
        lines = wrapped(text, width - 12, _SIZE, max(int(height // 17), 1))
        for row, line in enumerate(lines):
            tile.text(left + 6, top + 14 + row * 17, line, size=_SIZE, colour=colour)
        return
    _line(tile, look, text, place, colour)


def _line(tile: Tile, look: Look, text: str, place: Place, colour: str, *, bold: bool = False) -> None:
    """Numbers stand to the right."""
    left, top, width, height = place
    is_number = look.field.kind is Kind.NUMBER
    x: float = left + width - 6 if is_number else left + 6
    align: Align = "right" if is_number else "left"
    room = (width - 12) / (1.1 if bold else 1)
    tile.text(x, top + height / 2, text, size=_SIZE, colour=colour, width=room, align=align, bold=bold)


def logs(tile: Tile, _: Plain, frames: Sequence[Frame]) -> None:
    """A line for each document: its time, and the first text of it."""
    for frame in frames[:1]:
        times = next((field for field in frame.fields if field.kind is Kind.TIME), None)
        texts = next((field for field in frame.fields if field.kind is Kind.STRING), None)
        for row in range(min(frame.rows, int(tile.height // 20))):
            when = units.written(milliseconds(times.values[row]), "dateTimeAsIso") if times else ""
            said = str(texts.values[row]) if texts else ""
            tile.text(6, row * 20 + 12, when, size=11, colour=theme.FAINT)
            tile.text(150, row * 20 + 12, said, size=11, width=tile.width - 156)


def text(tile: Tile, panel: Plain, _: Sequence[Frame]) -> None:
    """What it says, wrapped; of its markup only headings are followed."""
    top = 12.0
    for line in str((panel.get("options") or {}).get("content") or "").splitlines():
        size, is_heading = (15, True) if line.startswith("#") else (12, False)
        plain = re.sub(r"[*`#]+", "", line).strip()
        for row in wrapped(plain, tile.width - 24, size, 8) or [""]:
            tile.text(6, top, row, size=size, bold=is_heading)
            top += 18
        if top > tile.height:
            return


def trace(tile: Tile, _: Plain, frames: Sequence[Frame]) -> None:
    """A waterfall: each span under the one that called it, with its service's colour."""
    spans = _in_order(frames[0])
    start = min(span["startTime"] for span, _ in spans)
    length = max(max(span["startTime"] + span["duration"] for span, _ in spans) - start, 1e-6)
    services = list(dict.fromkeys(span["serviceName"] for span, _ in spans))
    label, height = tile.width * 0.32, min(max((tile.height - 24) / len(spans), 12), 26)
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = label + (tile.width - label - 12) * share
        tile.text(x, 10, units.written(length * share, "ms"), size=10, colour=theme.FAINT, align="right")
        tile.line(x, 20, x, tile.height)
    for row, (span, depth) in enumerate(spans[: int((tile.height - 24) // height)]):
        top = 24 + row * height
        colour = theme.SERIES[services.index(span["serviceName"]) % len(theme.SERIES)]
        left = label + (tile.width - label - 12) * (span["startTime"] - start) / length
        tile.box(4 + depth * 12, top + 2, 3, height - 4, colour)
        said = f"{span['serviceName']}  {span['operationName']}"
        tile.text(10 + depth * 12, top + height / 2, said, size=11, width=label - depth * 12 - 14)
        wide = max((tile.width - label - 12) * span["duration"] / length, 2)
        tile.box(left, top + height * 0.25, wide, height * 0.5, _alarmed(span, colour))


def _alarmed(span: Plain, colour: str) -> str:
    tags = {tag["key"]: tag["value"] for tag in span["tags"] or ()}
    return theme.ALARM if tags.get("error") in (True, "true") else colour


def _in_order(frame: Frame) -> list[tuple[dict[str, Any], int]]:
    """Each span with its depth, after the one that called it, in the order of their starts."""
    columns: dict[str, Field] = {field.name: field for field in frame.fields}
    spans = [{name: field.values[row] for name, field in columns.items()} for row in range(frame.rows)]
    known = {span["spanID"] for span in spans}
    found: list[tuple[dict[str, Any], int]] = []

    def put(parent: str | None, depth: int) -> None:
        inner = [span for span in spans if (span["parentSpanID"] if span["parentSpanID"] in known else None) == parent]
        for span in sorted(inner, key=lambda each: float(each["startTime"])):
            found.append((span, depth))
            put(span["spanID"], depth + 1)

    put(None, 0)
    return found
