"""Panels of distributions and comparisons: heat map, bar chart, histogram, scatter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from preview import theme, units
from preview.canvas import Tile
from preview.frames import Frame, Kind, Plain
from preview.look import Look, looks
from preview.searches import Moment
from preview.timelines import LEFT, Line, lines, over_time

_SCHEMES: Final = frozenset({"Oranges", "Blues", "Greens", "Reds", "Purples", "Spectral", "Greys", "YlOrRd"})


def heat_map(tile: Tile, panel: Plain, frames: Sequence[Frame], moment: Moment) -> None:
    """A row for each series, the lowest range below; names that are numbers are put in their order."""
    rows = _by_number(lines(panel, frames))
    times = sorted({time for line in rows for time in line.times})
    counts = [dict(zip(line.times, line.values, strict=True)) for line in rows]
    cells = [[row.get(time) or math.nan for time in times] for row in counts]  # nothing is drawn of nothing
    axes = tile.chart(LEFT, 8, tile.width - LEFT - 12, tile.height - 40)
    color = (panel.get("options") or {}).get("color") or {}
    scheme = color.get("scheme") if color.get("scheme") in _SCHEMES else "Oranges"
    most = max((value for row in cells for value in row if not math.isnan(value)), default=1)
    edges = [*times, times[-1] + moment.interval]
    # On a dark page the schemes run from dark to bright.
    shades = f"{scheme}_r" if not color.get("reverse") else scheme
    axes.pcolormesh(edges, range(len(rows) + 1), cells, cmap=shades, vmin=0, vmax=most, edgecolors=theme.PANEL)
    unit = ((panel.get("options") or {}).get("yAxis") or {}).get("unit") or ""
    axes.set_yticks([place + 1.0 for place in range(len(rows))], [_bound(line.look.name, unit) for line in rows])
    over_time(axes, moment, tile.width)


def _by_number(rows: list[Line]) -> list[Line]:
    try:
        return sorted(rows, key=lambda line: math.inf if line.look.name == "+Inf" else float(line.look.name))
    except ValueError:
        return rows


def _bound(name: str, unit: str) -> str:
    try:
        return name if name == "+Inf" else units.written(float(name), unit)
    except ValueError:
        return name


def bar_chart(tile: Tile, panel: Plain, frames: Sequence[Frame], _: Moment) -> None:
    """Groups of bars over the first column of texts, side by side or on each other."""
    columns = [look for look in looks(panel, frames)[0] if not look.is_hidden]
    names = next((look for look in columns if look.field.kind is not Kind.NUMBER), None)
    numbers = [look for look in columns if look.field.kind is Kind.NUMBER]
    options = panel.get("options") or {}
    lies = options.get("orientation") == "horizontal"
    side = LEFT + (80 if lies else 0)
    axes = tile.chart(side, 8, tile.width - side - 12, tile.height - 60)
    texts = [names.text(value) for value in names.field.values] if names else []
    _bars(axes, numbers, lies=lies, stacked=options.get("stacking") == "normal")
    along, across = (axes.yaxis, axes.xaxis) if lies else (axes.xaxis, axes.yaxis)
    along.set_major_locator(FixedLocator([float(row) for row in range(len(texts))]))
    along.set_major_formatter(FuncFormatter(lambda row, _: texts[int(row)][:18] if 0 <= row < len(texts) else ""))
    if numbers:
        across.set_major_formatter(FuncFormatter(lambda value, _: units.written(float(value), numbers[0].unit)))
    _names_below(tile, numbers)


def _bars(axes: Axes, numbers: Sequence[Look], *, lies: bool, stacked: bool) -> None:
    base = [0.0] * (len(numbers[0].field.values) if numbers else 0)
    for place, look in enumerate(numbers):
        values = [float(value or 0) for value in look.field.values]
        aside = 0.0 if stacked else (place - (len(numbers) - 1) / 2) * 0.8 / len(numbers)
        at = [row + aside for row in range(len(values))]
        wide = 0.8 if stacked else 0.75 / len(numbers)
        drawn: dict[str, Any] = {"height" if lies else "width": wide, "left" if lies else "bottom": base}
        (axes.barh if lies else axes.bar)(at, values, color=[look.colour(value) for value in values], **drawn)
        if stacked:
            base = [one + other for one, other in zip(base, values, strict=True)]


def _names_below(tile: Tile, of: Sequence[Look]) -> None:
    left = 10.0
    for look in of:
        tile.box(left, tile.height - 14, 14, 4, look.colour(look.numbers[0] if look.numbers else 0))
        tile.text(left + 20, tile.height - 12, look.name, size=11)
        left += tile.measured(look.name, 11) + 36


def histogram(tile: Tile, panel: Plain, frames: Sequence[Frame], _: Moment) -> None:
    """How often which value, of all numbers there are."""
    columns = [look for of_frame in looks(panel, frames) for look in of_frame if look.field.kind is Kind.NUMBER]
    axes = tile.chart(LEFT, 8, tile.width - LEFT - 12, tile.height - 60)
    bins = int((panel.get("options") or {}).get("bucketCount") or 30)
    for look in columns:
        axes.hist(look.numbers, bins=bins, color=look.colour(), alpha=0.8)
    if columns:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: units.written(float(value), columns[0].unit)))
    _names_below(tile, columns)


def scatter(tile: Tile, panel: Plain, frames: Sequence[Frame], _: Moment) -> None:
    """Points of the first number over each further one."""
    numbers = [look for look in looks(panel, frames)[0] if look.field.kind is Kind.NUMBER and not look.is_hidden]
    axes = tile.chart(LEFT, 8, tile.width - LEFT - 12, tile.height - 60)
    for look in numbers[1:]:
        pairs = [
            (float(x), float(y))
            for x, y in zip(numbers[0].field.values, look.field.values, strict=True)
            if x is not None and y is not None
        ]
        axes.scatter([x for x, _ in pairs], [y for _, y in pairs], s=14, color=look.colour(), alpha=0.8)
    _names_below(tile, numbers[1:])
