"""A trace as a list of steps, read from Jaeger's query API or, where Jaeger lacks it, from Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from throughline import names

Attributes = Mapping[str, Any]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One span; times in seconds, `start` since the epoch."""

    span_id: str
    parent_id: str | None
    service: str
    name: str
    start: float
    duration: float
    attributes: Attributes = field(default_factory=dict)
    events: tuple[Attributes, ...] = ()
    """What happened on the way, each with its name under `event`."""

    @property
    def error(self) -> str | None:
        """What went wrong, or None."""
        if self.attributes.get("error") in (True, "true") or self.attributes.get("otel.status_code") == "ERROR":
            return str(
                self.attributes.get(names.ERROR_TYPE) or self.attributes.get("otel.status_description") or "error"
            )
        return None


def from_jaeger(http: httpx.Client, url: str, trace_id: str) -> list[Step]:
    """The steps of a trace; empty while Jaeger does not have it. Raises httpx.HTTPError where Jaeger cannot say."""
    reply = http.get(f"{url}/api/traces/{trace_id}")
    if reply.status_code == httpx.codes.NOT_FOUND:
        return []
    return [_jaeger_step(span, trace) for trace in reply.raise_for_status().json()["data"] for span in trace["spans"]]


def _jaeger_step(span: Mapping[str, Any], trace: Mapping[str, Any]) -> Step:
    return Step(
        span_id=span["spanID"],
        parent_id=next((reference["spanID"] for reference in span["references"]), None),
        service=trace["processes"][span["processID"]]["serviceName"],
        name=span["operationName"],
        start=span["startTime"] / 1e6,
        duration=span["duration"] / 1e6,
        attributes=_tags(span["tags"]),
        events=tuple(_tags(log["fields"]) for log in span["logs"]),
    )


def _tags(tags: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {tag["key"]: tag["value"] for tag in tags}


def from_documents(documents: Iterable[Document], events: Iterable[Document] = ()) -> list[Step]:
    """The steps of a trace out of the spans that Elasticsearch holds, and the events that it holds as logs."""
    of_span: dict[str, list[Attributes]] = {}
    for event in events:
        named = {**event.get("attributes", {}), "event": event.get("event_name")}
        of_span.setdefault(event.get("span_id", ""), []).insert(0, named)  # the newest comes first
    return [_document_step(document, tuple(of_span.get(document["span_id"], ()))) for document in documents]


def _document_step(document: Document, events: tuple[Attributes, ...]) -> Step:
    attributes = dict(document.get("attributes", {}))
    if document.get("status", {}).get("code") == "Error":
        attributes |= {"error": True, "otel.status_description": document["status"].get("message", "")}
    return Step(
        span_id=document["span_id"],
        parent_id=document.get("parent_span_id") or None,
        service=document.get("resource", {}).get("attributes", {}).get("service.name", ""),
        name=document["name"],
        start=epoch(document["@timestamp"]),
        duration=document["duration"] / 1e9,
        attributes=attributes,
        events=events,
    )


def epoch(timestamp: str) -> float:
    """Seconds of what the Collector writes: milliseconds since the epoch, or ISO 8601.

    Behind the point stand nanoseconds without leading zeros: `12.345` is 12 ms and 345 ns.
    """
    milliseconds, _, nanoseconds = timestamp.partition(".")
    if not milliseconds.isdecimal():
        return datetime.fromisoformat(timestamp).timestamp()
    return int(milliseconds) / 1e3 + int(nanoseconds or 0) / 1e9
