"""One trace's waterfall, read from Jaeger's query API; shows names, times and models, never content."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import grpc
import httpx

from throughline_services.runtime import ServiceError

# Tags that help to read a bar. Nothing else of a span leaves the gateway: this route is open to whoever has the id.
SHOWN = {
    "gen_ai.operation.name": "operation",
    "gen_ai.request.model": "model",
    "gen_ai.usage.input_tokens": "input_tokens",
    "gen_ai.usage.output_tokens": "output_tokens",
    "error.type": "error_type",
    "rpc.grpc.status_code": "grpc_status",
    "http.response.status_code": "http_status",
    "http.status_code": "http_status",
}


@dataclass(frozen=True, slots=True)
class Jaeger:
    """Jaeger's query API."""

    client: httpx.AsyncClient
    url: str | None

    async def waterfall(self, trace_id: str) -> dict[str, Any]:
        """Without spans while the trace is not there yet: the sampler decides some seconds after its end."""
        if self.url is None:
            raise ServiceError(grpc.StatusCode.UNIMPLEMENTED, "NO_JAEGER", "set JAEGER_URL to see waterfalls")
        try:
            reply = await self.client.get(f"{self.url.rstrip('/')}/api/traces/{trace_id}")
            traces = [] if reply.status_code == httpx.codes.NOT_FOUND else reply.raise_for_status().json()["data"]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            message = f"Jaeger did not answer: {type(error).__name__}"
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, "JAEGER_UNAVAILABLE", message) from error
        return {"trace_id": trace_id, **(_waterfall(traces[0]) if traces else {"status": "pending", "spans": []})}


def _waterfall(trace: Mapping[str, Any]) -> dict[str, Any]:
    services = {key: process["serviceName"] for key, process in trace["processes"].items()}
    spans = sorted(trace["spans"], key=lambda span: (span["startTime"], -span["duration"]))
    start = min(span["startTime"] for span in spans)
    parents = {span["spanID"]: _parent(span) for span in spans}
    return {
        "status": "present",
        "duration_ms": (max(span["startTime"] + span["duration"] for span in spans) - start) / 1000,
        "spans": [_bar(span, start, services, _depth(span["spanID"], parents)) for span in _in_order(spans, parents)],
    }


def _in_order(spans: list[dict[str, Any]], parents: Mapping[str, str | None]) -> list[dict[str, Any]]:
    """Parents before children, children by start: as the bars stand below each other. Orphans count as roots."""
    children: dict[str | None, list[dict[str, Any]]] = {}
    for span in spans:
        parent = parents[span["spanID"]]
        children.setdefault(parent if parent in parents else None, []).append(span)
    ordered, waiting = [], list(reversed(children.get(None, [])))
    while waiting:
        span = waiting.pop()
        ordered.append(span)
        waiting.extend(reversed(children.pop(span["spanID"], [])))
    return ordered


def _parent(span: Mapping[str, Any]) -> str | None:
    references = span.get("references") or ()
    return next((str(each["spanID"]) for each in references if each["refType"] == "CHILD_OF"), None)


def _depth(span_id: str, parents: Mapping[str, str | None]) -> int:
    depth, parent = 0, parents.get(span_id)
    while parent in parents and parent is not None and depth < len(parents):
        depth, parent = depth + 1, parents[parent]
    return depth


def _bar(span: Mapping[str, Any], start: int, services: Mapping[str, str], depth: int) -> dict[str, Any]:
    tags = {tag["key"]: tag["value"] for tag in span.get("tags") or ()}
    return {
        "span_id": span["spanID"],
        "name": span["operationName"],
        "service": services.get(span["processID"], "unknown"),
        "kind": tags.get("span.kind", "internal"),
        "depth": depth,
        "start_ms": (span["startTime"] - start) / 1000,
        "duration_ms": span["duration"] / 1000,
        "error": tags.get("error") is True or tags.get("otel.status_code") == "ERROR",
        "details": {name: tags[key] for key, name in SHOWN.items() if key in tags},
    }
