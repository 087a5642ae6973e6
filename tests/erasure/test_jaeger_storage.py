"""A Jaeger that keeps its spans in Elasticsearch, as in compose: they are erased as well, and it answers nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from erasure.conftest import World
from native.part import http
from native.ports import Ports
from native.stack import PARTS, REPOSITORY
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from throughline import names
from throughline.records import streams

pytestmark = pytest.mark.stack
LISTENS = {name: f"JAEGER_{name}_ENDPOINT" for name in ("HEALTH", "HTTP", "GRPC", "OTLP")}


@pytest.fixture
def ports() -> Ports:
    return Ports()


@pytest.fixture
def stored(world: World, ports: Ports, tmp_path: Path) -> Iterator[str]:
    """Its query API."""
    environment = {variable: ports.address(name) for name, variable in LISTENS.items()}
    environment |= {"ELASTICSEARCH_URL": world.addresses["ELASTICSEARCH_URL"], "OTEL_TRACES_SAMPLER": "always_off"}
    command = [PARTS / "jaeger", "--config", REPOSITORY / "deploy" / "compose" / "jaeger.yaml"]
    with (
        (tmp_path / "jaeger.log").open("w") as log,
        subprocess.Popen(command, env={"PATH": os.environ["PATH"], **environment}, stdout=log, stderr=log) as process,
    ):
        try:
            world.eventually(http(f"{ports.url('HEALTH')}/status"), "Jaeger")
            yield ports.url("HTTP")
        finally:
            process.terminate()
            process.wait(30)


def test_spans_in_its_storage_go(world: World, stored: str, ports: Ports) -> None:
    ada, canary = f"ada-{world.tag}", f"canary{world.tag}"
    world.ask({"corpus": world.tag, "user": ada, "text": "what?"})
    (record,) = streams.hits(world.client, streams.RECORDS, {"term": {f"attributes.{names.DATA_SOURCE_ID}": world.tag}})
    trace, span = record["_source"]["trace_id"], record["_source"]["span_id"]
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(ports.url("OTLP"), insecure=True)))
    around = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    context = set_span_in_context(NonRecordingSpan(around))
    provider.get_tracer("test").start_span("chat", context, attributes={names.INPUT_MESSAGES: canary}).end()
    provider.shutdown()
    world.eventually(lambda: canary in httpx.get(f"{stored}/api/traces/{trace}").text, "the span in Jaeger")
    ended = world.erase(ada, JAEGER_URL=stored)
    assert (ended.code, ended.err) == (0, ""), ended.out
    assert httpx.get(f"{stored}/api/traces/{trace}").status_code == 404
    assert world.found(canary, "jaeger-span-*") == []
    assert world.in_files(canary) == []
