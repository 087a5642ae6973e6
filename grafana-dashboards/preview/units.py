"""Numbers as Grafana writes them in their units: `1.5 s`, `12.3%`, `4.2 K`."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

_SECOND: Final = (
    (1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s"), (60.0, "min"), (3600.0, "hour"), (86_400.0, "day"),
    (604_800.0, "week"), (31_536_000.0, "year"),
)  # fmt: skip
_IN_SECONDS: Final = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SHORT: Final = ((1.0, ""), (1e3, " K"), (1e6, " Mil"), (1e9, " Bil"), (1e12, " Tri"))
_BINARY: Final = tuple((1024.0**power, f" {unit}") for power, unit in enumerate(("B", "KiB", "MiB", "GiB", "TiB")))
_DECIMAL: Final = tuple((1000.0**power, f" {unit}") for power, unit in enumerate(("B", "kB", "MB", "GB", "TB")))
_RATES: Final = {"reqps": "req/s", "ops": "ops/s", "cps": "c/s", "rps": "rd/s", "eps": "evt/s"}
_MONEY: Final = {"currencyUSD": "$", "currencyEUR": "€", "currencyGBP": "£"}


def written(value: float | None, unit: str = "", decimals: int | None = None) -> str:
    """A number in its unit, with so many decimals, or as many as its size asks for. A text unit stands behind it."""
    if value is None:
        return ""
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else "∞"
    if unit in _IN_SECONDS:
        return _scaled(value * _IN_SECONDS[unit], _SECOND, decimals, " ")
    if unit in _WRITTEN:
        return _WRITTEN[unit](value, decimals)
    for prefix in ("suffix:", "prefix:"):
        if unit.startswith(prefix):
            number, text = rounded(value, decimals), unit.removeprefix(prefix)
            return number + text if prefix == "suffix:" else text + number
    number = rounded(value, decimals)
    return number if unit in {"", "none"} else f"{number} {unit}"


def rounded(value: float, decimals: int | None) -> str:
    """With so many decimals, or with three digits that matter, and none for nothing."""
    if decimals is None:
        size = math.floor(math.log10(abs(value))) if value else 0
        decimals = min(max(2 - size, 0), 6)
        text = f"{value:.{decimals}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.{decimals}f}"


def _scaled(value: float, steps: Sequence[tuple[float, str]], decimals: int | None, gap: str = "") -> str:
    """In the largest of the steps that leaves at least 1."""
    size = abs(value)
    step, name = next((each for each in reversed(steps) if size >= each[0] * 0.9995), steps[0])
    if not value:
        step, name = next(each for each in steps if each[0] == 1.0)
    return f"{rounded(value / step, decimals)}{gap}{name}"


def _percent(value: float, decimals: int | None) -> str:
    return f"{rounded(value, decimals)}%"


def _date(value: float, _: int | None) -> str:
    return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


Write = Callable[[float, int | None], str]


def _stepped(steps: Sequence[tuple[float, str]], before: str = "", behind: str = "") -> Write:
    return lambda value, decimals: f"{before}{_scaled(value, steps, decimals)}{behind}"


def _rate(unit: str) -> Write:
    return lambda value, decimals: f"{rounded(value, decimals)} {unit}"


_WRITTEN: Final[dict[str, Write]] = {
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
    **{unit: _rate(each) for unit, each in _RATES.items()},
    **{unit: _stepped(_SHORT, before=each) for unit, each in _MONEY.items()},
}
