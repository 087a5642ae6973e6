"""Expressions and alert rules are evaluated as Grafana's server does it, as its own tests and code state."""

from __future__ import annotations

import math
from typing import Any

import pytest
from preview.evaluation import Instance, State, evaluate, settled
from preview.expressions import computed, reads, values_of
from preview.formulas import NoData, Number, Series, Value, evaluated
from preview.frames import Field, Frame, GrafanaError, Kind, UntranslatedError

Plain = dict[str, Any]
A, B = {"host": "a"}, {"host": "b"}


def one(value: Value) -> float | None:
    """The only number."""
    assert isinstance(value, Number)
    return value.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("2 ** 3 ** 2", 64),  # read from the left
        ("-2 ** 2", 4),  # a sign binds most
        ("10 - 4 - 3", 3),
        ("7 % 4", 3),
        ("1 / 0", math.inf),
        ("-1 / 0", -math.inf),
        ("! 1.2", 0),
        ("1 > 0 && 2 >= 2 || 0", 1),
        ("0 && nan()", 0),
        ("nan() || 0", 1),
        ("1 == 1 != 0", 1),
        ("0x1F + .5e1", 36),
        ("abs(-3) + round(2.5) + ceil(0.1) + floor(0.9)", 7),
        ("is_nan(nan()) + is_inf(inf()) + is_null(null()) + is_number(1)", 4),
    ],
)
def test_math_of_numbers(text: str, expected: float) -> None:
    (value,) = evaluated(text, {})
    assert one(value) == expected


def test_math_of_nothing_is_nothing() -> None:
    assert evaluated("$A + 1", {"A": [Number(None, A)]}) == [Number(None, A)]
    assert evaluated("$A + 1", {"A": [NoData()]}) == [NoData()]
    (value,) = evaluated("nan() + 1", {})
    assert math.isnan(one(value) or 0)


def test_math_joins_by_labels() -> None:
    errors, calls = [Number(1, A), Number(3, B)], [Number(10, B), Number(4, A), Number(5, {"host": "c"})]
    assert evaluated("$E / $C", {"E": errors, "C": calls}) == [Number(0.25, A), Number(0.3, B)]
    total = {"E": errors, "C": [Number(10)]}
    assert evaluated("${E} / $C", total) == [Number(0.1, A), Number(0.3, B)]


def test_math_joins_labels_with_some_of_them() -> None:
    more = {**A, "zone": "eu"}
    assert evaluated("$E - $C", {"E": [Number(1, A)], "C": [Number(2, more)]}) == [Number(-1, more)]
    assert evaluated("$E - $C", {"E": [Number(1, A), Number(1, A)], "C": [Number(2, B), Number(2, B)]}) == []
    assert evaluated("$E - $C", {"E": [Number(1, A)], "C": [Number(2, B)]}) == [Number(-1)]  # one on each side


def test_math_of_series_keeps_the_times_of_both() -> None:
    one, other = Series([(1, 1.0), (2, None), (3, 3.0)], A), Series([(2, 5.0), (3, 2.0), (4, 1.0)], A)
    assert evaluated("$X * $Y", {"X": [one], "Y": [other]}) == [Series([(2, None), (3, 6.0)], A)]
    assert evaluated("$X > 2", {"X": [one]}) == [Series([(1, 0.0), (2, None), (3, 1.0)], A)]


@pytest.mark.parametrize("text", ["1 +", "(1", "1 2", "$A", "what(1)", "1 = 1", "abs 1", "#"])
def test_math_that_grafana_refuses(text: str) -> None:
    with pytest.raises(GrafanaError):
        evaluated(text, {})


def threshold(*evaluators: Plain) -> Plain:
    return {"type": "threshold", "expression": "A", "conditions": [{"evaluator": each} for each in evaluators]}


POINTS = Series([(1, 4.0), (2, None), (3, 2.0), (4, math.inf)], A)


