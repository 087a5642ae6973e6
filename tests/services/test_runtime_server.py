"""The runtime's gRPC server, by a obedient service: statuses, health, reflection, limits, its end."""

# ruff: noqa: N802  # a servicer has the names of its contract

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from throughline_services.runtime import GrpcServer, GrpcSettings, ServiceError, deadline
from throughline_services.runtime.command import StartupError
from throughline_services.stubs import llm_caller_pb2 as messages
from throughline_services.stubs.llm_caller_pb2_grpc import LlmCallerStub, add_LlmCallerServicer_to_server

NAME = "throughline.llm_caller.v1.LlmCaller"
CANARY = "canary-5520"


class Obedient:
    """Does what the model's name says."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.go_on = asyncio.Event()
        self.closed = asyncio.Event()
        self.left: list[float] = []

    async def Complete(self, request: Any, _context: Any) -> Any:
        self.left.append(deadline.remaining(1000))
        match request.model:
            case "refuse":
                raise ServiceError(grpc.StatusCode.NOT_FOUND, "MODEL_UNKNOWN", "no such model: choose another")
            case "fail":
                raise RuntimeError(CANARY)
            case "wait":
                self.started.set()
                await self.go_on.wait()
        return messages.Completion(text="x" * request.max_tokens)

    async def Stream(self, request: Any, _context: Any) -> AsyncIterator[Any]:
        try:
            yield messages.StreamResponse(delta="first")
            self.started.set()
            if request.model == "fail":
                raise RuntimeError(CANARY)
            if request.model == "flood":
                while True:
                    yield messages.StreamResponse(delta="x" * 100_000)
            await self.go_on.wait()
            yield messages.StreamResponse(delta="last")
        finally:
            self.closed.set()


class Served:
    """A running server and a stub of it."""

    def __init__(self, server: GrpcServer, servicer: Obedient, channel: grpc.aio.Channel) -> None:
        self.server, self.servicer, self.channel = server, servicer, channel
        self.stub = LlmCallerStub(channel)

    async def complete(self, model: str = "", size: int = 1, seconds: float = 30) -> Any:
        return await self.stub.Complete(messages.CompleteRequest(model=model, max_tokens=size), timeout=seconds)


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Any]]:
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Served:
            servicer = Obedient()
            parsed = GrpcSettings(**{"shutdown_grace": 5.0, **settings})
            server = GrpcServer(parsed, "127.0.0.1:0", lambda it: add_LlmCallerServicer_to_server(servicer, it), [NAME])
            await server.start()
            stack.push_async_callback(server.stop)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
            return Served(server, servicer, await stack.enter_async_context(channel))

        yield start


async def test_refusal_is_a_status_with_a_reason_where_grpc_clients_look_for_it(serve: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await (await serve()).complete("refuse")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert refused.value.details() == "no such model: choose another"
    trailing = refused.value.trailing_metadata()
    assert trailing is not None
    status = Status.FromString(trailing["grpc-status-details-bin"])
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("MODEL_UNKNOWN", "throughline")


@pytest.mark.parametrize("streamed", [False, True])
async def test_unforeseen_error_tells_neither_caller_nor_log_its_message(
    serve: Any, streamed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve()
    request = messages.CompleteRequest(model="fail")
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (_received(served.stub.Stream(request)) if streamed else served.stub.Complete(request))
    assert failed.value.code() is grpc.StatusCode.INTERNAL
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert "RuntimeError" in line
    assert "test_runtime_server.py" in line
    assert CANARY not in f"{failed.value.details()}{failed.value.trailing_metadata()}{caplog.text}"


async def _received(call: Any) -> list[str]:
    return [message.delta async for message in call]


async def test_health_answers_for_the_server_and_for_its_service(serve: Any) -> None:
    health = health_pb2_grpc.HealthStub((await serve()).channel)
    for name in ("", NAME):
        reply = await health.Check(health_pb2.HealthCheckRequest(service=name))
        assert reply.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await health.Check(health_pb2.HealthCheckRequest(service="other"))
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_service(serve: Any) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub((await serve()).channel)
    wanted = reflection_pb2.ServerReflectionRequest(list_services="")
    (reply,) = [reply async for reply in stub.ServerReflectionInfo(iter([wanted]))]
    assert NAME in {service.name for service in reply.list_services_response.service}


async def test_messages_beyond_the_limit_are_refused_in_both_directions(serve: Any) -> None:
    served = await serve(max_message_bytes=1000)
    assert len((await served.complete(size=900)).text) == 900
    with pytest.raises(grpc.aio.AioRpcError) as too_large:
        await served.complete(size=1100)
    assert too_large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.aio.AioRpcError) as too_large:
        await served.complete(model="m" * 1100)
    assert too_large.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_requests_beyond_the_concurrent_limit_are_refused_and_later_ones_served(serve: Any) -> None:
    served = await serve(max_concurrent=1)
    waiting = asyncio.ensure_future(served.complete("wait"))
    await served.servicer.started.wait()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await served.complete()
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    served.servicer.go_on.set()
    await waiting
    assert (await served.complete()).text == "x"


async def test_handler_knows_how_long_its_caller_waits(serve: Any) -> None:
    served = await serve()
    await served.complete(seconds=20)
    await served.stub.Complete(messages.CompleteRequest(max_tokens=1))
    assert 10 < served.servicer.left[0] < 21
    assert served.servicer.left[1] == 1000


async def test_handler_is_cancelled_when_the_deadline_has_passed(serve: Any) -> None:
    served = await serve()
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await served.complete("wait", seconds=0.2)
    assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("model", ["idle", "flood"])
async def test_cancelled_stream_is_closed_at_once_whether_it_waits_or_writes(
    serve: Any, model: str, caplog: pytest.LogCaptureFixture
) -> None:
    served = await serve()
    call = served.stub.Stream(messages.CompleteRequest(model=model))
    assert (await call.read()).delta == "first"
    await served.servicer.started.wait()
    call.cancel()
    async with asyncio.timeout(10):
        await served.servicer.closed.wait()
    assert caplog.records == []


async def test_graceful_stop_refuses_new_requests_and_finishes_the_running_stream(serve: Any) -> None:
    served = await serve()
    health = health_pb2_grpc.HealthStub(served.channel)
    watching = health.Watch(health_pb2.HealthCheckRequest(service=NAME))
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
    call = served.stub.Stream(messages.CompleteRequest())
    assert (await call.read()).delta == "first"
    stopping = asyncio.ensure_future(served.server.stop())
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
    watching.cancel()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{served.server.port}") as other:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await LlmCallerStub(other).Complete(messages.CompleteRequest(), timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    served.servicer.go_on.set()
    assert (await call.read()).delta == "last"
    assert await call.read() is grpc.aio.EOF
    await stopping


async def test_stream_that_outlasts_the_grace_is_cut(serve: Any) -> None:
    served = await serve(shutdown_grace=0.1)
    call = served.stub.Stream(messages.CompleteRequest())
    await call.read()
    await served.server.stop()
    with pytest.raises(grpc.aio.AioRpcError):
        await call.read()
    async with asyncio.timeout(10):
        await served.servicer.closed.wait()


async def test_address_in_use_is_told_instead_of_shared(serve: Any) -> None:
    port = (await serve()).server.port
    with pytest.raises(StartupError, match=f"127.0.0.1:{port}"):
        GrpcServer(GrpcSettings(), f"127.0.0.1:{port}", lambda _server: None, [])
