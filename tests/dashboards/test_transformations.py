"""Transformations do to frames what Grafana's own do; expected values come from its documentation and tests."""

from __future__ import annotations

import math
from typing import Any

import pytest
from preview.frames import Field, Frame, Kind, UntranslatedError, display_names
from preview.reducers import calculated, name_of
from preview.transformations import transformed

Plain = dict[str, Any]
Table = dict[str, list[Any]]
PEOPLE = {"name": ["Bo", "al", "Cy"], "age": [30, None, 20], "city": ["x", "y", "x"]}


def frame(called: str = "", /, **columns: list[Any]) -> Frame:
    """A frame of columns; `time` is one of time."""
    kinds = {"time": Kind.TIME, "Time": Kind.TIME}
    fields = [
        Field(each, kinds.get(each, Kind.STRING if isinstance(values[0], str) else Kind.NUMBER), values)
        for each, values in columns.items()
    ]
    return Frame(fields, called)


def shown(frames: list[Frame]) -> list[Table]:
    """Each frame as the panel sees it."""
    return [
        {name: list(field.values) for name, field in zip(display_names(each, frames), each.fields, strict=True)}
        for each in frames
    ]


def after(step: str, *frames: Frame, **options: Any) -> list[Table]:
    """What the transformation makes of the frames."""
    return shown(transformed(list(frames), [{"id": step, "options": options}]))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"include": {"names": ["age", "none"]}}, ["age"]),
        ({"include": {"pattern": "/^(a|c)/"}}, ["age", "city"]),
        ({"include": {"names": ["name"], "pattern": "/ge$/"}}, ["name", "age"]),
        ({"exclude": {"names": ["age"]}}, ["name", "city"]),
        ({"include": {"pattern": "/e/"}, "exclude": {"names": ["age"]}}, ["name"]),
    ],
)
def test_filter_fields(options: Plain, kept: list[str]) -> None:
    (found,) = after("filterFieldsByName", frame(**PEOPLE), **options)
    assert list(found) == kept


def test_a_frame_without_kept_fields_is_gone() -> None:
    assert after("filterFieldsByName", frame(**PEOPLE), include={"names": ["other"]}) == []


def test_organize_orders_leaves_out_and_renames() -> None:
    options: Plain = {"indexByName": {"city": 0, "age": 1}, "excludeByName": {"age": True}}
    (found,) = after("organize", frame(**PEOPLE), **options, renameByName={"city": "City", "name": ""})
    assert found == {"City": ["x", "y", "x"], "name": ["Bo", "al", "Cy"]}


def test_a_renamed_field_is_found_by_its_new_name() -> None:
    steps = [
        {"id": "organize", "options": {"renameByName": {"age": "Age"}}},
        {"id": "sortBy", "options": {"sort": [{"field": "Age"}]}},
        {"id": "limit", "options": {"limitField": 2}},
    ]
    (found,) = shown(transformed([frame(**PEOPLE)], steps))
    assert found["Age"] == [None, 20]  # none counts as 0


def test_sort_by_text_does_not_look_at_case() -> None:
    (found,) = after("sortBy", frame(**PEOPLE), sort=[{"field": "name", "desc": True}])
    assert found["name"] == ["Cy", "Bo", "al"]


def test_rename_by_regex() -> None:
    (found,) = after("renameByRegex", frame(p95_a=[1], p95_b=[2]), regex="p95_(.*)", renamePattern="of $1")
    assert list(found) == ["of a", "of b"]


def test_merge_makes_one_row_of_what_agrees() -> None:
    one, other = frame(model=["s", "l"], calls=[1, 2]), frame(model=["l", "x"], errors=[5, 6])
    assert after("merge", one, other) == [
        {"model": ["s", "l", "x"], "calls": [1, 2, None], "errors": [None, 5, 6]},
    ]


def test_merge_keeps_rows_that_contradict_and_frames_without_a_common_field() -> None:
    assert after("merge", frame(m=["s"], n=[1]), frame(m=["s"], n=[2])) == [{"m": ["s", "s"], "n": [1, 2]}]
    assert len(after("merge", frame(a=[1]), frame(b=[2]))) == 2


def test_join_by_a_field() -> None:
    one, other = frame(model=["s", "l"], calls=[1, 2]), frame(model=["l", "x"], errors=[5, 6])
    options = {"byField": "model"}
    outer = {"model": ["s", "l", "x"], "calls": [1, 2, None], "errors": [None, 5, 6]}
    assert after("joinByField", one, other, **options, mode="outer") == [outer]
    assert after("joinByField", one, other, **options, mode="inner") == [{"model": ["l"], "calls": [2], "errors": [5]}]
    assert after("joinByField", one, other, **options, mode="outerTabular") == [outer]


def test_join_by_time_puts_series_in_order_and_names_them() -> None:
    one, other = frame("in", Time=[2, 3], Value=[20, 30]), frame("out", Time=[1, 2], Value=[1, 2])
    assert after("joinByField", one, other) == [{"Time": [1, 2, 3], "in": [None, 20, 30], "out": [1, 2, None]}]


