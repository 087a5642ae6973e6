"""Numbers as Grafana writes them in their units: `1.50 s`, `12.3%`, `4.20 K`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from preview.frames import UntranslatedError

Write = Callable[[float, int | None], str]
Steps = Sequence[tuple[float, str]]
"""From how much on a unit is used, and its name; the first one is used below, too."""

_SHORT: Final[Steps] = ((1.0, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri"))
_COUNTED: Final[Steps] = ((1.0, ""), (1e3, "K"), (1e6, "M"), (1e9, "B"), (1e12, "T"))
_BINARY: Final[Steps] = tuple(
    (1024.0**power, f" {unit}") for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB"))
)
_DECIMAL: Final[Steps] = tuple((1000.0**power, f" {unit}") for power, unit in enumerate(("B", "kB", "MB", "GB", "TB")))
_RATES: Final = {"reqps": "req/s", "ops": "ops/s", "cps": "c/s", "rps": "rd/s", "eps": "evt/s", "wps": "wr/s"}
_MONEY: Final = {"currencyUSD": "$", "currencyEUR": "€", "currencyGBP": "£"}
_SECONDS: Final = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "hour": 3600.0, "day": 86_400.0}
_LONG: Final = {**_SECONDS, "week": 604_800.0, "year": 31_556_900.0}
_LEAST: Final = {"ns": "ns", "µs": "µs", "ms": "ms", "s": "ns", "m": "min", "h": "hour", "d": "day"}
"""The unit below which a unit of time is not made smaller."""

_IN_SECONDS: Final = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_WORDS: Final = frozenset({"min", "hour", "day", "week", "year"})


def written(value: float | None, unit: str = "", decimals: int | None = None) -> str:
    """A number in its unit, with so many decimals, or as many as its size asks for.

    A unit that Grafana does not know stands behind the number. Raises UntranslatedError for clocks and durations.
    """
    if value is None:
        return ""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "-∞"
    if unit in _IN_SECONDS:
        return _time(value, unit, decimals)
    if unit in _WRITTEN:
        return _WRITTEN[unit](value, decimals)
    if unit.startswith(("dt", "clock", "dateTime", "time:")):
        raise UntranslatedError(f"a unit: {unit}")
    number = rounded(value, decimals)
    if unit.startswith("prefix:"):
        return unit.removeprefix("prefix:") + number
    behind = unit.removeprefix("suffix:")
    return number if behind in {"", "none"} else f"{number} {behind}"


def rounded(value: float, decimals: int | None) -> str:
    """With so many decimals, else with three digits that matter; a whole number has none. Halves go up."""
    if decimals is None:
        size = math.floor(math.log10(abs(value))) if value else 0
        decimals = 0 if value == int(value) else max(2 - size, 0)
    factor = 10.0**decimals
    return f"{math.floor(value * factor + 0.5) / factor:.{decimals}f}"


def _scaled(value: float, steps: Steps, decimals: int | None) -> str:
    """In the largest of the steps that leaves at least 1."""
    step, name = next((each for each in reversed(steps) if abs(value) >= each[0]), steps[0])
    return f"{rounded(value / step, decimals)}{name}"


def _time(value: float, unit: str, decimals: int | None) -> str:
    seconds = value * _IN_SECONDS[unit]
    if not seconds:
        return f"0 {'s' if unit == 's' else _LEAST[unit]}"
    names = list(_LONG)[list(_LONG).index(_LEAST[unit]) :]
    name = next((each for each in reversed(names) if abs(seconds) >= _LONG[each] * (1 - 1e-12)), names[0])
    number = seconds / _LONG[name]
    return f"{rounded(number, decimals)} {name}{'s' if name in _WORDS and abs(number) > 1 else ''}"


def _percent(value: float, decimals: int | None) -> str:
    return f"{rounded(value, decimals)}%"


def _date(value: float, _: int | None) -> str:
    return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _stepped(steps: Steps, before: str = "", behind: str = "") -> Write:
    return lambda value, decimals: f"{before}{_scaled(value, steps, decimals)}{behind}"


_WRITTEN: Final[Mapping[str, Write]] = {
    "percent": _percent,
    "percentunit": lambda value, decimals: _percent(value * 100, decimals),
    "short": _stepped(_SHORT),
    "bytes": _stepped(_BINARY),
    "decbytes": _stepped(_DECIMAL),
    "Bps": _stepped(_DECIMAL, behind="/s"),
    "binBps": _stepped(_BINARY, behind="/s"),
    "dateTimeAsIso": _date,
    "dateTimeFromNow": _date,
    "bool": lambda value, _: str(bool(value)),
    **{unit: _stepped(_COUNTED, behind=f" {each}") for unit, each in _RATES.items()},
    **{unit: _stepped(_COUNTED, before=each) for unit, each in _MONEY.items()},
}
