"""A picture in pixels: tiles to write and draw in, each a panel's place. What is drawn there is others' matter."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.patches import Rectangle

from preview import theme

Align = Literal["left", "center", "right"]
_DPI: Final = 100
_FONT: Final = findfont("DejaVu Sans")


@lru_cache(maxsize=20_000)
def measured(text: str, size: float) -> float:
    """How many pixels wide a text is."""
    font = get_font(_FONT)
    font.set_size(size, 72)
    font.set_text(text, 0.0)
    return float(font.get_width_height()[0]) / 64


def fitted(text: str, width: float, size: float) -> str:
    """The text as one line, cut where it is wider than so many pixels."""
    line = " ".join(text.split())
    if measured(line, size) <= width:
        return line
    while line and measured(line + "…", size) > width:
        line = line[: min(len(line) - 1, int(len(line) * width / measured(line, size)) + 1)]
    return line + "…"


def wrapped(text: str, width: float, size: float, most: int) -> list[str]:
    """The text in so many lines at most, none wider than so many pixels; the last one is cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and measured(f"{lines[-1]} {word}", size) <= width:
            lines[-1] += f" {word}"
        elif len(lines) < most:
            lines.append(word)
        else:
            lines[-1] += f" {word} …"
            break
    return [fitted(line, width, size) for line in lines]


class Picture:
    """An empty page of so many pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, facecolor=theme.PAGE)

    def tile(self, left: float, top: float, width: float, height: float, *, framed: bool = True) -> Tile:
        """A place on it, with a panel's background unless it is not `framed`."""
        axes = self.axes(left, top, width, height)
        axes.set_axis_off()
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        if framed:
            face = Rectangle((0.5, 0.5), width - 1, height - 1, facecolor=theme.PANEL, edgecolor=theme.BORDER)
            axes.add_patch(face)
        return Tile(self, axes, left, top, width, height)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Bare axes there."""
        place = (
            left / self.width,
            1 - (top + height) / self.height,
            max(width, 1) / self.width,
            max(height, 1) / self.height,
        )
        return self._figure.add_axes(place)

    def save(self, file: Path) -> None:
        """As PNG."""
        FigureCanvasAgg(self._figure)
        self._figure.savefig(file, format="png", facecolor=theme.PAGE)


class Tile:
    """A rectangle of the picture; its pixels are counted from its own upper left corner."""

    def __init__(self, picture: Picture, axes: Axes, left: float, top: float, width: float, height: float) -> None:
        self._picture, self._axes_here = picture, axes
        self._left, self._top = left, top
        self.width, self.height = width, height

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 13,
        colour: str = theme.TEXT,
        align: Align = "left",
        bold: bool = False,
        width: float | None = None,
        is_clipped: bool = True,
    ) -> None:
        """A line whose middle is at this height, cut to `width`, and at the tile's edge if it `is_clipped`."""
        self._axes_here.text(
            x,
            y,
            fitted(text, width, size) if width is not None else text,
            fontsize=size * 72 / _DPI,
            color=colour,
            ha=align,
            va="center",
            fontweight="bold" if bold else "normal",
            parse_math=False,
            clip_on=is_clipped,
        )

    @staticmethod
    def measured(text: str, size: float) -> float:
        """How wide a text of this size would be."""
        return measured(text, size)

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        face = Rectangle((x, y), max(width, 0), max(height, 0), facecolor=colour, edgecolor="none", zorder=2)
        self._axes_here.add_patch(face)

    def line(self, x: float, y: float, to_x: float, to_y: float, colour: str = theme.GRID) -> None:
        """A thin line."""
        self._axes_here.plot([x, to_x], [y, to_y], color=colour, linewidth=0.8, zorder=1.5)

    def within(self, left: float, top: float, width: float, height: float) -> Tile:
        """A part of it, to draw in on its own."""
        return self._picture.tile(self._left + left, self._top + top, width, height, framed=False)

    def chart(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes for a chart; the labels of its ticks stand outside of this rectangle."""
        axes = self._picture.axes(self._left + left, self._top + top, width, height)
        axes.set_facecolor(theme.PANEL)
        axes.tick_params(colors=theme.FAINT, labelsize=8, length=0, pad=4)
        axes.grid(visible=True, color=theme.GRID, linewidth=0.6)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return axes
