"""Math of Grafana's server-side expressions: `($A - $B) / $C > 0.1` over numbers and series that labels join.

Written from the behaviour of Grafana 12.2's server; none of its code is in here.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from preview.frames import GrafanaError

Labels = Mapping[str, str]
Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Number:
    """One value, under its labels; a scalar is one that was written down, and joins with everything."""

    value: float | None
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Series:
    """Values over time, under their labels."""

    points: Sequence[Point]
    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoData:
    """What a query without any answer gives; it swallows whatever it is combined with."""

    labels: Labels = field(default_factory=dict)


Value = Number | Series | NoData
Variables = Mapping[str, Sequence[Value]]
Operate = Callable[[float, float], float]
Function = Callable[[float | None], float | None]

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|\$\{(?P<braced>[^}]+)\}|\$(?P<name>\w+)"
    r"|(?P<function>[a-z_]+)|(?P<symbol>\*\*|\|\||&&|==|!=|>=|<=|[-+*/%!<>(),]))"
)


def _true(found: bool) -> float:
    return 1.0 if found else 0.0


def _divided(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one else math.copysign(math.inf, one) * math.copysign(1, other)


def _remainder(one: float, other: float) -> float:
    return math.fmod(one, other) if other and not math.isinf(one) else math.nan


def _power(one: float, other: float) -> float:
    try:
        return math.pow(one, other)
    except (ValueError, OverflowError):
        return math.nan if one < 0 else math.inf


LEVELS: Final[tuple[dict[str, Operate], ...]] = (
    {"||": lambda one, other: _true(bool(one or other))},
    {"&&": lambda one, other: _true(bool(one and other))},
    {
        "==": lambda one, other: _true(one == other),
        "!=": lambda one, other: _true(one != other),
        ">": lambda one, other: _true(one > other),
        ">=": lambda one, other: _true(one >= other),
        "<": lambda one, other: _true(one < other),
        "<=": lambda one, other: _true(one <= other),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divided, "%": _remainder},
    {"**": _power},
)
"""From what binds least to what binds most; all of one level are read from the left."""

_FUNCTIONS: Final[dict[str, Callable[[float | None], float]]] = {
    "abs": lambda value: math.nan if value is None else abs(value),
    "log": lambda value: math.nan if value is None or value < 0 else math.log(value) if value else -math.inf,
    "round": lambda value: math.nan if value is None else _rounded(value),
    "ceil": lambda value: math.nan if value is None else float(math.ceil(value)),
    "floor": lambda value: math.nan if value is None else float(math.floor(value)),
    "is_nan": lambda value: _true(value is not None and math.isnan(value)),
    "is_inf": lambda value: _true(value is not None and math.isinf(value)),
    "is_null": lambda value: _true(value is None),
    "is_number": lambda value: _true(value is not None and math.isfinite(value)),
}
_CONSTANTS: Final[dict[str, float | None]] = {"nan": math.nan, "inf": math.inf, "null": None}


def _rounded(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def evaluated(text: str, variables: Variables) -> list[Value]:
    """The values of a math expression. Raises GrafanaError where Grafana refuses it."""
    return _Reader(text, variables).whole()


def names_in(text: str) -> list[str]:
    """The queries and expressions that a math expression reads."""
    return [found["name"] or found["braced"] for found in _TOKEN.finditer(text) if found["name"] or found["braced"]]


class _Reader:
    """Reads an expression and computes it on the way."""

    def __init__(self, text: str, variables: Variables) -> None:
        self._text, self._variables = text, variables
        self._tokens = self._read(text)
        self._place = 0

    def _read(self, text: str) -> list[tuple[str, str]]:
        tokens, place, end = [], 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None:
                raise GrafanaError(f"math expression {text!r}: invalid at {text[place:]!r}")
            kind = str(found.lastgroup)
            tokens.append(("name" if kind == "braced" else kind, found[kind]))
            place = found.end()
        return tokens

    def whole(self) -> list[Value]:
        found = self._level(0)
        if self._place < len(self._tokens):
            raise self._unexpected()
        return found

    def _unexpected(self) -> GrafanaError:
        seen = self._tokens[self._place][1] if self._place < len(self._tokens) else "its end"
        return GrafanaError(f"math expression {self._text!r}: unexpected {seen}")

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._place] if self._place < len(self._tokens) else ("", "")

    def _take(self, symbol: str) -> bool:
        taken = self._peek() == ("symbol", symbol)
        self._place += taken
        return taken

    def _level(self, level: int) -> list[Value]:
        if level == len(LEVELS):
            return self._single()
        found = self._level(level + 1)
        while self._peek()[0] == "symbol" and self._peek()[1] in LEVELS[level]:
            symbol = self._peek()[1]
            self._place += 1
            found = combined(symbol, found, self._level(level + 1))
        return found

    def _single(self) -> list[Value]:
        if self._take("("):
            found = self._level(0)
            if not self._take(")"):
                raise self._unexpected()
            return found
        if self._take("!"):
            return _each(self._single(), lambda value: None if value is None else _true(not value), nan=True)
        if self._take("-"):
            return _each(self._single(), lambda value: None if value is None else -value, nan=True)
        kind, text = self._peek()
        self._place += 1
        match kind:
            case "number":
                return [Number(float(int(text, 16)) if text[:2].lower() == "0x" else float(text))]
            case "name":
                if text not in self._variables:
                    raise GrafanaError(f"math expression {self._text!r}: no query or expression {text}")
                return list(self._variables[text])
            case "function":
                return self._function(text)
        self._place -= 1
        raise self._unexpected()

    def _function(self, name: str) -> list[Value]:
        if name not in _FUNCTIONS and name not in _CONSTANTS:
            raise GrafanaError(f"math expression {self._text!r}: non existent function {name}")
        if not self._take("("):
            raise self._unexpected()
        arguments = [] if name in _CONSTANTS else self._level(0)
        if not self._take(")"):
            raise self._unexpected()
        return [Number(_CONSTANTS[name])] if name in _CONSTANTS else _each(arguments, _FUNCTIONS[name])


def _each(
    values: Sequence[Value], function: Callable[[float | None], float | None], *, nan: bool = False
) -> list[Value]:
    """The function of each number; with `nan`, what is no number stays so."""

    def of(value: float | None) -> float | None:
        return value if nan and value is not None and math.isnan(value) else function(value)

    found: list[Value] = []
    for value in values:
        match value:
            case Number(number, labels):
                found.append(Number(of(number), labels))
            case Series(points, labels):
                found.append(Series([(time, of(number)) for time, number in points], labels))
            case _:
                found.append(value)
    return found


def combined(symbol: str, left: Sequence[Value], right: Sequence[Value]) -> list[Value]:
    """Both sides, joined by their labels: alike, or one's among the other's; what finds no partner is dropped."""
    if not left or not right:
        return []
    if min(len(left), len(right)) == 1 and any(isinstance(side[0], NoData) for side in (left, right)):
        return [NoData()]
    pairs = [(one, other) for one in left for other in right if _joins(one.labels, other.labels)]
    if not pairs and len(left) == len(right) == 1:
        return [_operated(symbol, left[0], right[0], {})]
    return [_operated(symbol, one, other, max(one.labels, other.labels, key=len)) for one, other in pairs]


def _joins(one: Labels, other: Labels) -> bool:
    if one == other or not one or not other:
        return True
    return len(one) != len(other) and (one.items() <= other.items() or other.items() <= one.items())


def _operated(symbol: str, left: Value, right: Value, labels: Labels) -> Value:
    match left, right:
        case (NoData(), _) | (_, NoData()):
            return NoData()
        case Number(), Number():
            return Number(_operate(symbol, left.value, right.value), labels)
        case Series(), Number():
            return Series([(time, _operate(symbol, value, right.value)) for time, value in left.points], labels)
        case Number(), Series():
            return Series([(time, _operate(symbol, left.value, value)) for time, value in right.points], labels)
        case Series(), Series():
            others = dict(right.points)
            points = [(time, _operate(symbol, value, others[time])) for time, value in left.points if time in others]
            return Series(points, labels)
    raise AssertionError("values are numbers, series or nothing")


def _operate(symbol: str, one: float | None, other: float | None) -> float | None:
    """Nothing with anything is nothing; what is no number stays so, but where the left side alone decides."""
    if one is None or other is None:
        return None
    if symbol == "||" and one:  # so does what is no number
        return 1.0
    if symbol == "&&" and not one:
        return 0.0
    if math.isnan(one) or math.isnan(other):
        return math.nan
    return next(level[symbol] for level in LEVELS if symbol in level)(one, other)
