"""Jaeger as the compose file configures it, really run on the real Elasticsearch: a trace goes in and comes out."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compose.composed import Plain, host_path
from native.part import http
from native.ports import Ports
from native.stack import PARTS
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

pytestmark = pytest.mark.stack


def until(condition: Callable[[], bool], deadline: float = 60) -> None:
    """Ask again until it is so."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def jaeger_on_elasticsearch(
    services: dict[str, Plain], elasticsearch: str, ports: Ports, tmp_path: Path
) -> Iterator[str]:
    """Its query API; the native binary, on the configuration file of the official image."""
    service = services["jaeger"]
    environment = {
        variable: ports.address(variable) if str(value).startswith("0.0.0.0:") else str(value)
        for variable, value in service["environment"].items()
    }
    command = [PARTS / "jaeger", "--config", host_path(service, service["command"][1])]
    log = tmp_path / "jaeger.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            command, env=environment | {"ELASTICSEARCH_URL": elasticsearch}, stdout=output, stderr=output
        ) as process,
    ):
        try:
            ready = http(f"{ports.url('JAEGER_HEALTH_ENDPOINT')}/status")
            until(lambda: process.poll() is not None or ready())
            assert process.poll() is None, log.read_text()
            yield ports.url("JAEGER_HTTP_ENDPOINT")
        finally:
            process.terminate()
            process.wait(30)


def test_a_trace_with_a_long_prompt_is_stored_and_found(jaeger_on_elasticsearch: str, ports: Ports) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = OTLPSpanExporter(ports.url("JAEGER_OTLP_ENDPOINT"), insecure=True)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    prompt = "a word " * 1_000_000
    with provider.get_tracer("test").start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.input.messages", prompt)
    provider.shutdown()
    trace = format(span.get_span_context().trace_id, "032x")

    def found() -> list[Plain]:
        with urllib.request.urlopen(f"{jaeger_on_elasticsearch}/api/v3/traces/{trace}") as answer:
            return list(json.load(answer)["result"]["resourceSpans"])

    def present() -> bool:
        try:
            return bool(found())
        except urllib.error.HTTPError:
            return False

    until(present)
    (resource,) = found()
    (stored,) = resource["scopeSpans"][0]["spans"]
    held = {each["key"]: each["value"] for each in stored["attributes"]}
    assert held["gen_ai.input.messages"]["stringValue"] == prompt
