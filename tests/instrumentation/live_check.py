"""Everything that a test exported against the pinned registry, whatever the test is about; it runs after each of them.

Requirement levels, kinds, names and status of spans; units, buckets and dimensions of metrics; attributes of events.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from instrumentation.conformance import (
    CONTENT_SCHEMAS,
    CONVENTIONS,
    REGISTRY,
    attribute_types,
    check_attributes,
    check_content,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind, StatusCode
from throughline import names
from throughline.instruments import SECONDS, TOKENS

STRUCTURED = {*CONTENT_SCHEMAS, names.TOOL_CALL_ARGUMENTS, names.TOOL_CALL_RESULT, names.MEMORY_RECORDS}
KINDS = {"client": {SpanKind.CLIENT, SpanKind.INTERNAL}, "internal": {SpanKind.INTERNAL}, "server": {SpanKind.SERVER}}
INFERENCE = ("chat", "generate_content", "text_completion")
SUBJECTS = (names.REQUEST_MODEL, names.DATA_SOURCE_ID, names.AGENT_NAME, names.TOOL_NAME, names.WORKFLOW_NAME,
            names.PROMPT_NAME)  # fmt: skip
BUCKETS = {
    names.CLIENT_TOKEN_USAGE: TOKENS,
    **dict.fromkeys(
        (names.CLIENT_OPERATION_DURATION, names.CLIENT_OPERATION_TIME_TO_FIRST_CHUNK,
         names.CLIENT_OPERATION_TIME_PER_OUTPUT_CHUNK, names.EXECUTE_TOOL_DURATION), SECONDS
    ),
    names.WORKFLOW_DURATION: (1, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200),
    names.INVOKE_AGENT_DURATION: tuple(0.1 * 2**n for n in range(13)),
}  # fmt: skip
OURS = ("throughline.", "gen_ai.prompt.")
"""Beginnings of what we add to the dimensions of metrics: who compares prompts needs them."""


@cache
def _files() -> list[Any]:
    return [yaml.safe_load(path.read_text()) for path in [*CONVENTIONS.glob("*/*.yaml"), REGISTRY / "throughline.yaml"]]


@cache
def _groups() -> dict[str, Any]:
    return {group["id"]: group for content in _files() for group in content.get("attribute_groups", ())}


def _levels(attributes: Any) -> Iterator[tuple[str, str]]:
    """Name and requirement level of each attribute, those of groups included; a later one overrides an earlier."""
    for entry in attributes or ():
        if "ref_group" in entry:
            yield from _levels(_groups().get(entry["ref_group"], {}).get("attributes"))
        elif "ref" in entry:
            level = entry.get("requirement_level", "recommended")
            yield entry["ref"], level if isinstance(level, str) else next(iter(level))


@cache
def span_types() -> dict[str, dict[str, str]]:
    """Type → attribute → its requirement level."""
    return {
        span["type"]: dict(_levels(span["attributes"])) for content in _files() for span in content.get("spans", ())
    }


@cache
def metrics() -> dict[str, Any]:
    """Metric → its definition, with the attributes' levels."""
    found = [metric for content in _files() for metric in content.get("metrics", ())]
    return {metric["name"]: {**metric, "levels": dict(_levels(metric.get("attributes")))} for metric in found}


def span_type(span: Any) -> str:
    """Which of the conventions' spans this is."""
    operation = span.attributes.get(names.OPERATION_NAME)
    if names.MCP_METHOD_NAME in span.attributes and span.kind is not SpanKind.INTERNAL:
        return "mcp.server" if span.kind is SpanKind.SERVER else "mcp.client"
    if operation in INFERENCE:
        return "gen_ai.inference.client"
    if str(operation).endswith(("_memory", "_memory_store")):
        return "gen_ai.memory.client"
    side = "client" if span.kind is SpanKind.CLIENT else "internal"
    only = [name for name in span_types() if name.startswith(f"gen_ai.{operation}.")]
    return only[0] if len(only) == 1 else f"gen_ai.{operation}.{side}"


def known_operation(name: str) -> bool:
    """Whether the conventions have a word for it."""
    return name in {member["value"] for member in attribute_types()[names.OPERATION_NAME]["members"]}


def check_span(span: Any) -> None:
    """One span: kind, name, status, required attributes, and every attribute's type and value. An application's own
    step, of which the conventions know nothing, is internal."""
    kind, attributes = span_type(span), plain(span.attributes)
    levels = span_types().get(kind, {names.OPERATION_NAME: "required"})
    assert kind in span_types() or not known_operation(attributes[names.OPERATION_NAME]), span.name
    assert span.kind in KINDS[kind.rpartition(".")[2]], (span.name, span.kind)
    required = {name for name, level in levels.items() if level == "required"}
    assert required <= attributes.keys(), f"{span.name} lacks {required - attributes.keys()}"
    assert (names.SERVER_PORT in attributes) <= (names.SERVER_ADDRESS in attributes), span.name
    begin = attributes[names.MCP_METHOD_NAME if kind.startswith("mcp") else names.OPERATION_NAME]
    about = [str(attributes[name]) for name in SUBJECTS if name in attributes]
    assert span.name in {begin, *(f"{begin} {one}" for one in about)}, span.name
    failed = span.status.status_code is StatusCode.ERROR
    assert span.status.status_code is not StatusCode.OK
    assert failed is (names.ERROR_TYPE in attributes), span.name
    list(check_content(attributes))
    check_attributes({key: value for key, value in attributes.items() if key not in STRUCTURED})


def check_metric(name: str, unit: str, points: list[Any]) -> None:
    """One metric: unit, buckets, and the dimensions of its points."""
    definition = metrics()[name]
    assert unit == definition["unit"], name
    levels = definition["levels"]
    for point in points:
        dimensions = plain(point.attributes)
        assert {key for key, level in levels.items() if level == "required"} <= dimensions.keys(), name
        foreign = {key for key in dimensions if key not in levels and not key.startswith(OURS)}
        assert not foreign, f"{name} has {foreign}"
        if name in BUCKETS:
            assert tuple(point.explicit_bounds) == BUCKETS[name], name
        check_attributes(dimensions)


def check_events(telemetry: Telemetry) -> None:
    """Names and attributes of events; what the record of an operation must have is its span's to show."""
    known = {event["name"] for content in _files() for event in content.get("events", ())}
    for log in telemetry.log_exporter.get_finished_logs():
        record = log.log_record
        if log.instrumentation_scope and log.instrumentation_scope.name == "throughline":
            assert record.event_name in known
            attributes = plain(record.attributes)
            list(check_content(attributes))
            check_attributes({key: value for key, value in attributes.items() if key not in STRUCTURED})
            assert re.fullmatch("[0-9a-f]{48}", str(attributes.get(names.RECORD_ID, "0" * 48)))


def check_all(telemetry: Telemetry) -> None:
    """All that Throughline exported in a test."""
    for span in telemetry.spans():
        if span.instrumentation_scope.name == "throughline":
            check_span(span)
    found = telemetry.metric_reader.get_metrics_data()
    for resource in found.resource_metrics if found else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if scope.scope.name == "throughline":
                    check_metric(metric.name, metric.unit, list(metric.data.data_points))
    check_events(telemetry)
