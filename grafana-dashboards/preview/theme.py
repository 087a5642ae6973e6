"""Colours as Grafana's dark theme has them, near enough to recognise a board by; nothing is drawn here."""

from __future__ import annotations

import re
from typing import Final

from preview.frames import UntranslatedError

PAGE: Final = "#111217"
PANEL: Final = "#181b1f"
BORDER: Final = "#2a2d33"
GRID: Final = "#26292f"
TEXT: Final = "#ccccdc"
FAINT: Final = "#8e8e99"
LINK: Final = "#6e9fff"
ALARM: Final = "#f2495c"
SERIES: Final = (
    "#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#5794f2", "#b877d9", "#705da0", "#37872d", "#fade2a",
    "#447ebc", "#c15c17", "#890f02", "#0a437c", "#6d1f62", "#584477",
)  # fmt: skip
"""The classic palette, in the order in which series take their colours."""

_NAMED: Final = {
    "green": "#73bf69",
    "red": "#f2495c",
    "orange": "#ff9830",
    "yellow": "#fade2a",
    "blue": "#5794f2",
    "purple": "#b877d9",
    "text": TEXT,
    "white": "#ffffff",
    "black": "#000000",
    "gray": FAINT,
    "transparent": PANEL,
}
_SHADES: Final = {"super-light-": 0.6, "light-": 0.3, "semi-dark-": -0.15, "dark-": -0.3}
_GRADIENTS: Final = {
    "continuous-GrYlRd": ("green", "yellow", "red"),
    "continuous-RdYlGr": ("red", "yellow", "green"),
    "continuous-BlYlRd": ("dark-blue", "super-light-yellow", "dark-red"),
    "continuous-YlRd": ("super-light-yellow", "dark-red"),
    "continuous-BlPu": ("blue", "purple"),
    "continuous-YlBl": ("super-light-yellow", "dark-blue"),
    "continuous-blues": (PANEL, "dark-blue"),
    "continuous-reds": (PANEL, "dark-red"),
    "continuous-greens": (PANEL, "dark-green"),
    "continuous-purples": (PANEL, "dark-purple"),
}


def colour(name: str) -> str:
    """A colour by Grafana's name for it, `dark-red` and the like, or as `#rrggbb`."""
    if re.fullmatch(r"#[\da-fA-F]{6,8}", name):
        return name[:7]
    if name in _NAMED:
        return _NAMED[name]
    for prefix, share in _SHADES.items():
        if name.startswith(prefix) and name.removeprefix(prefix) in _NAMED:
            return mixed(_NAMED[name.removeprefix(prefix)], "#ffffff" if share > 0 else "#000000", abs(share))
    raise UntranslatedError(f"a colour: {name}")


def mixed(one: str, other: str, share: float) -> str:
    """One colour with so much of another, 0 to 1."""
    parts = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(start + (end - start) * share):02x}" for start, end in parts)


def between(mode: str, share: float) -> str:
    """The colour that stands at this share, 0 to 1, of a continuous mode's way."""
    if mode not in _GRADIENTS:
        raise UntranslatedError(f"a colour mode: {mode}")
    stops = [colour(each) for each in _GRADIENTS[mode]]
    place = min(max(share, 0.0), 1.0) * (len(stops) - 1)
    start = min(int(place), len(stops) - 2)
    return mixed(stops[start], stops[start + 1], place - start)


def readable_on(background: str) -> str:
    """Black or white, whichever stands out."""
    red, green, blue = (int(background[at : at + 2], 16) for at in (1, 3, 5))
    return "#000000" if red * 0.299 + green * 0.587 + blue * 0.114 > 150 else "#ffffff"
