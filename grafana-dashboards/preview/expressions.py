"""Grafana's server-side expressions over queries' answers: reduce, math, threshold. evaluation.py judges a rule.

Written from the behaviour of Grafana 12.2's server; none of its code is in here.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from preview.formulas import NoData, Number, Series, Value, evaluated, names_in
from preview.frames import Frame, GrafanaError, Kind, Plain, UntranslatedError, milliseconds

SOURCE: Final = "__expr__"
Variables = Mapping[str, Sequence[Value]]


def is_expression(query: Plain) -> bool:
    """Whether Grafana's server computes it, instead of a data source."""
    model = query.get("model") or query
    uid = query.get("datasourceUid") or (model.get("datasource") or {}).get("uid")
    return uid in {SOURCE, "-100"}


def values_of(frames: Sequence[Frame]) -> list[Value]:
    """What expressions see of an answer: a number for each row of a table with one column of numbers, or the series."""
    if not frames or (len(frames) == 1 and not frames[0].fields):
        return [NoData()]
    if len(frames) == 1 and _is_number_table(frames[0]):
        return _numbers(frames[0])
    for frame in frames:
        if not frame.is_series:
            shape = "long" if any(each.kind is Kind.TIME for each in frame.fields) else "not"
            raise GrafanaError(f"input data must be a wide series but got type {shape} (input refid)")
    return [
        Series(
            [
                (milliseconds(time) or 0.0, value)
                for time, value in zip(frame.fields[0].values, frame.fields[1].values, strict=True)
            ],
            frame.fields[1].labels,
        )
        for frame in frames
    ]


def _is_number_table(frame: Frame) -> bool:
    kinds = [field.kind for field in frame.fields]
    return kinds.count(Kind.NUMBER) == 1 and set(kinds) <= {Kind.NUMBER, Kind.STRING}


def _numbers(frame: Frame) -> list[Value]:
    (number,) = (field for field in frame.fields if field.kind is Kind.NUMBER)
    texts = [field for field in frame.fields if field.kind is Kind.STRING]
    return [
        Number(number.values[row], {field.name: field.values[row] or "" for field in texts})
        for row in range(frame.rows)
    ]


def computed(model: Plain, variables: Variables) -> list[Value]:
    """The values of one expression. Raises GrafanaError where Grafana refuses it, UntranslatedError for other types."""
    match model.get("type"):
        case "math":
            return evaluated(model["expression"], variables)
        case "reduce":
            return _reduced(model, _variable(variables, model["expression"].removeprefix("$")))
        case "threshold":
            return _threshold(model, _variable(variables, model["expression"].removeprefix("$")))
        case other:
            raise UntranslatedError(f"an expression: {other}")


def reads(model: Plain) -> list[str]:
    """The queries and expressions that an expression needs first."""
    text = str(model.get("expression", ""))
    return names_in(text) if model.get("type") == "math" else [text.removeprefix("$")]


def _variable(variables: Variables, name: str) -> Sequence[Value]:
    if name not in variables:
        raise GrafanaError(f"no query or expression {name}")
    return variables[name]


# --- reduce ---------------------------------------------------------------------------------------------------------


def _reduced(model: Plain, values: Sequence[Value]) -> list[Value]:
    mode, replacement = _mode(model)
    reduce = _REDUCERS.get(str(model.get("reducer")).lower())
    if reduce is None:
        raise GrafanaError(f"reduction {model.get('reducer')} not implemented")
    found: list[Value] = []
    for value in values:
        match value:
            case Series(points, labels):
                kept = _kept([number for _, number in points], mode, replacement)
                found.append(Number(_left(reduce(kept), mode, replacement), labels))
            case Number(number, labels):  # a number stays one, unless the mode drops it
                found += [Number(each, labels) for each in _kept([number], mode, replacement)]
            case _:
                found.append(value)
    return found


