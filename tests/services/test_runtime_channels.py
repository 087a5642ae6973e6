"""Calls between services: deadlines passed on, failures carried through, TLS."""

# ruff: noqa: N802  # a servicer has the names of its contract

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
import trustme
from throughline_services.runtime import ClientSettings, GrpcServer, GrpcSettings, Remote, ServiceError, deadline
from throughline_services.runtime.command import StartupError
from throughline_services.stubs import llm_caller_pb2 as messages
from throughline_services.stubs.llm_caller_pb2_grpc import LlmCallerStub, add_LlmCallerServicer_to_server

SETTINGS = ClientSettings(deadline_margin=2)


class Watchful:
    """Notes how much time its callers give it."""

    def __init__(self) -> None:
        self.given: list[float] = []
        self.closed = asyncio.Event()

    async def Complete(self, request: Any, context: Any) -> Any:
        self.given.append(context.time_remaining())
        if request.model == "refuse":
            raise ServiceError(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", "retry later")
        return messages.Completion(text="done")

    async def Stream(self, request: Any, context: Any) -> AsyncIterator[Any]:
        self.given.append(context.time_remaining())
        try:
            yield messages.StreamResponse(delta="one")
            if request.model == "refuse":
                raise ServiceError(grpc.StatusCode.UNAVAILABLE, "STREAM_BROKEN", "ask again")
            await asyncio.Event().wait()
        finally:
            self.closed.set()


@pytest.fixture
async def servicer() -> Watchful:
    return Watchful()


async def _serve(servicer: Watchful, settings: GrpcSettings) -> GrpcServer:
    def register(server: Any) -> None:
        add_LlmCallerServicer_to_server(servicer, server)

    server = GrpcServer(settings, "localhost:0", register, [])
    await server.start()
    return server


@pytest.fixture
async def remote(servicer: Watchful) -> AsyncIterator[Remote]:
    server = await _serve(servicer, GrpcSettings(shutdown_grace=1))
    made = Remote(f"localhost:{server.port}", SETTINGS, timeout=60)
    yield made
    await made.close()
    await server.stop()


async def test_what_is_left_of_the_incoming_deadline_less_the_margin_is_passed_on(
    remote: Remote, servicer: Watchful
) -> None:
    stub = LlmCallerStub(remote.channel)
    with deadline.within(10):
        await remote.call(stub.Complete, messages.CompleteRequest())
        async with remote.stream(stub.Stream, messages.CompleteRequest()) as replies:
            await anext(replies)
    await remote.call(stub.Complete, messages.CompleteRequest())
    unary, streamed, unhurried = servicer.given
    assert 5 < unary < 9
    assert 5 < streamed < 9
    assert 50 < unhurried < 61


async def test_no_call_is_made_when_no_time_is_left(remote: Remote, servicer: Watchful) -> None:
    with deadline.within(1.5), pytest.raises(ServiceError) as refused:
        await remote.call(LlmCallerStub(remote.channel).Complete, messages.CompleteRequest())
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "NO_TIME_LEFT")
    assert servicer.given == []


async def test_inner_deadline_never_extends_the_outer_one() -> None:
    with deadline.within(5):
        with deadline.within(100):
            assert deadline.remaining(1000) <= 5
        with deadline.within(None):
            assert deadline.remaining(1000) <= 5
    assert deadline.remaining(1000) == 1000


async def test_failure_arrives_with_code_reason_and_message(remote: Remote) -> None:
    stub = LlmCallerStub(remote.channel)
    refuse = messages.CompleteRequest(model="refuse")
    with pytest.raises(ServiceError, match="retry later") as refused:
        await remote.call(stub.Complete, refuse)
    assert (refused.value.code, refused.value.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    received: list[str] = []
    with pytest.raises(ServiceError) as broken:
        await _receive(remote, refuse, received)
    assert received == ["one"]
    assert broken.value.reason == "STREAM_BROKEN"


async def _receive(remote: Remote, request: Any, received: list[str]) -> None:
    async with remote.stream(LlmCallerStub(remote.channel).Stream, request) as replies:
        async for reply in replies:
            received += [reply.delta]


async def test_leaving_a_stream_cancels_it_at_the_server(remote: Remote, servicer: Watchful) -> None:
    async with remote.stream(LlmCallerStub(remote.channel).Stream, messages.CompleteRequest()) as replies:
        await anext(replies)
    async with asyncio.timeout(10):
        await servicer.closed.wait()


async def test_service_that_is_not_there_is_unavailable() -> None:
    missing = Remote("127.0.0.1:1", SETTINGS, timeout=5)
    with pytest.raises(ServiceError) as failed:
        await missing.call(LlmCallerStub(missing.channel).Complete, messages.CompleteRequest())
    await missing.close()
    assert failed.value.code is grpc.StatusCode.UNAVAILABLE


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ca.pem, cert.pem and key.pem for localhost, and another authority's stranger.pem."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(folder / "cert.pem"), append=True)
    trustme.CA().cert_pem.write_to_path(str(folder / "stranger.pem"))
    return folder


async def test_tls_is_on_when_files_are_given_and_strangers_are_refused(servicer: Watchful, certificates: Path) -> None:
    files = {"tls_cert": certificates / "cert.pem", "tls_key": certificates / "key.pem"}
    server = await _serve(servicer, GrpcSettings(**files, shutdown_grace=1))
    outcomes = {}
    for authority in ("ca.pem", "stranger.pem", None):
        settings = ClientSettings(tls_ca=authority and certificates / authority)
        caller = Remote(f"localhost:{server.port}", settings, timeout=10)
        outcomes[authority] = await _outcome(caller)
        await caller.close()
    await server.stop()
    assert outcomes == {"ca.pem": "done", "stranger.pem": "UNAVAILABLE", None: "UNAVAILABLE"}


async def _outcome(caller: Remote) -> str:
    try:
        reply = await caller.call(LlmCallerStub(caller.channel).Complete, messages.CompleteRequest())
    except ServiceError as error:
        return str(error.code.name)
    return str(reply.text)


async def test_tls_files_that_do_not_fit_are_told_at_the_start(certificates: Path) -> None:
    missing = GrpcSettings(tls_cert=certificates / "none.pem", tls_key=certificates / "key.pem")
    with pytest.raises(StartupError, match=r"none\.pem"):
        GrpcServer(missing, "127.0.0.1:0", lambda _server: None, [])
    with pytest.raises(ValueError, match="belong together"):
        GrpcSettings(tls_cert=certificates / "cert.pem")
