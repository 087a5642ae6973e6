"""Spans of the real grpc and Starlette instrumentations around the runtime: identity arrives, every span ends, once."""

# ruff: noqa: N802  # a servicer has the names of its contract

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest
import throughline
from opentelemetry import trace
from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorClient, GrpcAioInstrumentorServer
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from starlette import applications
from starlette.requests import Request
from starlette.routing import Route
from throughline_services.runtime import ClientSettings, GrpcServer, GrpcSettings, Remote, ServiceError, ServiceSettings
from throughline_services.runtime.http import HttpServer, PushedStream
from throughline_services.runtime.tracing import current_ids
from throughline_services.stubs import llm_caller_pb2 as messages
from throughline_services.stubs.llm_caller_pb2_grpc import LlmCallerStub, add_LlmCallerServicer_to_server


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentors = [GrpcAioInstrumentorClient(), GrpcAioInstrumentorServer(), StarletteInstrumentor()]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=provider)
    yield exporter
    for instrumentor in instrumentors:
        instrumentor.uninstrument()


class Noting:
    """Notes the identity and ids that arrive."""

    def __init__(self) -> None:
        self.identities: list[throughline.Identity] = []
        self.ids: list[Any] = []
        self.go_on = asyncio.Event()

    def _note(self) -> None:
        self.identities.append(throughline.identity())
        self.ids.append(current_ids())

    async def Complete(self, request: Any, _context: Any) -> Any:
        self._note()
        if request.model == "refuse":
            raise ServiceError(grpc.StatusCode.UNAVAILABLE, "MODEL_FAILED", "retry later")
        if request.model == "wait":
            await self.go_on.wait()
        return messages.Completion()

    async def Stream(self, request: Any, _context: Any) -> AsyncIterator[Any]:
        self._note()
        while True:
            yield messages.StreamResponse(delta="x" * request.max_tokens)
            self._note()
            if request.model == "wait":
                await self.go_on.wait()


@pytest.fixture
async def called(exported: InMemorySpanExporter) -> AsyncIterator[tuple[Remote, Noting]]:
    servicer = Noting()
    settings = GrpcSettings(shutdown_grace=1)
    server = GrpcServer(settings, "127.0.0.1:0", lambda it: add_LlmCallerServicer_to_server(servicer, it), [])
    await server.start()
    remote = Remote(f"127.0.0.1:{server.port}", ClientSettings(deadline_margin=0.01), timeout=30)
    yield remote, servicer
    await remote.close()
    await server.stop()


async def _spans(exporter: InMemorySpanExporter, count: int) -> dict[SpanKind, ReadableSpan]:
    """By kind, once there are so many."""
    for _ in range(1000):
        if len(exporter.get_finished_spans()) >= count:
            break
        await asyncio.sleep(0.01)
    spans = exporter.get_finished_spans()
    assert len(spans) == count, [span.name for span in spans]
    return {span.kind: span for span in spans}


async def test_identity_and_trace_arrive_in_unary_and_streamed_calls(
    called: tuple[Remote, Noting], exported: InMemorySpanExporter
) -> None:
    remote, servicer = called
    stub = LlmCallerStub(remote.channel)
    identity: dict[str, Any] = {
        "user_id": "ana müller", "session_id": "s;1,2", "prompt_name": "help-desk", "prompt_version": "3",
        "prompt_variant": "concise", "prompt_template_hash": "ab" * 32, "prompt_variables": ("passages", "question"),
        "experiment": "help-desk-wording", "keep": True, "judging": True,
    }  # fmt: skip
    with throughline.identify(**identity):
        await remote.call(stub.Complete, messages.CompleteRequest())
        async with remote.stream(stub.Stream, messages.CompleteRequest()) as replies:
            await anext(replies)
    expected = throughline.Identity(**identity)
    assert servicer.identities[:2] == [expected, expected]
    await _spans(exported, 4)
    for server, client in _pairs(exported.get_finished_spans()):
        assert server.parent is not None
        assert server.parent.span_id == client.context.span_id
    assert {ids.span_id for ids in servicer.ids} <= {
        trace.format_span_id(span.context.span_id) for span in exported.get_finished_spans()
    }