def _mode(model: Plain) -> tuple[str, float]:
    settings = model.get("settings") or {}
    mode = str(settings.get("mode") or "")
    if mode not in {"", "dropNN", "replaceNN"}:
        raise GrafanaError(f"reducer mode '{mode}' is not supported. Supported only: [dropNN,replaceNN]")
    replacement = settings.get("replaceWithValue")
    if mode == "replaceNN" and (isinstance(replacement, bool) or not isinstance(replacement, (int, float))):
        raise GrafanaError("setting replaceWithValue must be specified when mode is 'replaceNN'")
    return mode, float(replacement or 0)


def _kept(numbers: Sequence[float | None], mode: str, replacement: float) -> list[float | None]:
    if not mode:
        return list(numbers)
    if mode == "dropNN":
        return [number for number in numbers if number is not None and math.isfinite(number)]
    return [number if number is not None and math.isfinite(number) else replacement for number in numbers]


def _left(number: float | None, mode: str, replacement: float) -> float | None:
    """What came out of nothing: none where such values are dropped, the replacement where they are replaced."""
    if not mode or number is None or not math.isnan(number):
        return number
    return None if mode == "dropNN" else replacement


def _strict(of: Callable[[list[float]], float]) -> Callable[[Sequence[float | None]], float]:
    """Of nothing, or with one that is no number, there is no number."""

    def reduce(numbers: Sequence[float | None]) -> float:
        present = [number for number in numbers if number is not None and not math.isnan(number)]
        return of(present) if present and len(present) == len(numbers) else math.nan

    return reduce


def _sum(numbers: Sequence[float | None]) -> float:
    return _strict(math.fsum)(numbers) if numbers else 0.0


_REDUCERS: Final[dict[str, Callable[[Sequence[float | None]], float | None]]] = {
    "sum": _sum,
    "mean": _strict(statistics.fmean),
    "min": _strict(min),
    "max": _strict(max),
    "median": _strict(statistics.median),
    "count": lambda numbers: float(len(numbers)),
    "last": lambda numbers: numbers[-1] if numbers else math.nan,
}

# --- threshold ------------------------------------------------------------------------------------------------------


def _threshold(model: Plain, values: Sequence[Value]) -> list[Value]:
    """1 where the condition holds, else 0; nothing stays nothing."""
    conditions = model.get("conditions") or []
    if len(conditions) != 1:
        raise GrafanaError("threshold expression requires exactly one condition")
    (condition,) = conditions
    if condition.get("unloadEvaluator"):
        raise UntranslatedError("a threshold of recovery")
    holds = _predicate(condition["evaluator"])

    def judged(number: float | None) -> float | None:
        return None if number is None else float(holds(number))

    found: list[Value] = []
    for value in values:
        match value:
            case Number(number, labels):
                found.append(Number(judged(number), labels))
            case Series(points, labels):
                found.append(Series([(time, judged(number)) for time, number in points], labels))
            case _:
                found.append(value)
    return found


def _predicate(evaluator: Plain) -> Callable[[float], bool]:
    kind, bounds = str(evaluator["type"]), [float(bound) for bound in evaluator["params"]]
    if kind not in _PREDICATES:
        raise GrafanaError(f"expected threshold function to be one of {sorted(_PREDICATES)}, got {kind}")
    needed = 2 if "range" in kind else 1
    if len(bounds) < needed:
        got = f"got {len(bounds)} but need {needed}"
        raise GrafanaError(f"incorrect number of arguments for threshold function '{kind}': {got}")
    return lambda number: _PREDICATES[kind](number, bounds)


_PREDICATES: Final[dict[str, Callable[[float, list[float]], bool]]] = {
    "gt": lambda number, bounds: number > bounds[0],
    "lt": lambda number, bounds: number < bounds[0],
    "eq": lambda number, bounds: number == bounds[0],
    "ne": lambda number, bounds: number != bounds[0],
    "gte": lambda number, bounds: number >= bounds[0],
    "lte": lambda number, bounds: number <= bounds[0],
    "within_range": lambda number, bounds: bounds[0] < number < bounds[1],
    "outside_range": lambda number, bounds: number < bounds[0] or number > bounds[1],
    "within_range_included": lambda number, bounds: bounds[0] <= number <= bounds[1],
    "outside_range_included": lambda number, bounds: number <= bounds[0] or number >= bounds[1],
}
