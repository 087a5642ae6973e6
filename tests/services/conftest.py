"""The services in this process, on free ports: real servers, real sockets, the real simulator; no telemetry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import httpx
import pytest
import throughline
from opentelemetry.instrumentation.grpc import GrpcAioInstrumentorClient, GrpcAioInstrumentorServer
from opentelemetry.instrumentation.starlette import StarletteInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from starlette import applications
from starlette.applications import Starlette
from throughline_services.gateway.application import application as gateway_application
from throughline_services.gateway.asking import Services
from throughline_services.gateway.settings import GatewaySettings
from throughline_services.gateway.waterfall import Jaeger
from throughline_services.llm_caller.__main__ import SERVICE as LLM_CALLER
from throughline_services.llm_caller.__main__ import client as openai_client
from throughline_services.llm_caller.calling import Model
from throughline_services.llm_caller.servicer import LlmCallerServicer
from throughline_services.llm_caller.settings import LlmCallerSettings
from throughline_services.postprocessor.__main__ import SERVICE as POSTPROCESSOR
from throughline_services.postprocessor.servicer import PostprocessorServicer
from throughline_services.prompt_builder.__main__ import SERVICE as PROMPT_BUILDER
from throughline_services.prompt_builder.building import Builder, opened
from throughline_services.prompt_builder.corpus import passages
from throughline_services.prompt_builder.retrieval import Passage
from throughline_services.prompt_builder.servicer import PromptBuilderServicer
from throughline_services.prompt_builder.settings import PromptBuilderSettings
from throughline_services.runtime import GrpcServer, GrpcSettings, ServiceSettings
from throughline_services.runtime.http import HttpServer
from throughline_services.simulator.application import application as simulator_application
from throughline_services.simulator.behaviour import Behaviour
from throughline_services.stubs import llm_caller_pb2_grpc, postprocessor_pb2_grpc, prompt_builder_pb2_grpc

ANYWHERE = "127.0.0.1:0"


@asynccontextmanager
async def http_server(application: Starlette, grace: float = 5.0) -> AsyncIterator[str]:
    """URL of a server that stops with the block."""
    server = HttpServer(ServiceSettings(shutdown_grace=grace), ANYWHERE, application)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop()


@pytest.fixture
def serving() -> Callable[[Starlette], Any]:
    """Serves an application as long as a block."""
    return http_server


@asynccontextmanager
async def grpc_server(register: Callable[[Any], None], service: str, **settings: Any) -> AsyncIterator[str]:
    """Address of a server that stops with the block."""
    server = GrpcServer(GrpcSettings(**{"shutdown_grace": 5.0, **settings}), ANYWHERE, register, [service])
    await server.start()
    yield f"127.0.0.1:{server.port}"
    await server.stop()


class SomePassages:
    """Stands in for the corpus where retrieval is not what is tested."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []
        self.identities: list[throughline.Identity] = []
        self.failure: Exception | None = None

    async def search(self, question: str, top_k: int) -> list[Passage]:
        self.asked.append((question, top_k))
        self.identities.append(throughline.identity())
        if self.failure:
            raise self.failure
        chosen = passages()[:top_k]
        return [Passage(each["id"], each["title"], each["text"], float(top_k - n)) for n, each in enumerate(chosen)]


@dataclass
class Simulation:
    """A running simulator and its control."""

    url: str
    http: httpx.AsyncClient

    async def control(self, **behaviour: Any) -> None:
        (await self.http.put(f"{self.url}/control", json=behaviour)).raise_for_status()

    async def seen(self) -> dict[str, int]:
        seen: dict[str, int] = (await self.http.get(f"{self.url}/control")).json()["seen"]
        return seen

    async def until_seen(self, what: str) -> None:
        for _ in range(1000):
            if what in await self.seen():
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"the simulator never saw: {what}")


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


QUICK = Behaviour(latency=0, first_chunk=0, inter_chunk=0)


@pytest.fixture
async def simulator(http: httpx.AsyncClient) -> AsyncIterator[Simulation]:
    """Without any delay or fault until it is told otherwise."""
    async with http_server(simulator_application(QUICK)) as url:
        yield Simulation(url, http)


@pytest.fixture
async def llm_caller(simulator: Simulation) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Starts an LLM caller with these settings and returns a stub of it."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Any:
            return llm_caller_pb2_grpc.LlmCallerStub(
                await _channel(stack, await _llm_caller(stack, simulator, settings))
            )

        yield start


async def _channel(stack: AsyncExitStack, address: str) -> grpc.aio.Channel:
    return await stack.enter_async_context(grpc.aio.insecure_channel(address))


async def _llm_caller(stack: AsyncExitStack, simulator: Simulation, settings: dict[str, Any]) -> str:
    parsed = LlmCallerSettings(**{"base_url": f"{simulator.url}/v1", **settings})
    provider = await stack.enter_async_context(openai_client(parsed))
    servicer = LlmCallerServicer(Model(provider, parsed))
    return await stack.enter_async_context(
        grpc_server(lambda server: llm_caller_pb2_grpc.add_LlmCallerServicer_to_server(servicer, server), LLM_CALLER)
    )


@dataclass
class Everything:
    """The gateway with all that it calls."""

    url: str
    simulator: Simulation
    corpus: SomePassages
    http: httpx.AsyncClient
    targets: dict[str, str] = field(default_factory=dict)

    async def ask(self, question: str = "How long does a claim take?", **more: Any) -> httpx.Response:
        return await self.http.post(f"{self.url}/v1/ask", json={"question": question, **more})


Start = Callable[..., Awaitable[Everything]]


@pytest.fixture
async def gateway(simulator: Simulation, http: httpx.AsyncClient) -> AsyncIterator[Start]:
    """Starts the three services and a gateway with these settings."""
    async with AsyncExitStack() as stack:

        async def start(**settings: Any) -> Everything:
            corpus = SomePassages()
            targets = {
                "prompt_builder": await _prompt_builder(stack, corpus),
                "llm_caller": await _llm_caller(stack, simulator, {}),
                "postprocessor": await _postprocessor(stack),
                **settings,
            }
            parsed = GatewaySettings(**targets)
            services = await stack.enter_async_context(Services(parsed))
            application = gateway_application(parsed, services, Jaeger(http, parsed.jaeger_url))
            url = await stack.enter_async_context(http_server(application))
            return Everything(url, simulator, corpus, http, targets)

        yield start


async def _prompt_builder(stack: AsyncExitStack, corpus: Any) -> str:
    settings = PromptBuilderSettings()
    servicer = PromptBuilderServicer(Builder(opened(settings), corpus, settings))
    register = prompt_builder_pb2_grpc.add_PromptBuilderServicer_to_server
    return await stack.enter_async_context(grpc_server(lambda server: register(servicer, server), PROMPT_BUILDER))


async def _postprocessor(stack: AsyncExitStack) -> str:
    servicer = PostprocessorServicer(throughline.Masker())
    register = postprocessor_pb2_grpc.add_PostprocessorServicer_to_server
    return await stack.enter_async_context(grpc_server(lambda server: register(servicer, server), POSTPROCESSOR))


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As opentelemetry-instrument does it, which patches before the application is imported."""
    instrumentors = [StarletteInstrumentor(), GrpcAioInstrumentorClient(), GrpcAioInstrumentorServer()]
    for instrumentor in instrumentors:
        instrumentor.instrument(tracer_provider=TracerProvider())
    monkeypatch.setattr("throughline_services.gateway.application.Starlette", applications.Starlette)
    yield
    for instrumentor in instrumentors:
        instrumentor.uninstrument()
