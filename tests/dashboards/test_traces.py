"""Every panel of traces, asked of the real Jaeger as Grafana's data source asks it, holds the trace that is chosen."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from dashboards.conftest import BOARDS, Plain, defaults
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from preview.datasource import prepared
from throughline import names

pytestmark = pytest.mark.stack
TRACED = [(name, panel) for name, board in BOARDS.items() for panel in board["panels"] if panel["type"] == "traces"]


@pytest.fixture(scope="module")
def trace(collector: str) -> str:
    """The id of a trace that the sampler keeps: a request and the call inside it."""
    provider = TracerProvider(resource=Resource.create({names.SERVICE_NAME: "gateway"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(collector, insecure=True)))
    tracer, kept = provider.get_tracer("dashboards"), {names.KEEP: True}
    with (
        tracer.start_as_current_span("POST /ask", attributes=kept) as request,
        tracer.start_as_current_span("chat sim-small"),
    ):
        identity = f"{request.get_span_context().trace_id:032x}"
    provider.shutdown()
    return identity


def asked(jaeger: str, board: Plain, target: Plain, trace: str) -> httpx.Response:
    """A query without a type is a trace's id, which is all that Grafana sends of it."""
    query = prepared(target, {**defaults(board), "trace_id": trace})
    assert "queryType" not in query
    return httpx.get(f"{jaeger}/api/traces/{query['query']}", trust_env=False)


def test_there_is_a_panel_of_traces() -> None:
    assert [name for name, _ in TRACED] == ["request"]


@pytest.mark.parametrize(("name", "panel"), TRACED)
def test_panel_holds_the_chosen_trace(name: str, panel: Plain, jaeger: str, trace: str) -> None:
    (target,) = panel["targets"]
    deadline = time.monotonic() + 60
    found: list[dict[str, Any]] = []
    while not found and time.monotonic() < deadline:
        reply = asked(jaeger, BOARDS[name], target, trace)
        found = reply.json()["data"] or [] if reply.status_code == 200 else []
        spans = found[0]["spans"] if found else []
        found = found if len(spans) == 2 else []
        time.sleep(0.1)
    assert {span["operationName"] for span in found[0]["spans"]} == {"POST /ask", "chat sim-small"}
    assert asked(jaeger, BOARDS[name], target, "f" * 32).status_code == 404


@pytest.mark.parametrize(("name", "panel"), TRACED)
def test_panel_leads_to_the_trace_on_jaegers_own_page(name: str, panel: Plain) -> None:
    (link,) = panel["links"]
    assert link["url"] == "${jaeger_page}/trace/${trace_id}"
    assert {"jaeger_page", "trace_id"} <= {each["name"] for each in BOARDS[name]["templating"]["list"]}
