"""What Grafana's own libraries are asked, and the translation too: frames, transformations, numbers, units, times."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, Final

Plain = dict[str, Any]


def frame(called: str = "", /, **columns: list[Any]) -> Plain:
    """A frame of columns; `time` is one of time, one that holds a text is of texts."""
    fields = [{"name": name, "type": _kind(name, values), "values": values} for name, values in columns.items()]
    return {"name": called, "ref": "A", "fields": fields}


def _kind(name: str, values: list[Any]) -> str:
    if name.lower() == "time":
        return "time"
    return "string" if any(isinstance(value, str) for value in values) else "number"


def named(name: str) -> Plain:
    """A side of a calculation: a field."""
    return {"matcher": {"id": "byName", "options": name}}


def binary(left: Any, operator: str, right: Any, **more: Any) -> Plain:
    """Options of a calculated field of two sides."""
    return {"mode": "binary", "binary": {"left": left, "operator": operator, "right": right}, **more}


PEOPLE: Final = frame(name=["Bo", "al", "Cy"], age=[30, None, 20], city=["x", "y", "x"])
CALLS: Final = frame(model=["s", "l"], calls=[1, 2])
ERRORS: Final = frame(model=["l", "x"], errors=[5, 6])
NUMBERS: Final = frame(a=[2, 5], b=[1, None])
SERIES: Final = (frame("in", Time=[1, 2], Value=[20, 30]), frame("out", Time=[1, 2], Value=[1, None]))
APART: Final = (frame("in", Time=[2, 3], Value=[20, 30]), frame("out", Time=[1, 2], Value=[1, 2]))
TWICE: Final = (frame(id=["b", "a", "b", "z"], n=[1, 2, 3, 4]), frame(id=["a", "b", "a", "q", "r"], e=[5, 6, 7, 8, 9]))
MODES: Final = ("outer", "inner", "outerTabular")
STATES: Final = frame(Time=[3, 2, 1], chain=["a", "b", "a"], state=["ok", "bad", "old"])
GROUPED: Final = {"operation": "groupby", "aggregations": []}


def aggregated(*calculations: str) -> Plain:
    """A field that is calculated over each group."""
    return {"operation": "aggregate", "aggregations": list(calculations)}


TRANSFORMED: Final[list[tuple[str, Plain, tuple[Plain, ...]]]] = [
    ("filterFieldsByName", {"include": {"names": ["age", "none"]}}, (PEOPLE,)),
    ("filterFieldsByName", {"include": {"pattern": "/^(a|c)/"}}, (PEOPLE,)),
    ("filterFieldsByName", {"include": {"names": ["name"], "pattern": "/ge$/"}}, (PEOPLE,)),
    ("filterFieldsByName", {"exclude": {"names": ["age"]}}, (PEOPLE,)),
    ("filterFieldsByName", {"include": {"pattern": "/e/"}, "exclude": {"names": ["age"]}}, (PEOPLE,)),
    ("filterFieldsByName", {"include": {"names": ["none"]}}, (PEOPLE,)),
    ("filterFieldsByName", {"include": {"names": ["in"]}}, SERIES),
    (
        "organize",
        {
            "indexByName": {"city": 0, "age": 1},
            "excludeByName": {"age": True},
            "renameByName": {"city": "City", "name": ""},
        },
        (PEOPLE,),
    ),
    ("organize", {"indexByName": {"city": 0}, "renameByName": {"city": "name"}}, (PEOPLE,)),
    ("organize", {"includeByName": {"city": True}}, (PEOPLE,)),
    ("organize", {"indexByName": {}, "renameByName": {"age": "Age"}}, (PEOPLE, CALLS)),
    ("sortBy", {"sort": [{"field": "name"}]}, (PEOPLE,)),
    ("sortBy", {"sort": [{"field": "name", "desc": True}]}, (PEOPLE,)),
    ("sortBy", {"sort": [{"field": "age"}]}, (PEOPLE,)),
    ("sortBy", {"sort": [{"field": "age", "desc": True}]}, (PEOPLE,)),
    ("sortBy", {"sort": [{"field": "none"}]}, (PEOPLE,)),
    ("limit", {"limitField": 2}, (PEOPLE, CALLS)),
    ("renameByRegex", {"regex": "p95_(.*)", "renamePattern": "of $1"}, (frame(p95_a=[1], p95_b=[2], c=[3]),)),
    ("renameByRegex", {"regex": "/_/g", "renamePattern": "-"}, (frame(p95_a_b=[1]),)),
    ("merge", {}, (CALLS, ERRORS)),
    ("merge", {}, (CALLS,)),
    ("merge", {}, (frame(m=["s"], n=[1]), frame(m=["s"], n=[2]))),
    ("merge", {}, (frame(a=[1]), frame(b=[2]))),
    ("merge", {}, SERIES),
    *(
        ("joinByField", {"byField": "model", "mode": each}, (CALLS, ERRORS))
        for each in ("outer", "inner", "outerTabular")
    ),
    *(("joinByField", {"byField": "id", "mode": each}, TWICE) for each in ("inner", "outerTabular")),
    ("joinByField", {"byField": "model", "mode": "outer"}, (CALLS, frame(model=["l", "x"], calls=[5, 6]))),
    ("joinByField", {}, APART),
    ("groupBy", {"fields": {"city": GROUPED, "age": aggregated("sum", "count", "mean", "lastNotNull")}}, (PEOPLE,)),
    (
        "groupBy",
        {"fields": {"chain": GROUPED, "state": aggregated("first"), "Time": aggregated("first", "max")}},
        (STATES,),
    ),
    ("groupBy", {"fields": {"none": GROUPED}}, (PEOPLE,)),
    ("reduce", {"reducers": ["mean", "lastNotNull"]}, SERIES),
    ("reduce", {"reducers": ["count"]}, (PEOPLE,)),
    ("reduce", {"mode": "reduceFields", "reducers": ["sum"]}, (frame(time=[1, 2], calls=[2, 4]),)),
    ("calculateField", binary(named("a"), "/", named("b")), (NUMBERS,)),
    ("calculateField", binary("a", "*", named("b"), alias="made"), (NUMBERS,)),
    ("calculateField", binary({"fixed": "1"}, "-", named("b")), (NUMBERS,)),
    ("calculateField", binary(named("a"), "+", {"fixed": "10"}, replaceFields=True), (NUMBERS,)),
    ("calculateField", binary(named("a"), "-", named("none")), (NUMBERS,)),
    ("calculateField", binary(named("in"), "/", named("out"), alias="ratio"), SERIES),
    (
        "calculateField",
        {"mode": "reduceRow", "reduce": {"reducer": "mean", "include": ["a", "b"]}, "replaceFields": True},
        (frame(name=["x", "y"], a=[1, 2], b=[3, None], c=[100, 100]),),
    ),
    ("calculateField", {"mode": "reduceRow", "reduce": {"reducer": "sum"}}, SERIES),
]
CALCULATIONS: Final = (
    "lastNotNull", "last", "first", "firstNotNull", "min", "max", "mean", "median", "variance", "stdDev", "sum",
    "range", "count", "diff", "diffperc", "distinctCount", "uniqueValues", "allValues", "p10", "p50", "p95", "p99",
)  # fmt: skip
VALUES: Final = ([None, 1, 5, 3, None], [], [4], [0, 0], [2, 4, 4, 4, 5, 5, 7, 9], [3, None, 1])
WRITTEN: Final[dict[str, list[float]]] = {
    "": [1234.5678, 5, 0.25],
    "none": [1234.5678, 0.001234, 1.5],
    "s": [0.5, 2e-6, 1e-9, 0, 3.456, 0.0333, 59.99, 60, 90, 3600, 5400, 100_000, 1e6, 1e8],
    "ms": [250, 2500, 90_000, 0.5],
    "µs": [0.5, 1500],
    "ns": [1.5e6],
    "m": [0.5, 90, 3000],
    "h": [0.5, 30, 500],
    "d": [0.5, 1, 2, 30],
    "percent": [42, 0.123],
    "percentunit": [0.1166, 0.5, 1, 0],
    "short": [21_600, 3.2e6, 999, 0.0012, 1234, 5e9, 0, -1500],
    "bytes": [1536, 5e6, 100, 0],
    "decbytes": [1500, 5e6],
    "Bps": [5e6],
    "binBps": [2048],
    "reqps": [5.7, 0.0331, 1500],
    "ops": [0.2],
    "currencyUSD": [3.456, 1234.5, 0.001],
    "currencyEUR": [12],
    "suffix:x": [7],
    "prefix:x": [7],
    "tokens": [7],
}
SPANS: Final = (60_000, 900_000, 3_600_000, 6 * 3_600_000, 86_400_000, 7 * 86_400_000, 90 * 86_400_000)


def cases() -> Iterator[Plain]:
    """All of them, each with what kind of question it is."""
    for step, options, frames in TRANSFORMED:
        yield {"kind": "transform", "steps": [{"id": step, "options": options}], "frames": list(frames)}
    for calculation in CALCULATIONS:
        yield {"kind": "name", "calculation": calculation}
        yield from ({"kind": "calculate", "calculation": calculation, "values": values} for values in VALUES)
    for unit, values in WRITTEN.items():
        for value in values:
            yield from ({"kind": "write", "unit": unit, "value": value, "decimals": each} for each in (None, 0, 2, 3))
    for span, points, least in product(SPANS, (100, 400, 800, 1600), ("1ms", "10s")):
        yield {"kind": "interval", "from": 0, "to": span, "points": points, "least": least}
