"""What tests of frameworks have in common: trees of spans, hooks that raise, all exports against the conventions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from instrumentation.conformance import CONTENT_SCHEMAS, check_attributes, check_content, metric_definitions
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import StatusCode
from throughline import names

Tree = tuple[str, tuple[Any, ...]]
STRUCTURED = {*CONTENT_SCHEMAS, names.TOOL_CALL_ARGUMENTS, names.TOOL_CALL_RESULT, names.MEMORY_RECORDS}


def tree(telemetry: Telemetry) -> list[Any]:
    """The roots in order of their start: a leaf is its span's name, any other a pair of name and what is inside."""
    spans = sorted(telemetry.spans(), key=lambda span: (span.start_time, -span.end_time))
    known = {span.context.span_id for span in spans}

    def grown(span: Any) -> Any:
        inside = [grown(one) for one in spans if one.parent and one.parent.span_id == span.context.span_id]
        return (span.name, inside) if inside else span.name

    return [grown(span) for span in spans if span.parent is None or span.parent.span_id not in known]


def named(telemetry: Telemetry, name: str) -> Any:
    """The only span of this name."""
    (only,) = [span for span in telemetry.spans() if span.name == name]
    return only


def found(telemetry: Telemetry, name: str) -> dict[str, Any]:
    """The attributes of the only span of this name."""
    return plain(named(telemetry, name).attributes)


def ending(span: Any) -> tuple[str, Any]:
    """Why it ended and with which error, which its status has to agree with."""
    attributes = span.attributes
    error = attributes.get(names.ERROR_TYPE)
    assert span.status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    return attributes[names.END_REASON], error


def check_everything(telemetry: Telemetry) -> None:
    """Every span has its one record with the same attributes, and all names, types and shapes are the registry's."""
    spans = {f"{span.context.trace_id:032x}{span.context.span_id:016x}": span for span in telemetry.spans()}
    records = [*telemetry.events(names.OPERATION_DETAILS), *telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)]
    assert Counter(record.attributes[names.RECORD_ID] for record in records) == Counter(list(spans))
    for record in records:
        attributes = plain(record.attributes)
        span = plain(spans[attributes.pop(names.RECORD_ID)].attributes)
        for own in (names.DURATION, names.START_TIME_UNIX_NANO):
            attributes.pop(own)
        assert span.keys() == attributes.keys()
        for shown in (span, attributes):
            list(check_content(shown))
            check_attributes({key: value for key, value in shown.items() if key not in STRUCTURED})
    for metric, points in telemetry.points().items():
        assert metric in metric_definitions()
        for point in points:
            check_attributes(plain(point.attributes))


def breaking(monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]) -> list[tuple[Any, str]]:
    """Have this hook of telemetry raise from now on; it is in the list once for each time that it did."""
    broken: list[tuple[Any, str]] = []

    def raising(*_args: Any, **_kwargs: Any) -> Any:
        broken.append(hook)
        raise RuntimeError("a bug in telemetry")

    monkeypatch.setattr(*hook, raising)
    return broken
