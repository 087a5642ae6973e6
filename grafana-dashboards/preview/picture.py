"""A board as one picture: each panel where it stands, drawn by what it is, its error or its lack of data written in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from preview import lists, plots, theme, tiles, timelines
from preview.canvas import Picture, Tile
from preview.frames import Frame, GrafanaError, Plain, UntranslatedError
from preview.intervals import WIDTH
from preview.opening import Shown
from preview.searches import Moment

_CELL: Final = 38
"""Of the grid, in pixels, its gap of 8 included; 24 cells make the width."""

_GAP: Final = 8
_TITLE: Final = 34
_HEAD: Final = 64
Draw = Callable[[Tile, Plain, Sequence[Frame]], None]
DrawOverTime = Callable[[Tile, Plain, Sequence[Frame], Moment], None]
_DRAWN: Final[dict[str, Draw]] = {
    "stat": tiles.stat,
    "gauge": tiles.gauge,
    "bargauge": tiles.bar_gauge,
    "piechart": tiles.pie,
    "table": lists.table,
    "logs": lists.logs,
    "text": lists.text,
    "traces": lists.trace,
}
_OVER_TIME: Final[dict[str, DrawOverTime]] = {
    "timeseries": timelines.time_series,
    "heatmap": plots.heat_map,
    "barchart": plots.bar_chart,
    "histogram": plots.histogram,
    "xychart": plots.scatter,
    "state-timeline": timelines.state_timeline,
}


def draw(board: Plain, panels: Sequence[Shown], file: Path) -> list[Shown]:
    """Draw a board into a PNG; the panels as they came out, with an error where drawing found one."""
    rows = max((_place(shown)["y"] + _place(shown)["h"] for shown in panels), default=1)
    picture = Picture(WIDTH, _HEAD + rows * _CELL)
    head = picture.tile(0, 0, WIDTH, _HEAD, framed=False)
    head.text(16, 24, str(board["title"]), size=22, bold=True)
    head.text(16, 48, str(board.get("description") or ""), size=12, colour=theme.FAINT, width=WIDTH - 32)
    drawn = [_draw_panel(picture, shown) for shown in panels]
    picture.save(file)
    return drawn


def _place(shown: Shown) -> dict[str, int]:
    return {"x": 0, "y": 0, "w": 24, "h": 8} | (shown.panel.get("gridPos") or {})


def _draw_panel(picture: Picture, shown: Shown) -> Shown:
    place, cell = _place(shown), WIDTH / 24
    tile = picture.tile(
        place["x"] * cell + _GAP / 2,
        _HEAD + place["y"] * _CELL,
        place["w"] * cell - _GAP,
        place["h"] * _CELL - _GAP,
    )
    tile.text(12, 18, str(shown.panel.get("title") or ""), size=14, bold=True, width=tile.width - 24)
    body = tile.within(6, _TITLE, tile.width - 12, tile.height - _TITLE - 6)
    if not shown.why_nothing:
        try:
            _draw_body(body, shown)
        except (GrafanaError, UntranslatedError) as error:
            shown = Shown(shown.panel, shown.frames, shown.moment, str(error), shown.matched)
    if shown.error:
        body.box(0, 0, body.width, body.height, theme.mixed(theme.PANEL, theme.ALARM, 0.2))
        body.text(
            body.width / 2, body.height / 2, shown.error, colour=theme.ALARM, align="center", width=body.width - 12
        )
    elif shown.why_nothing:
        told = str(((shown.panel.get("fieldConfig") or {}).get("defaults") or {}).get("noValue") or "No data")
        body.text(body.width / 2, body.height / 2, told, size=16, colour=theme.FAINT, align="center", width=body.width)
    return shown


def _draw_body(body: Tile, shown: Shown) -> None:
    kind = shown.panel["type"]
    if kind in _OVER_TIME:
        _OVER_TIME[kind](body, shown.panel, shown.frames, shown.moment)
    elif kind in _DRAWN:
        _DRAWN[kind](body, shown.panel, shown.frames)
    elif kind != "row":
        raise UntranslatedError(f"a panel: {kind}")
