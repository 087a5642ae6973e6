"""OTLP/JSON as tests write and read it: built from plain values, flattened to plain values; it sends nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

RECORD = "gen_ai.client.inference.operation.details"
START = 1_790_000_000_000_000_000
Plain = dict[str, Any]

_DELIVERED = "observedTimeUnixNano"
"""What differs from run to run."""
_LEVELS = {
    "resourceSpans": ("scopeSpans", "spans"),
    "resourceLogs": ("scopeLogs", "logRecords"),
    "resourceMetrics": ("scopeMetrics", "metrics"),
}


def wrap(value: object) -> Plain:
    """A value as OTLP/JSON spells it."""
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": value}
        case list():
            return {"arrayValue": {"values": [wrap(each) for each in value]}}
        case dict():
            return {"kvlistValue": {"values": attributes(value)}}
        case _:
            return {"stringValue": str(value)}


def unwrap(value: Plain) -> object:
    """The plain value of what OTLP/JSON spells."""
    match value:
        case {"intValue": number}:
            return int(number)
        case {"arrayValue": array}:
            return [unwrap(each) for each in array.get("values", [])]
        case {"kvlistValue": pairs}:
            return {pair["key"]: unwrap(pair["value"]) for pair in pairs.get("values", [])}
        case _:
            return next(iter(value.values()), None)


def attributes(values: Mapping[str, object]) -> list[Plain]:
    """Attributes as OTLP/JSON lists them."""
    return [{"key": key, "value": wrap(value)} for key, value in values.items()]


def span(trace: str, number: int = 1, *, seconds: float = 0.5, failed: bool = False, **more: object) -> Plain:
    """A span of a trace; number 1 is its root, every other a child of it. `more` holds attributes, dots as `__`."""
    return {
        "traceId": trace,
        "spanId": f"{number:016x}",
        "parentSpanId": "" if number == 1 else f"{1:016x}",
        "name": "chat model",
        "kind": 3,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(START + int(seconds * 1e9)),
        "attributes": attributes({key.replace("__", "."): value for key, value in more.items()}),
        "status": {"code": 2} if failed else {},
    }


def record(identity: str, event: str = RECORD, **more: object) -> Plain:
    """A record with this id; `more` holds attributes, dots as `__`."""
    named = {key.replace("__", "."): value for key, value in more.items()}
    return {
        "timeUnixNano": str(START),
        "eventName": event,
        "traceId": f"{1:032x}",
        "spanId": f"{1:016x}",
        "attributes": attributes({"throughline.record.id": identity, **named}),
    }


def request(kind: str, items: Iterable[Plain]) -> bytes:
    """The body that carries these items; kind is `resourceSpans` or `resourceLogs`."""
    scopes, inner = _LEVELS[kind]
    resource = {"attributes": attributes({"service.name": "tested"})}
    return json.dumps({kind: [{"resource": resource, scopes: [{"scope": {"name": "t"}, inner: list(items)}]}]}).encode()


def spans(*items: Plain) -> bytes:
    """The body of a trace export."""
    return request("resourceSpans", items)


def records(*items: Plain) -> bytes:
    """The body of a log export."""
    return request("resourceLogs", items)


def flat(lines: Iterable[str]) -> Iterator[Plain]:
    """Each span, record or metric in these exports by itself, its resource and scope beside it, attributes as a map."""
    for line in lines:
        for kind, groups in json.loads(line).items():
            scopes, inner = _LEVELS[kind]
            for group in groups:
                resource = _attributes_of(group.get("resource", {}))
                for scope in group[scopes]:
                    named = _attributes_of(scope.get("scope", {}))
                    yield from ({"resource": resource, "scope": named, **_plain(item)} for item in scope[inner])


def identities(lines: Iterable[str]) -> list[str]:
    """The record ids in these exports, in the order of arrival."""
    return [item["attributes"]["throughline.record.id"] for item in flat(lines)]


def traces(lines: Iterable[str]) -> set[str]:
    """The trace ids in these exports."""
    return {item["traceId"] for item in flat(lines)}


def _attributes_of(holder: Plain) -> Plain:
    return {pair["key"]: unwrap(pair["value"]) for pair in holder.get("attributes", [])}


def _plain(item: Plain) -> Plain:
    plain = {key: value for key, value in item.items() if value not in ({}, [], "") and key != _DELIVERED}
    plain["attributes"] = _attributes_of(item)
    if "body" in item:
        plain["body"] = unwrap(item["body"])
    if "events" in item:
        plain["events"] = [{**event, "attributes": _attributes_of(event)} for event in item["events"]]
    return plain
