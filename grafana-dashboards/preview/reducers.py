"""Grafana's calculations of one value out of many: of a field, a row or a series; nulls do not count."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Sequence
from typing import Any, Final

from preview.frames import UntranslatedError

NAMES: Final = {
    "lastNotNull": "Last *",
    "last": "Last",
    "firstNotNull": "First *",
    "first": "First",
    "min": "Min",
    "max": "Max",
    "mean": "Mean",
    "median": "Median",
    "variance": "Variance",
    "stdDev": "StdDev",
    "sum": "Total",
    "count": "Count",
    "range": "Range",
    "diff": "Difference",
    "diffperc": "Difference percent",
    "distinctCount": "Distinct Count",
    "uniqueValues": "All unique values",
    "allValues": "All values",
}
"""What a legend or a reduced column is called."""

_ENDINGS: Final = {"1": "st", "2": "nd", "3": "rd"}
_PERCENTILE: Final = re.compile(r"p(\d\d?)")


def name_of(calculation: str) -> str:
    """How Grafana calls a calculation. Raises UntranslatedError for one that is not known here."""
    if found := _PERCENTILE.fullmatch(calculation):
        ending = "th" if found[1] in {"11", "12", "13"} else _ENDINGS.get(found[1][-1], "th")
        return f"{found[1]}{ending} %"
    if calculation not in NAMES:
        raise UntranslatedError(f"a calculation: {calculation}")
    return NAMES[calculation]


def calculated(calculation: str, values: Sequence[Any]) -> Any:
    """One value of many; None of none, but for counts and sums, which are 0."""
    present = [value for value in values if value is not None]
    numbers = [value for value in present if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if found := _PERCENTILE.fullmatch(calculation):
        return _percentile(sorted(numbers), int(found[1]) / 100)
    name_of(calculation)
    if calculation in _OF_ALL:
        return _OF_ALL[calculation](values, present) if values or calculation == "count" else None
    if calculation == "sum":
        return sum(numbers)
    return _OF_NUMBERS[calculation](numbers) if numbers else None


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The value that stands at this share of the way: Grafana does not interpolate."""
    return ordered[math.floor((len(ordered) - 1) * share + 0.5)] if ordered else None


def _difference(numbers: Sequence[float]) -> float | None:
    return (numbers[-1] - numbers[0]) / numbers[0] * 100 if numbers[0] else None


_OF_ALL: Final[dict[str, Callable[[Sequence[Any], Sequence[Any]], Any]]] = {
    "last": lambda values, _: values[-1] if values else None,
    "first": lambda values, _: values[0] if values else None,
    "lastNotNull": lambda _, present: present[-1] if present else None,
    "firstNotNull": lambda _, present: present[0] if present else None,
    "count": lambda _, present: len(present),
    "allValues": lambda values, _: list(values),
    "uniqueValues": lambda values, _: list(dict.fromkeys(values)),
    "distinctCount": lambda _, present: len(set(present)),
}
_OF_NUMBERS: Final[dict[str, Callable[[Sequence[float]], float | None]]] = {
    "min": min,
    "max": max,
    "mean": lambda numbers: sum(numbers) / len(numbers),
    "median": statistics.median,
    "variance": statistics.pvariance,
    "stdDev": statistics.pstdev,
    "range": lambda numbers: max(numbers) - min(numbers),
    "diff": lambda numbers: numbers[-1] - numbers[0],
    "diffperc": _difference,
}
