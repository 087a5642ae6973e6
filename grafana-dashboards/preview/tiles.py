"""Panels of single values: stat, gauge, bar gauge and pie."""

from __future__ import annotations

import math
from collections.abc import Sequence

from preview import theme, units
from preview.canvas import Tile, measured
from preview.frames import Frame, Plain
from preview.reducing import Single, singles


def stat(tile: Tile, panel: Plain, frames: Sequence[Frame]) -> None:
    """Each value large, beside the others, on its colour or in it."""
    values, mode = singles(panel, frames), (panel.get("options") or {}).get("colorMode", "value")
    upright = (panel.get("options") or {}).get("orientation") == "horizontal" or tile.height > tile.width * 1.2
    count = max(len(values), 1)
    width, height = (tile.width, tile.height / count) if upright else (tile.width / count, tile.height)
    text_mode = (panel.get("options") or {}).get("textMode", "auto")
    shows_name = (count > 1 and text_mode == "auto") or text_mode in {"value_and_name", "name"}
    widest = max((measured(single.text, 10) for single in values), default=10) or 10
    size = min(height * (0.45 if shows_name else 0.6), width * 0.9 / widest * 10, 64)
    for place, single in enumerate(values):
        left, top = (0.0, place * height) if upright else (place * width, 0.0)
        inner = tile.within(left + 2, top + 2, width - 4, height - 4)
        _big(inner, single, mode, size=size, name=single.name if shows_name else "", hides_value=text_mode == "name")


def _big(tile: Tile, single: Single, mode: str, *, size: float, name: str, hides_value: bool) -> None:
    filled = mode.startswith("background")
    if filled:
        tile.box(0, 0, tile.width, tile.height, single.colour)
    ink = theme.readable_on(single.colour) if filled else theme.TEXT if mode == "none" else single.colour
    middle = tile.width / 2
    if not hides_value:
        tile.text(middle, tile.height * (0.62 if name else 0.5), single.text, size=size, colour=ink, align="center")
    if name:
        small = max(min(size * 0.4, 18), 11)
        tile.text(middle, tile.height * 0.2, name, size=small, colour=ink, align="center", width=tile.width - 8)


def gauge(tile: Tile, panel: Plain, frames: Sequence[Frame]) -> None:
    """Half a ring for each value, filled as far as it goes."""
    values = singles(panel, frames)
    for place, single in enumerate(values):
        width = tile.width / len(values)
        axes = tile.chart(place * width + width * 0.1, tile.height * 0.1, width * 0.8, tile.height * 0.75)
        axes.set_axis_off()
        axes.set_aspect("equal")
        share = single.look.share(single.value)
        axes.pie(
            [share, 1 - share, 1],
            colors=[single.colour, theme.GRID, theme.PANEL],
            startangle=180,
            counterclock=False,
            wedgeprops={"width": 0.3},
        )
        tile.text((place + 0.5) * width, tile.height * 0.55, single.text, size=20, align="center", colour=single.colour)
        tile.text((place + 0.5) * width, tile.height * 0.9, single.name, size=12, align="center", width=width)


def bar_gauge(tile: Tile, panel: Plain, frames: Sequence[Frame]) -> None:
    """A bar for each value, with its name before it and its text behind."""
    values = singles(panel, frames)
    most = max((single.look.range()[1] for single in values), default=1) or 1
    height = min(tile.height / max(len(values), 1), 44)
    longest = max((measured(single.name, 13) for single in values), default=0)
    label = min(longest + 16, tile.width * 0.45)
    room = tile.width - label - 90
    for place, single in enumerate(values):
        middle = place * height + height / 2
        tile.text(4, middle, single.name, size=13, width=label - 8)
        tile.box(label, middle - height * 0.36, room, height * 0.72, theme.GRID)
        length = room * min(max(float(single.value or 0) / most, 0), 1)
        tile.box(label, middle - height * 0.36, length, height * 0.72, single.colour)
        tile.text(label + room + 8, middle, single.text, size=14, colour=single.colour, width=82)


def pie(tile: Tile, panel: Plain, frames: Sequence[Frame]) -> None:
    """The shares of the values, with their names below."""
    numbers = [single for single in singles(panel, frames) if isinstance(single.value, (int, float))]
    values = [single for single in numbers if single.value > 0]
    whole = math.fsum(single.value for single in values) or 1
    below = min(math.ceil(len(values) / 2), 4) * 18 + 8
    axes = tile.chart(10, 4, tile.width - 20, tile.height - below - 8)
    axes.set_axis_off()
    options = panel.get("options") or {}
    shown = [_share(single, whole) if "percent" in (options.get("displayLabels") or ()) else "" for single in values]
    if values:
        axes.pie(
            [single.value for single in values],
            labels=shown,
            colors=[theme.SERIES[place % len(theme.SERIES)] for place in range(len(values))],
            startangle=90,
            counterclock=False,
            wedgeprops={"edgecolor": theme.PANEL, **({"width": 0.4} if options.get("pieType") == "donut" else {})},
            textprops={"color": theme.TEXT, "fontsize": 8},
        )
    _pie_legend(tile, values, tile.height - below + 12, whole)


def _pie_legend(tile: Tile, values: Sequence[Single], top: float, whole: float) -> None:
    """Two beside each other, four rows at most."""
    for place, single in enumerate(values[:8]):
        x, y = 8 + place % 2 * tile.width / 2, top + place // 2 * 18
        tile.box(x, y - 3, 10, 6, theme.SERIES[place % len(theme.SERIES)])
        told = f"{single.name}  {single.text}  {_share(single, whole)}"
        tile.text(x + 16, y, told, size=11, width=tile.width / 2 - 24)


def _share(single: Single, whole: float) -> str:
    return units.written(single.value / whole, "percentunit", 0)