def test_group_by() -> None:
    fields = {
        "city": {"operation": "groupby", "aggregations": []},
        "age": {"operation": "aggregate", "aggregations": ["sum", "count"]},
    }
    found = after("groupBy", frame(**PEOPLE), fields=fields)
    assert found == [{"city": ["x", "y"], "age (sum)": [50, 0], "age (count)": [2, 0]}]


def test_reduce_to_a_row_for_each_field() -> None:
    one, other = frame("in", Time=[1, 2], Value=[2, 4]), frame("out", Time=[1, 2], Value=[1, None])
    found = after("reduce", one, other, reducers=["mean", "lastNotNull"])
    assert found == [{"Field": ["in", "out"], "Mean": [3, 1], "Last *": [4, 1]}]


def test_reduce_fields_to_one_row() -> None:
    (found,) = after("reduce", frame(time=[1, 2], calls=[2, 4]), mode="reduceFields", reducers=["sum"])
    assert found == {"calls": [6]}


@pytest.mark.parametrize(
    ("options", "name", "values"),
    [
        ({"binary": {"left": {"matcher": {"id": "byName", "options": "a"}}, "operator": "/"}}, "a / b", [2, math.inf]),
        ({"binary": {"left": "a", "operator": "*"}, "alias": "made"}, "made", [2, 0]),
        ({"binary": {"left": {"fixed": "1"}, "operator": "-"}}, "1 - b", [0, 1]),
    ],
)
def test_calculate_from_two(options: Plain, name: str, values: list[float]) -> None:
    options["binary"] |= {"right": {"matcher": {"id": "byName", "options": "b"}}}
    (found,) = after("calculateField", frame(a=[2, 5], b=[1, None]), mode="binary", **options)
    assert found == {"a": [2, 5], "b": [1, None], name: values}


def test_calculate_over_rows() -> None:
    columns = frame(name=["x", "y"], a=[1, 2], b=[3, None], c=[100, 100])
    (found,) = after("calculateField", columns, reduce={"reducer": "mean", "include": ["a", "b"]}, replaceFields=True)
    assert found == {"Mean": [2, 2]}


def test_calculate_over_series_joins_them_first() -> None:
    one, other = frame("in", Time=[1, 2], Value=[20, 30]), frame("out", Time=[1, 2], Value=[1, 2])
    (found,) = after("calculateField", one, other, mode="reduceRow", reduce={"reducer": "sum"})
    assert found == {"Time": [1, 2], "in": [20, 30], "out": [1, 2], "Total": [21, 32]}


def test_extract_fields_of_json() -> None:
    texts = frame(id=["1", "2"], labels=['{"a": 1, "b": {"c": ["x"]}}', "not json"])
    (found,) = after("extractFields", texts, source="labels", format="json", replace=True)
    assert found == {"a": [1, None], "b": [{"c": ["x"]}, None]}
    paths = [{"path": "b.c[0]", "alias": "first"}, {"path": "d"}]
    (found,) = after("extractFields", texts, source="labels", format="json", jsonPaths=paths)
    assert found["first"] == ["x", "Not Found"]
    assert found["d"] == ["Not Found", "Not Found"]


@pytest.mark.parametrize(
    "step",
    [
        {"id": "histogram", "options": {}},
        {"id": "limit", "options": {}, "filter": {"id": "byRefId", "options": "A"}},
        {"id": "joinByField", "options": {"byField": "name", "mode": "sideways"}},
        {"id": "calculateField", "options": {"mode": "windowFunctions"}},
    ],
)
def test_what_is_not_translated_fails(step: Plain) -> None:
    with pytest.raises(UntranslatedError):
        transformed([frame(**PEOPLE), frame(**PEOPLE)], [step])


def test_a_disabled_step_does_nothing() -> None:
    assert transformed([frame(**PEOPLE)], [{"id": "histogram", "disabled": True}]) == [frame(**PEOPLE)]


@pytest.mark.parametrize(
    ("calculation", "expected", "of_nothing"),
    [
        ("lastNotNull", 3, None),
        ("last", None, None),
        ("first", None, None),
        ("firstNotNull", 1, None),
        ("min", 1, None),
        ("max", 5, None),
        ("mean", 3, None),
        ("sum", 9, 0),
        ("count", 3, 0),
        ("range", 4, None),
        ("diff", 2, None),
        ("diffperc", 2, None),
        ("distinctCount", 3, 0),
        ("p50", 3, None),
        ("p95", 5, None),
    ],
)
def test_calculations_pass_over_what_is_not_there(calculation: str, expected: Any, of_nothing: Any) -> None:
    assert calculated(calculation, [None, 1, 5, 3, None]) == expected
    assert calculated(calculation, []) == of_nothing


def test_calculations_have_names_and_unknown_ones_fail() -> None:
    assert [name_of(each) for each in ("lastNotNull", "sum", "p95", "p1")] == ["Last *", "Total", "95th %", "1st %"]
    with pytest.raises(UntranslatedError):
        calculated("logmin", [1])