def _pairs(spans: Any) -> Iterator[tuple[ReadableSpan, ReadableSpan]]:
    clients = {span.context.trace_id: span for span in spans if span.kind is SpanKind.CLIENT}
    for span in spans:
        if span.kind is SpanKind.SERVER:
            yield span, clients[span.context.trace_id]


async def test_refusal_marks_both_spans(called: tuple[Remote, Noting], exported: InMemorySpanExporter) -> None:
    remote, _ = called
    with pytest.raises(ServiceError):
        await remote.call(LlmCallerStub(remote.channel).Complete, messages.CompleteRequest(model="refuse"))
    for span in (await _spans(exported, 2)).values():
        assert span.status.status_code is StatusCode.ERROR
        assert (span.attributes or {})["rpc.grpc.status_code"] == grpc.StatusCode.UNAVAILABLE.value[0]


@pytest.mark.parametrize(("model", "size"), [("wait", 1), ("flood", 100_000)])
async def test_stream_that_its_reader_leaves_ends_both_spans_as_cancelled_without_detach_errors(
    called: tuple[Remote, Noting],
    exported: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    model: str,
    size: int,
) -> None:
    remote, _ = called
    request = messages.CompleteRequest(model=model, max_tokens=size)
    async with remote.stream(LlmCallerStub(remote.channel).Stream, request) as replies:
        await anext(replies)
    spans = await _spans(exported, 2)
    attributes = spans[SpanKind.SERVER].attributes or {}
    assert attributes["rpc.grpc.status_code"] == grpc.StatusCode.CANCELLED.value[0]
    assert spans[SpanKind.SERVER].status.status_code is StatusCode.UNSET
    assert spans[SpanKind.SERVER].events == ()
    assert caplog.records == []


async def test_deadline_reached_marks_the_server_span_as_an_error(
    called: tuple[Remote, Noting], exported: InMemorySpanExporter
) -> None:
    remote, _ = called
    call = LlmCallerStub(remote.channel).Complete(messages.CompleteRequest(model="wait"), timeout=0.2)
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    server = (await _spans(exported, 2))[SpanKind.SERVER]
    assert (server.attributes or {})["rpc.grpc.status_code"] == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
    assert server.status.status_code is StatusCode.ERROR


async def test_many_streams_left_across_tasks_log_nothing_and_end_every_span(
    called: tuple[Remote, Noting], exported: InMemorySpanExporter, caplog: pytest.LogCaptureFixture
) -> None:
    remote, _ = called

    async def leave(number: int) -> None:
        request = messages.CompleteRequest(model="wait" if number % 2 else "flood", max_tokens=20_000)
        async with remote.stream(LlmCallerStub(remote.channel).Stream, request) as replies:
            await anext(replies)

    await asyncio.gather(*(leave(number) for number in range(100)))
    await _spans_of(exported, 200)
    assert caplog.records == []


async def _spans_of(exporter: InMemorySpanExporter, count: int) -> None:
    for _ in range(1000):
        if len(exporter.get_finished_spans()) == count:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{len(exporter.get_finished_spans())} spans ended of {count}")


async def test_streamed_http_answer_is_one_span_not_one_for_every_chunk(exported: InMemorySpanExporter) -> None:
    async def produce(push: Any) -> None:
        for _ in range(20):
            await push("x")

    async def answer(_request: Request) -> PushedStream:
        return PushedStream(produce, {})

    server = HttpServer(ServiceSettings(), "127.0.0.1:0", applications.Starlette(routes=[Route("/", answer)]))
    server.start()
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/")).text == "x" * 20
    await server.stop()
    assert [span.name for span in exported.get_finished_spans()] == ["GET /"]
