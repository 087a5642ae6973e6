"""An application of five lines that knows no telemetry, under opentelemetry-instrument, seen at a real Collector."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from collector.running import Collector, eventually, running
from native.stack import Stack

APP = Path(__file__).with_name("app.py")
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")

pytestmark = pytest.mark.stack


@pytest.fixture
def capturing(tmp_path: Path) -> Iterator[Collector]:
    """The shipped Collector, which keeps every trace and writes to files what it would send on."""
    with running(tmp_path, SAMPLING_PERCENTAGE="100", DECISION_WAIT="1s", DECISION_WAIT_AFTER_ROOT="1s") as collector:
        yield collector


@pytest.fixture
def simulator(session_stack: Stack) -> str:
    session_stack.start(["simulator"])
    return session_stack.addresses["OPENAI_BASE_URL"]


def run(collector: Collector, simulator: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {
        "PATH": os.environ["PATH"],
        "OPENAI_BASE_URL": simulator,
        "OPENAI_API_KEY": "simulated",
        "OTEL_SERVICE_NAME": "app",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{collector.grpc}",
        "OTEL_LOGS_EXPORTER": "otlp",
        "XDG_STATE_HOME": str(collector.folder / "state"),  # where records are spooled, as nobody says otherwise
        **environment,
    }
    return subprocess.run(
        [INSTRUMENT, sys.executable, APP], env=variables, capture_output=True, text=True, timeout=60, check=True
    )


def value(wrapped: dict[str, Any]) -> Any:
    """An OTLP/JSON value as a plain one."""
    ((kind, inner),) = wrapped.items()
    match kind:
        case "intValue":
            return int(inner)
        case "arrayValue":
            return [value(each) for each in inner.get("values", ())]
        case "kvlistValue":
            return attributes({"attributes": inner.get("values", ())})
    return inner


def attributes(thing: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: value(pair["value"]) for pair in thing.get("attributes", ())}


def captured(collector: Collector, name: str, outer: str, scopes: str, inner: str) -> list[dict[str, Any]]:
    """What the file exporter `name` wrote, each with its resource's service name."""
    found = []
    for line in collector.captured(name):
        for resource in json.loads(line)[outer]:
            service = attributes(resource["resource"]).get("service.name")
            found += [{**each, "service": service} for scope in resource[scopes] for each in scope.get(inner, ())]
    return found


def test_five_lines_yield_span_metrics_and_record(capturing: Collector, simulator: str) -> None:
    result = run(capturing, simulator)
    assert "answer" in result.stdout
    assert "throughline" not in result.stderr
    (span,) = eventually(lambda: captured(capturing, "traces", "resourceSpans", "scopeSpans", "spans"), "the span")
    (record,) = eventually(
        lambda: captured(capturing, "records", "resourceLogs", "scopeLogs", "logRecords"), "the record"
    )
    metrics = eventually(
        lambda: {
            metric["name"]: metric
            for metric in captured(capturing, "metrics", "resourceMetrics", "scopeMetrics", "metrics")
            if metric["service"] == "app"
        },
        "the metrics",
    )
    assert (span["name"], span["kind"], span["service"]) == ("chat sim-small", 3, "app")
    found = attributes(span)
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "sim-small",
        "gen_ai.response.finish_reasons": ["stop"],
        "server.address": "127.0.0.1",
    }
    assert expected.items() <= found.items()
    assert found["gen_ai.usage.input_tokens"] > 0
    recorded = attributes(record)
    assert expected.items() <= recorded.items()
    assert (record["traceId"], record["spanId"]) == (span["traceId"], span["spanId"])
    assert recorded["throughline.record.id"] == span["traceId"] + span["spanId"]
    assert recorded["throughline.chain.sequence"] == 0
    assert list((capturing.folder / "state" / "throughline" / "spool").iterdir()) == []
    assert {"gen_ai.client.operation.duration", "gen_ai.client.token.usage"} <= set(metrics)
    (point,) = metrics["gen_ai.client.operation.duration"]["histogram"]["dataPoints"]
    assert (int(point["count"]), len(point["explicitBounds"])) == (1, 14)


def test_content_reaches_the_collector_only_when_asked_for(capturing: Collector, simulator: str) -> None:
    run(capturing, simulator)
    run(capturing, simulator, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="EVENT_ONLY")
    records = eventually(
        lambda: (
            (found := captured(capturing, "records", "resourceLogs", "scopeLogs", "logRecords"))
            and len(found) == 2
            and found
        ),
        "two records",
    )
    assert not any("gen_ai.input.messages" in attributes(record) for record in records)
    (said,) = eventually(
        lambda: captured(capturing, "content", "resourceLogs", "scopeLogs", "logRecords"), "what was said"
    )
    expected = [{"role": "user", "parts": [{"type": "text", "content": "Hello?"}]}]
    assert attributes(said)["gen_ai.input.messages"] == expected
    asked_for = [record for record in records if record["traceId"] == said["traceId"]]
    assert [attributes(record)["throughline.record.id"] for record in asked_for] == [
        attributes(said)["throughline.record.id"]
    ]


def test_a_wrong_setting_is_said_and_harms_nobody(capturing: Collector, simulator: str) -> None:
    result = run(capturing, simulator, OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="PERHAPS")
    assert "answer" in result.stdout
    assert "SPAN_AND_EVENT" in result.stderr
