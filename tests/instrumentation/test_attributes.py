"""Attributes put in one go are those that the SDK's own way would have set, whatever the values and limits."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from throughline import attributes

plain = st.text(max_size=5) | st.integers(-9, 9) | st.booleans() | st.floats(allow_nan=False)
odd = st.none() | st.binary(max_size=3) | st.lists(plain | st.none(), max_size=3) | st.just(object())
values = st.dictionaries(st.sampled_from("abcdef"), plain | st.lists(st.text(max_size=3), max_size=3) | odd, max_size=6)


def span(limits: SpanLimits | None = None) -> Any:
    return TracerProvider(span_limits=limits).get_tracer("t").start_span("s", attributes={"a": "before", "z": 1})


@pytest.fixture(autouse=True)
def no_complaints() -> Any:
    """The SDK complains of odd values; that is its way and not the point here."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values, st.sampled_from([None, SpanLimits(max_span_attributes=3), SpanLimits(max_span_attribute_length=2)]))
def test_they_are_those_of_the_sdk(given_values: dict[str, Any], limits: SpanLimits | None) -> None:
    ours, theirs = span(limits), span(limits)
    attributes.put(ours, given_values)
    theirs.set_attributes(given_values)
    assert dict(ours.attributes) == dict(theirs.attributes)
    assert ours.dropped_attributes == theirs.dropped_attributes
    kinds = [{name: type(value) for name, value in dict(one.attributes).items()} for one in (ours, theirs)]
    assert kinds[0] == kinds[1]


def test_the_sdk_is_not_asked_for_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = span()
    monkeypatch.setattr(type(quick), "set_attributes", None)
    attributes.put(quick, {"b": 1, "c": ["x"], "d": 0.5, "e": True})
    assert dict(quick.attributes) == {"a": "before", "z": 1, "b": 1, "c": ("x",), "d": 0.5, "e": True}


def test_a_list_of_the_callers_is_not_kept() -> None:
    mine = ["x"]
    kept = span()
    attributes.put(kept, {"c": mine})
    mine.append("y")
    assert kept.attributes["c"] == ("x",)


def test_an_ended_span_stays_as_it_is() -> None:
    ended = span()
    ended.end()
    attributes.put(ended, {"b": 1})
    assert dict(ended.attributes) == {"a": "before", "z": 1}


def test_another_sdk_is_asked_by_the_front_door() -> None:
    seen: list[Any] = []

    class Foreign(trace.NonRecordingSpan):
        def set_attributes(self, attributes: Any) -> None:
            seen.append(attributes)

    attributes.put(Foreign(trace.INVALID_SPAN_CONTEXT), {"b": 1})
    assert seen == [{"b": 1}]
