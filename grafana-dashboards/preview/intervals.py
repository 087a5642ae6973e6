"""Time as Grafana cuts it for a panel: how wide its buckets are, and its own variables of it."""

from __future__ import annotations

import re
from typing import Final

from preview.frames import Plain
from preview.searches import Moment

WIDTH: Final = 1600
"""Of the whole picture, in pixels, as of a usual window: it decides how wide Grafana makes a bucket of time."""

_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_STEPS: Final = (
    (10, 1), (15, 10), (35, 20), (75, 50), (150, 100), (350, 200), (750, 500), (1_500, 1_000), (3_500, 2_000),
    (7_500, 5_000), (12_500, 10_000), (17_500, 15_000), (25_000, 20_000), (45_000, 30_000), (90_000, 60_000),
    (210_000, 120_000), (450_000, 300_000), (750_000, 600_000), (1_050_000, 900_000), (1_500_000, 1_200_000),
    (2_700_000, 1_800_000), (5_400_000, 3_600_000), (9_000_000, 7_200_000), (16_200_000, 10_800_000),
    (32_400_000, 21_600_000), (86_400_000, 43_200_000), (604_800_000, 86_400_000),
)  # fmt: skip
"""Below which width of a bucket Grafana takes which round one."""


def milliseconds_of(text: str) -> int:
    """`90s`, `15m`, `1h`, `7d` in milliseconds. Raises ValueError for anything else."""
    if not (found := re.fullmatch(r"(\d+)(ms|[smhdw])", text)):
        raise ValueError(f"not a duration like 15m or 1h: {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def interval(panel: Plain, span: int) -> int:
    """How wide Grafana makes a bucket for this panel over so many milliseconds: a round width, none too fine."""
    place = panel.get("gridPos") or {"w": 24}
    points = panel.get("maxDataPoints") or WIDTH * place["w"] // 24
    wanted = span / points
    rounded = next((step for below, step in _STEPS if wanted < below), 604_800_000)
    least = str(panel.get("interval") or "1ms").removeprefix(">")
    return max(rounded, milliseconds_of(least))


def of_time(moment: Moment) -> dict[str, str | list[str]]:
    """Grafana's own variables of a panel's time."""
    return {
        "__from": str(moment.start),
        "__to": str(moment.end),
        "__interval": _text(moment.interval),
        "__interval_ms": str(moment.interval),
        "__range": f"{(moment.end - moment.start) // 1000}s",
        "__range_s": str((moment.end - moment.start) // 1000),
        "__range_ms": str(moment.end - moment.start),
    }


def _text(interval: int) -> str:
    """As a page writes it, `1m` and `90s`."""
    unit = next(unit for unit in reversed(_UNITS) if unit != "w" and interval % _UNITS[unit] == 0)
    return f"{interval // _UNITS[unit]}{unit}"
