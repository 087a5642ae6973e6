"""Panels over the chosen time: time series with their legend, and states from one point to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from preview import theme, units
from preview.canvas import Tile
from preview.frames import Frame, Kind, Plain, milliseconds
from preview.look import Look, looks
from preview.reducers import calculated, name_of
from preview.searches import Moment

LEFT: Final = 64
"""Room for the labels of a vertical axis."""

_LINE: Final = 18
_COLUMN: Final = 92
_SECONDS: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    2_592_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """A series: its times in milliseconds, its values with gaps as NaN."""

    look: Look
    times: Sequence[float]
    values: Sequence[float]

    @property
    def colour(self) -> str:
        """By its last value, where values decide."""
        return self.look.colour(calculated("lastNotNull", self.look.numbers))

    @property
    def is_sparse(self) -> bool:
        """Whether a line alone would not show the points."""
        return sum(not math.isnan(value) for value in self.values) < max(len(self.values) * 0.3, 2)


@dataclass(slots=True)
class _Stack:
    """How high series of one group stand at each time."""

    heights: dict[float, float] = field(default_factory=dict)

    def put(self, line: Line) -> list[float]:
        """Where the line begins; it is on the stack then."""
        base = [self.heights.get(time, 0.0) for time in line.times]
        for time, at, value in zip(line.times, base, line.values, strict=True):
            self.heights[time] = at if math.isnan(value) else at + value
        return base


def lines(panel: Plain, frames: Sequence[Frame]) -> list[Line]:
    """Every visible series."""
    found: list[Line] = []
    for of_frame in looks(panel, frames):
        times = next((look.field.values for look in of_frame if look.field.kind is Kind.TIME), ())
        for look in of_frame:
            if look.field.kind is Kind.NUMBER and not look.is_hidden:
                values = [math.nan if value is None else float(value) for value in look.field.values]
                found.append(Line(look, [milliseconds(time) or 0 for time in times], values))
    return found


def time_series(tile: Tile, panel: Plain, frames: Sequence[Frame], moment: Moment) -> None:
    """Lines or stacked bars over the chosen time, with a legend of the numbers that it asks for."""
    series = lines(panel, frames)
    below = _legend(tile, panel, series)
    series = shares(series)
    axes = tile.chart(LEFT, 8, tile.width - LEFT - 12, tile.height - below - 34)
    stacks: dict[str, _Stack] = {}
    for line in series:
        stacking = line.look.custom.get("stacking") or {}
        is_stacked = stacking.get("mode") in {"normal", "percent"}
        stack = stacks.setdefault(str(stacking.get("group")), _Stack()) if is_stacked else _Stack()
        _draw(axes, line, stack.put(line), moment)
    for line in series:
        _fill_between(axes, line, series)
    if series:
        _vertical(axes, series[0].look)
    over_time(axes, moment, tile.width)


def shares(series: list[Line]) -> list[Line]:
    """What is stacked to the whole, as shares of it at each time; the others as they are."""
    whole: dict[float, float] = {}
    is_share = [(line.look.custom.get("stacking") or {}).get("mode") == "percent" for line in series]
    for line in (line for line, stacked in zip(series, is_share, strict=True) if stacked):
        for time, value in zip(line.times, line.values, strict=True):
            whole[time] = whole.get(time, 0.0) + (0 if math.isnan(value) else value)
    return [
        replace(
            line,
            look=replace(line.look, config={**line.look.config, "unit": "percentunit", "max": 1}),
            values=[value / (whole[time] or 1) for time, value in zip(line.times, line.values, strict=True)],
        )
        if stacked
        else line
        for line, stacked in zip(series, is_share, strict=True)
    ]


def _draw(axes: Axes, line: Line, base: Sequence[float], moment: Moment) -> None:
    custom, colour = line.look.custom, line.colour
    fill = float(custom.get("fillOpacity") or 0) / 100
    style = str(custom.get("drawStyle") or "line")
    if style == "bars":
        heights = [0 if math.isnan(value) else value for value in line.values]
        bars: dict[str, Any] = {"width": moment.interval * 0.9, "align": "edge", "alpha": max(fill, 0.15)}
        axes.bar(line.times, heights, bottom=base, color=colour, **bars)
        return
    tops = [at + value for at, value in zip(base, line.values, strict=True)]
    drawn: dict[str, Any] = {
        "linewidth": float(custom.get("lineWidth") or 1) + 0.4,
        "linestyle": "none" if style == "points" else "-",
        "marker": "o" if style == "points" or line.is_sparse else "",
        "drawstyle": "steps-post" if str(custom.get("lineInterpolation") or "").startswith("step") else "default",
    }
    axes.plot(line.times, tops, color=colour, markersize=3, **drawn)
    if fill and not custom.get("fillBelowTo"):
        axes.fill_between(line.times, base, tops, color=colour, alpha=fill, linewidth=0)


def _fill_between(axes: Axes, line: Line, series: Sequence[Line]) -> None:
    """Down to the series that this one names, such as the lower end of an interval; where both have a value."""
    below = next((other for other in series if other.look.name == line.look.custom.get("fillBelowTo")), None)
    if below is None:
        return
    pairs = zip(line.times, below.values, line.values, strict=True)
    known = [each for each in pairs if not any(math.isnan(value) for value in each)]
    alpha = float(line.look.custom.get("fillOpacity") or 0) / 100
    axes.fill_between([at for at, _, _ in known], [low for _, low, _ in known], [high for _, _, high in known],
                      color=line.colour, alpha=alpha, linewidth=0)  # fmt: skip


def _vertical(axes: Axes, look: Look) -> None:
    """From least to most, as configured or as there is."""
    least, most = look.config.get("min"), look.config.get("max")
    low, high = axes.get_ylim()
    bottom = low if least is None else float(least)
    axes.set_ylim(bottom, max(high, bottom + 1e-9) if most is None else float(most))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: units.written(float(value), look.unit)))


def over_time(axes: Axes, moment: Moment, width: float) -> None:
    """The chosen time, all of it, with round hours and minutes."""
    span = moment.end - moment.start
    wanted = span / max(width / 140, 2)
    step = next((each * 1000 for each in _SECONDS if each * 1000 >= wanted), span)
    form = "%H:%M:%S" if step < 60_000 else "%H:%M" if span <= 86_400_000 else "%m-%d %H:%M"
    first = math.ceil(moment.start / step) * step
    axes.set_xlim(moment.start, moment.end)
    axes.xaxis.set_major_locator(FixedLocator([float(at) for at in range(first, moment.end, step)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: datetime.fromtimestamp(at / 1000, UTC).strftime(form)))


# --- legends --------------------------------------------------------------------------------------------------------


def _legend(tile: Tile, panel: Plain, series: Sequence[Line]) -> float:
    """Below the chart; its height."""
    options = (panel.get("options") or {}).get("legend") or {}
    if not options.get("showLegend", True) or not series:
        return 0
    calcs = options.get("calcs") or []
    if options.get("displayMode", "list") == "table":
        return _legend_table(tile, series, calcs)
    left, middle = 10.0, tile.height - 12
    for line in series:
        numbers = (f"{name_of(each)}: {line.look.text(calculated(each, line.look.numbers))}" for each in calcs)
        told = "  ".join((line.look.name, *numbers))
        tile.box(left, middle - 2, 14, 4, line.colour)
        tile.text(left + 20, middle, told, size=11, width=tile.width - left - 24)
        left += tile.measured(told, 11) + 36
    return 24


def _legend_table(tile: Tile, series: Sequence[Line], calcs: Sequence[str]) -> float:
    rows = min(len(series), max(int(tile.height * 0.4 // _LINE) - 1, 1))
    top = tile.height - (rows + 1) * _LINE - 2
    rights = [tile.width - 10 - (len(calcs) - 1 - place) * _COLUMN for place in range(len(calcs))]
    for right, calculation in zip(rights, calcs, strict=True):
        tile.text(right, top + 9, name_of(calculation), size=11, colour=theme.LINK, align="right")
    for row, line in enumerate(series[:rows]):
        middle = top + (row + 1) * _LINE + 9
        tile.box(10, middle - 2, 14, 4, line.colour)
        tile.text(30, middle, line.look.name, size=11, width=tile.width - 50 - len(calcs) * _COLUMN)
        for right, calculation in zip(rights, calcs, strict=True):
            told = line.look.text(calculated(calculation, line.look.numbers))
            tile.text(right, middle, told, size=11, align="right", width=_COLUMN - 4)
    if len(series) > rows:
        tile.text(10, top + 9, f"{rows} of {len(series)} series", size=10, colour=theme.FAINT)
    return (rows + 1) * _LINE + 6


def state_timeline(tile: Tile, panel: Plain, frames: Sequence[Frame], moment: Moment) -> None:
    """A row for each field, coloured by its state from one point to the next."""
    rows: list[tuple[Look, list[float]]] = []
    for of_frame in looks(panel, frames):
        times = next((look.field.values for look in of_frame if look.field.kind is Kind.TIME), ())
        at = [milliseconds(time) or 0 for time in times]
        rows += [(look, at) for look in of_frame if look.field.kind is not Kind.TIME]
    axes = tile.chart(LEFT + 80, 8, tile.width - LEFT - 92, tile.height - 40)
    for place, (look, times) in enumerate(rows):
        for start, until, value in zip(times, [*times[1:], moment.end], look.field.values, strict=True):
            if value is not None:
                axes.barh(len(rows) - place, until - start, left=start, height=0.8, color=look.colour(value))
    axes.set_yticks([len(rows) - place for place in range(len(rows))], [look.name[:20] for look, _ in rows])
    over_time(axes, moment, tile.width)
