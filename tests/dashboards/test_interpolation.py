"""Variables are put into texts in the forms that Grafana gives them."""

from __future__ import annotations

import pytest
from preview.datasource import Everything, interpolate, prepared
from preview.frames import UntranslatedError
from preview.interpolation import UnknownVariableError, everywhere

ALL = Everything("(*:*)")


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("f:$v", "a b/c", r"f:a\ b\/c"),
        ("f:$v", "-1.5", "f:-1.5"),
        ("f:$v", "-1.5x", r"f:\-1.5x"),
        ("f:$v", 'say "hi"', r"f:say\ \"hi\""),
        ("f:$v", ["a", "b c"], r'f:("a" OR "b\ c")'),
        ("f:$v", [], "f:__empty__"),
        ("f:${v}", ["a"], 'f:("a")'),
        ("f:[[v:lucene]]", ["a"], 'f:("a")'),
        ("f:$v", ALL, "f:(*:*)"),
        ("${v:raw}", "a b/c", "a b/c"),
        ("${v:raw}", ["a", "b"], "a,b"),
        ("${v:pipe}", ["a", "b"], "a|b"),
        ("${v:regex}", ["a.b", "c"], r"(a\.b|c)"),
        ("${v:regex}", ["a/b"], r"a\/b"),
        ("${v:glob}", ["a", "b"], "{a,b}"),
        ("${v:json}", ["a", "b"], '["a","b"]'),
        ("${v:queryparam}", ["a b", "c'"], "var-v=a%20b&var-v=c%27"),
        ("${v:queryparam}", ALL, "var-v=$__all"),
        ("${v:text}", ALL, "All"),
        ("${v:percentencode}", ["a b", "c"], "%7Ba%20b%2Cc%7D"),
    ],
)
def test_forms(text: str, value: str | list[str], expected: str) -> None:
    assert interpolate(text, {"v": value}) == expected


def test_what_the_server_fills_in_stays() -> None:
    assert interpolate("params.a * $__interval_ms ${__from}", {}) == "params.a * $__interval_ms ${__from}"
    assert interpolate("$__interval_ms", {"__interval_ms": "15000"}, "glob") == "15000"


def test_an_unknown_variable_or_form_fails() -> None:
    with pytest.raises(UnknownVariableError, match="misspelt"):
        interpolate("$misspelt", {"v": "1"})
    with pytest.raises(UntranslatedError, match="sqlstring"):
        interpolate("${v:sqlstring}", {"v": "1"})


def test_a_query_is_lucene_and_the_rest_is_not() -> None:
    filters = {"type": "filters", "id": "2", "settings": {"filters": [{"query": "f:$v"}, {"query": "$none"}]}}
    metrics = [{"type": "count", "id": "1"}]
    target = {"query": "f:$v", "alias": "of $v", "bucketAggs": [filters], "metrics": metrics}
    found = prepared(target, {"v": ["a b", "c"], "none": ""})
    assert found["query"] == r'f:("a\ b" OR "c")'
    assert found["alias"] == "of {a b,c}"
    assert [each["query"] for each in found["bucketAggs"][0]["settings"]["filters"]] == [r'f:("a\ b" OR "c")', "*"]
    assert found["metrics"] == metrics


def test_everywhere_reaches_every_text() -> None:
    found = everywhere({"a": ["$v", 1, None, {"b": "${v:pipe}"}]}, {"v": ["x", "y"]})
    assert found == {"a": ["{x,y}", 1, None, {"b": "x|y"}]}