@pytest.mark.parametrize(
    ("reducer", "mode", "expected"),
    [
        ("last", {}, math.inf),
        ("count", {}, 4.0),
        ("sum", {}, math.nan),
        ("mean", {"mode": "dropNN"}, 3.0),
        ("sum", {"mode": "dropNN"}, 6.0),
        ("min", {"mode": "dropNN"}, 2.0),
        ("max", {"mode": "dropNN"}, 4.0),
        ("last", {"mode": "dropNN"}, 2.0),
        ("median", {"mode": "dropNN"}, 3.0),
        ("count", {"mode": "dropNN"}, 2.0),
        ("mean", {"mode": "replaceNN", "replaceWithValue": 1}, 2.0),
        ("last", {"mode": "replaceNN", "replaceWithValue": 1}, 1.0),
    ],
)
def test_reduce(reducer: str, mode: Plain, expected: float) -> None:
    model = {"type": "reduce", "expression": "$A", "reducer": reducer, "settings": mode}
    assert reads(model) == ["A"]
    (value,) = computed(model, {"A": [POINTS]})
    assert value.labels == A
    assert one(value) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("reducer", "mode", "expected"),
    [
        ("sum", {}, 0.0),
        ("mean", {}, math.nan),
        ("last", {}, math.nan),
        ("mean", {"mode": "dropNN"}, None),
        ("mean", {"mode": "replaceNN", "replaceWithValue": 7}, 7.0),
    ],
)
def test_reduce_of_no_points(reducer: str, mode: Plain, expected: float | None) -> None:
    model = {"type": "reduce", "expression": "A", "reducer": reducer, "settings": mode}
    (value,) = computed(model, {"A": [Series([], A)]})
    assert one(value) == pytest.approx(expected, nan_ok=True) if expected is not None else one(value) is None


def test_reduce_of_what_is_reduced() -> None:
    model: Plain = {"type": "reduce", "expression": "A", "reducer": "last"}
    assert computed(model, {"A": [Number(3, A), NoData()]}) == [Number(3, A), NoData()]
    model["settings"] = {"mode": "dropNN"}
    assert computed(model, {"A": [Number(None, A), Number(3, B)]}) == [Number(3, B)]


@pytest.mark.parametrize(
    "model",
    [
        {"type": "reduce", "expression": "A", "reducer": "first"},
        {"type": "reduce", "expression": "A", "reducer": "sum", "settings": {"mode": "dropAll"}},
        {"type": "reduce", "expression": "A", "reducer": "sum", "settings": {"mode": "replaceNN"}},
        {"type": "reduce", "expression": "B", "reducer": "sum"},
        {"type": "threshold", "expression": "A", "conditions": []},
        {"type": "threshold", "expression": "A", "conditions": [{"evaluator": {"type": "above", "params": [1]}}]},
        {
            "type": "threshold",
            "expression": "A",
            "conditions": [{"evaluator": {"type": "outside_range", "params": [1]}}],
        },
    ],
)
def test_what_grafana_refuses(model: Plain) -> None:
    with pytest.raises(GrafanaError):
        computed(model, {"A": [POINTS]})


def test_what_is_not_translated_fails() -> None:
    with pytest.raises(UntranslatedError, match="resample"):
        computed({"type": "resample", "expression": "A"}, {"A": [POINTS]})


@pytest.mark.parametrize(
    ("kind", "params", "expected"),
    [
        ("gt", [2], [0, 0, 1]),
        ("gte", [2], [0, 1, 1]),
        ("lt", [2], [1, 0, 0]),
        ("lte", [2], [1, 1, 0]),
        ("eq", [2], [0, 1, 0]),
        ("ne", [2], [1, 0, 1]),
        ("within_range", [1, 3], [0, 1, 0]),
        ("within_range_included", [1, 3], [1, 1, 1]),
        ("outside_range", [1, 2], [0, 0, 1]),
        ("outside_range_included", [1, 3], [1, 0, 1]),
    ],
)
def test_threshold(kind: str, params: list[float], expected: list[float]) -> None:
    model = threshold({"type": kind, "params": params})
    numbers = [Number(1), Number(2), Number(3)]
    assert [one(value) for value in computed(model, {"A": numbers})] == expected
    assert computed(model, {"A": [Number(None, A), NoData()]}) == [Number(None, A), NoData()]


# --- answers --------------------------------------------------------------------------------------------------------


def rows(*fields: Field) -> Frame:
    """A table."""
    return Frame(fields)


def test_a_table_with_one_column_of_numbers_is_a_number_a_row() -> None:
    hosts, counts = Field("host", Kind.STRING, ["a", "b"]), Field("Count", Kind.NUMBER, [3, None])
    assert values_of([rows(hosts, counts)]) == [Number(3, A), Number(None, B)]


