"""Values are written, coloured and chosen as Grafana does it, so that a picture says what the board will say."""

from __future__ import annotations

from typing import Any

import pytest
from preview import theme
from preview.frames import Field, Frame, Kind, UntranslatedError
from preview.intervals import interval, milliseconds_of, of_time
from preview.look import looks
from preview.reducing import singles
from preview.searches import Moment
from preview.units import written

Plain = dict[str, Any]


def test_what_has_no_number_or_is_a_time() -> None:
    """All else is compared with Grafana's own answers, in test_golden.py."""
    assert (written(None, "s"), written(float("nan"), "s"), written(float("inf"))) == ("", "NaN", "∞")
    assert written(1_780_000_020_000, "dateTimeAsIso") == "2026-05-28 20:27:00"
    with pytest.raises(UntranslatedError, match="dtdurations"):
        written(90, "dtdurations")


def test_colours() -> None:
    assert theme.colour("#12345678") == "#123456"
    assert theme.colour("dark-red") == theme.mixed(theme.colour("red"), "#000000", 0.3)
    assert theme.between("continuous-GrYlRd", 0.5) == theme.colour("yellow")
    assert theme.between("continuous-GrYlRd", 7) == theme.colour("red")
    assert (theme.readable_on("#000000"), theme.readable_on("#ffff00")) == ("#ffffff", "#000000")
    with pytest.raises(UntranslatedError, match="mauve"):
        theme.colour("mauve")


def test_a_panels_buckets_are_as_wide_as_its_points() -> None:
    hour = milliseconds_of("1h")
    assert interval({"gridPos": {"w": 24}}, hour) == 2000  # 1600 points, 2.25 s each
    assert interval({"gridPos": {"w": 12}}, hour) == 5000  # half of them
    assert interval({"gridPos": {"w": 12}, "maxDataPoints": 100}, hour) == 30_000
    assert interval({"gridPos": {"w": 12}, "interval": ">10s"}, hour) == 10_000


def test_durations_and_times() -> None:
    assert [milliseconds_of(each) for each in ("500ms", "90s", "2d")] == [500, 90_000, 172_800_000]
    with pytest.raises(ValueError, match="not a duration"):
        milliseconds_of("an hour")
    told = of_time(Moment(1000, 3_601_000, 90_000))
    names = ("__interval", "__interval_ms", "__range_s", "__to")
    assert [told[name] for name in names] == ["90s", "90000", "3600", "3601000"]
    assert of_time(Moment(0, 1, 60_000))["__interval"] == "1m"


def frame(**columns: list[Any]) -> Frame:
    kinds = {str: Kind.STRING, int: Kind.NUMBER, float: Kind.NUMBER, bool: Kind.BOOLEAN}
    return Frame([Field(name, kinds[type(values[0])], values) for name, values in columns.items()])


def panel(kind: str = "table", overrides: dict[str, Plain] | None = None, **defaults: Any) -> Plain:
    matched = [
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": key, "value": each[key]} for key in each]}
        for name, each in (overrides or {}).items()
    ]
    return {"type": kind, "fieldConfig": {"defaults": defaults, "overrides": matched}}


def test_overrides_come_over_defaults_for_the_fields_that_they_name() -> None:
    overrides = {"p95": {"unit": "s", "displayName": "slow", "custom.width": 80}}
    ((model, slow),) = looks(panel(overrides=overrides, unit="short", decimals=1), [frame(model=["a"], p95=[0.25])])
    assert (slow.name, slow.text(0.25), slow.custom["width"]) == ("slow", "250.0 ms", 80)
    assert (model.name, model.text("a"), model.custom) == ("model", "a", {})


@pytest.mark.parametrize(
    ("matcher", "names"),
    [
        ({"id": "byRegexp", "options": "/^p/"}, ["p50", "p95"]),
        ({"id": "byType", "options": "string"}, ["model"]),
        ({"id": "byNames", "options": {"names": ["p50"]}}, ["p50"]),
        ({"id": "byFrameRefID", "options": "B"}, []),
    ],
)
def test_matchers(matcher: Plain, names: list[str]) -> None:
    config = {"overrides": [{"matcher": matcher, "properties": [{"id": "unit", "value": "s"}]}]}
    (found,) = looks({"type": "table", "fieldConfig": config}, [frame(model=["a"], p50=[1], p95=[2])])
    assert [look.name for look in found if look.unit == "s"] == names


def test_an_unknown_matcher_fails() -> None:
    config = {"overrides": [{"matcher": {"id": "byValue"}, "properties": []}]}
    with pytest.raises(UntranslatedError, match="byValue"):
        looks({"type": "table", "fieldConfig": config}, [frame(a=[1])])


THRESHOLDS = {"steps": [{"color": "green", "value": None}, {"color": "red", "value": 0.5}]}


def test_a_value_takes_the_colour_of_the_threshold_that_it_reaches() -> None:
    ((look,),) = looks(panel("stat", thresholds=THRESHOLDS), [frame(share=[0.5])])
    assert [look.colour(value) for value in (0.49, 0.5, None)] == [
        theme.colour(each) for each in ("green", "red", "green")
    ]


def test_mappings_give_text_and_colour() -> None:
    states = {"type": "value", "options": {"broken": {"text": "Broken", "color": "red"}, "0": {"text": "none"}}}
    ranges = {"type": "range", "options": {"from": 5, "to": None, "result": {"text": "many"}}}
    nothing = {"type": "special", "options": {"match": "null", "result": {"text": "?"}}}
    ((look,),) = looks(panel(mappings=[states, ranges, nothing]), [frame(state=["broken"])])
    assert [look.text(each) for each in ("broken", 0, 6, 4, None, "sound")] == [
        "Broken",
        "none",
        "many",
        "4",
        "?",
        "sound",
    ]
    assert look.colour("broken") == theme.colour("red")


def test_series_take_the_palette_in_their_order() -> None:
    (found,) = looks(panel("timeseries"), [frame(one=[1], name=["x"], other=[2])])
    assert [look.colour(1) for look in found if look.name != "name"] == list(theme.SERIES[:2])


def test_lists_and_truths_are_written_as_json() -> None:
    ((look,),) = looks(panel(), [frame(state=["x"])])
    assert [look.text(each) for each in (["a", 1], {"b": None}, True)] == ['["a", 1]', '{"b": null}', "true"]


def test_single_values_are_the_last_of_each_number() -> None:
    found = singles(panel("stat"), [frame(model=["a", "b"], calls=[1, 2], errors=[3, None])])
    assert [(single.name, single.value) for single in found] == [("calls", 2), ("errors", 3)]


def test_single_values_of_rows_are_named_by_their_texts() -> None:
    options = {"reduceOptions": {"values": True, "fields": "/^calls$/", "limit": 2}}
    found = singles(
        {**panel("bargauge"), "options": options}, [frame(model=["a", "b", "c"], calls=[1, 2, 3], errors=[4, 5, 6])]
    )
    assert [(single.name, single.value) for single in found] == [("a", 1), ("b", 2)]
    options["reduceOptions"]["fields"] = ""
    found = singles({**panel("bargauge"), "options": options}, [frame(model=["a"], calls=[1], errors=[4])])
    assert [single.name for single in found] == ["a calls", "a errors"]
