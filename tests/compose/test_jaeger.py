"""Jaeger as the compose file configures it, really run on the real Elasticsearch: a trace goes in and comes out."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from compose.composed import Plain, host_path
from native.part import http
from native.ports import Ports
from native.stack import PARTS, Stack
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from throughline.store import connect
from throughline.store.roles import provision
from throughline.tls import client_context

pytestmark = pytest.mark.stack


def until(condition: Callable[[], bool], deadline: float = 60) -> None:
    """Ask again until it is so."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.1)


@pytest.fixture
def key(secure_stack: Stack, tmp_path: Path) -> Path:
    """An API key of the role that may use Jaeger's own indices, and nothing else."""
    told = {**secure_stack.addresses, **secure_stack.supervisor.parts["templates"].environment}
    with connect(told, operator=True) as client:
        provision(client, {"THROUGHLINE_JAEGER_API_KEY_FILE": str(tmp_path / "key")})
    return tmp_path / "key"


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def jaeger_on_elasticsearch(
    services: dict[str, Plain], secure_stack: Stack, key: Path, ports: Ports, tmp_path: Path
) -> Iterator[str]:
    """Its query API; the native binary, on the configuration files of the official image, with a key of its role."""
    service, secrets = services["jaeger"], secure_stack.logs.parent / "tls" / "jaeger"
    environment = {
        variable: ports.address(variable) if str(value).startswith("0.0.0.0:") else str(value)
        for variable, value in service["environment"].items()
    }
    environment = {name: value.replace("/etc/throughline/tls", str(secrets)) for name, value in environment.items()}
    environment["ELASTICSEARCH_URL"] = secure_stack.addresses["ELASTICSEARCH_URL"]
    environment["ELASTICSEARCH_API_KEY_FILE"] = str(key)
    command = [str(PARTS / "jaeger")]
    command += [word if word == "--config" else str(host_path(service, word)) for word in service["command"]]
    log = tmp_path / "jaeger.log"
    with (
        log.open("w") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process,
    ):
        try:
            ready = http(f"{ports.url('JAEGER_HEALTH_ENDPOINT')}/status")
            until(lambda: process.poll() is not None or ready())
            assert process.poll() is None, log.read_text()
            yield f"https://{ports.address('JAEGER_HTTP_ENDPOINT')}"
        finally:
            process.terminate()
            process.wait(30)


def test_a_trace_with_a_long_prompt_is_stored_and_found(
    jaeger_on_elasticsearch: str, secure_stack: Stack, ports: Ports
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    shown = {
        name: Path(path).read_bytes() for name, path in secure_stack.addresses.items() if name.startswith("JAEGER_C")
    }
    credentials = grpc.ssl_channel_credentials(
        shown["JAEGER_CA_FILE"], shown["JAEGER_CLIENT_KEY"], shown["JAEGER_CLIENT_CERTIFICATE"]
    )
    exporter = OTLPSpanExporter(f"https://{ports.address('JAEGER_OTLP_ENDPOINT')}", credentials=credentials)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    prompt = "a word " * 1_000_000
    with provider.get_tracer("test").start_as_current_span("chat") as span:
        span.set_attribute("gen_ai.input.messages", prompt)
    provider.shutdown()
    trace = format(span.get_span_context().trace_id, "032x")

    seen = client_context(secure_stack.addresses["JAEGER_CA_FILE"])  # as a browser: it shows no certificate

    def found() -> list[Plain]:
        with urllib.request.urlopen(f"{jaeger_on_elasticsearch}/api/v3/traces/{trace}", context=seen) as answer:
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