def test_a_table_with_more_is_refused_and_so_are_documents() -> None:
    hosts, counts = Field("host", Kind.STRING, ["a"]), Field("Count", Kind.NUMBER, [3])
    with pytest.raises(GrafanaError, match="got type not"):
        values_of([rows(hosts, counts, Field("Sum", Kind.NUMBER, [3]))])
    with pytest.raises(GrafanaError, match="got type long"):
        values_of([rows(Field("@timestamp", Kind.TIME, ["2026-01-01T00:00:00Z"]), hosts, counts)])


def test_no_frame_and_a_frame_of_nothing_are_no_data() -> None:
    assert values_of([]) == values_of([Frame([])]) == [NoData()]


# --- rules ----------------------------------------------------------------------------------------------------------


def rule(*data: Plain, condition: str = "C", **more: Any) -> Plain:
    return {"condition": condition, "data": list(data), **more}


def query(ref: str, uid: str = "records") -> Plain:
    return {"refId": ref, "datasourceUid": uid, "model": {}}


def expression(ref: str, **model: Any) -> Plain:
    return {"refId": ref, "datasourceUid": "__expr__", "model": model}


RATE = rule(
    expression("C", type="threshold", expression="B", conditions=[{"evaluator": {"type": "gt", "params": [0.5]}}]),
    expression("B", type="math", expression="$E / $A"),
    query("A"),
    query("E"),
)


def by_host(**values: float | None) -> list[Frame]:
    return [rows(Field("host", Kind.STRING, list(values)), Field("Count", Kind.NUMBER, list(values.values())))]


def test_a_rule_judges_each_set_of_labels() -> None:
    answers = {"A": by_host(a=10.0, b=10.0, c=10.0), "E": by_host(a=9.0, b=1.0, c=None)}
    found = evaluate(RATE, lambda each: answers[each["refId"]])
    assert found == [
        Instance(State.ALERTING, A, {"A": 10.0, "E": 9.0, "B": 0.9, "C": 1.0}),
        Instance(State.NORMAL, B, {"A": 10.0, "E": 1.0, "B": 0.1, "C": 0.0}),
        Instance(State.NO_DATA, {"host": "c"}, {"A": 10.0, "E": None, "B": None, "C": None}),
    ]


def test_a_query_without_data_makes_the_whole_rule_so() -> None:
    found = evaluate(RATE, lambda each: by_host(a=9.0) if each["refId"] == "A" else [])
    assert found == [Instance(State.NO_DATA, {"datasource_uid": "records", "ref_id": "E"})]


def test_no_number_alerts() -> None:
    (found,) = evaluate(rule(query("C")), lambda _: by_host(a=math.nan))
    assert found.state is State.ALERTING


def failing(_: Plain) -> list[Frame]:
    raise GrafanaError("index not found")


def test_errors_are_states() -> None:
    (found,) = evaluate(RATE, failing)
    assert (found.state, found.error) == (State.ERROR, "index not found")
    circle = rule(
        expression("C", type="math", expression="$B"), expression("B", type="reduce", expression="C", reducer="last")
    )
    assert evaluate(circle, failing)[0].state is State.ERROR
    assert "X" in evaluate(rule(expression("C", type="math", expression="$X")), failing)[0].error
    assert "does not exist" in evaluate(rule(query("A"), condition="D"), lambda _: by_host(a=1.0))[0].error
    over_time = Frame([Field("Time", Kind.TIME, [1]), Field("Value", Kind.NUMBER, [1], A)])
    assert "time series" in evaluate(rule(query("C")), lambda _: [over_time])[0].error


def test_instances_without_labels_of_their_own_are_an_error() -> None:
    counts = Field("Count", Kind.NUMBER, [1, 2])
    (found,) = evaluate(rule(query("C")), lambda _: [rows(counts)])
    assert "cannot uniquely be identified" in found.error


@pytest.mark.parametrize(
    ("settings", "state", "expected"),
    [
        ({}, State.NO_DATA, "NoData"),
        ({"noDataState": "OK"}, State.NO_DATA, "Normal"),
        ({"noDataState": "Alerting"}, State.NO_DATA, "Alerting"),
        ({"execErrState": "KeepLast"}, State.ERROR, "KeepLast"),
        ({}, State.ERROR, "Error"),
        ({"noDataState": "OK"}, State.ALERTING, "Alerting"),
    ],
)
def test_a_rules_own_settings_decide_of_nothing_and_of_errors(settings: Plain, state: State, expected: str) -> None:
    assert settled(rule(**settings), Instance(state)) == expected
