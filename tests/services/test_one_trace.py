"""All services as users run them, under opentelemetry-instrument: one request, one trace, one identity everywhere."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import grpc.aio
import httpx
import pytest
import pytest_asyncio
import throughline
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from throughline.prompts import Folder
from throughline_services.prompt_builder.settings import PACKAGED

pytestmark = [pytest.mark.stack, pytest.mark.asyncio(loop_scope="module")]

PROGRAMS = Path(sys.executable).parent
QUESTION = "How long does a claim take? canary-9040"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
IDENTITY = {"user.id": "ana", "session.id": "s-1", "gen_ai.conversation.id": "c-1"}
PROMPT = {
    "gen_ai.prompt.name": "help-desk",
    "gen_ai.prompt.version": "1",
    "throughline.prompt.variant": "concise",
    "throughline.prompt.template_hash": Folder(PACKAGED).get("help-desk", variant="concise").template_hash,
    "throughline.prompt.variables": ["passages", "question"],
}


@dataclass
class Received:
    """What an OTLP endpoint was sent: spans and records as plain dictionaries, by service."""

    spans: list[dict[str, Any]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    async def traces(self, request: Any, _context: Any) -> Any:
        for resource in request.resource_spans:
            service = _plain(resource.resource.attributes)["service.name"]
            for scope in resource.scope_spans:
                self.spans += [_span(span, service) for span in scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    async def logs(self, request: Any, _context: Any) -> Any:
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                self.records += [
                    {"event": record.event_name, "trace": record.trace_id.hex(), **_plain(record.attributes)}
                    for record in scope.log_records
                ]
        return logs_service_pb2.ExportLogsServiceResponse()


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:
    found = getattr(value, value.WhichOneof("value") or "string_value")
    return [_value(each) for each in found.values] if value.HasField("array_value") else found


def _span(span: Any, service: str) -> dict[str, Any]:
    ids = {"trace": span.trace_id.hex(), "id": span.span_id.hex(), "parent": span.parent_span_id.hex()}
    return {**ids, "name": span.name, "service": service, "attributes": _plain(span.attributes)}


@dataclass
class Application:
    """The running services, what they exported and what they wrote to their logs."""

    url: str
    simulator: str
    received: Received
    logs: list[str] = field(default_factory=list)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def application(elasticsearch: str) -> AsyncIterator[Application]:
    received = Received()
    async with AsyncExitStack() as stack:
        endpoint = await _endpoint(stack, received)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "THROUGHLINE_"))},
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "ELASTICSEARCH_URL": elasticsearch,
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_METRICS_EXPORTER": "none",
            "LOG_LEVEL": "DEBUG",
            "THROUGHLINE_SPOOL": stack.enter_context(TemporaryDirectory()),
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            "OTEL_PYTHON_GRPC_EXCLUDED_SERVICES": "grpc.health.v1.Health",
        }
        loader = await asyncio.create_subprocess_exec(str(PROGRAMS / "throughline-corpus"), env=environment)
        assert await loader.wait() == 0
        yield await _started(stack, environment, received)


async def _endpoint(stack: AsyncExitStack, received: Received) -> str:
    server = grpc.aio.server()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Service(received.traces), server)
    logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_Service(received.logs), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    stack.push_async_callback(server.stop, 1)
    return f"http://127.0.0.1:{port}"


@dataclass
class _Service:
    Export: Any


async def _started(stack: AsyncExitStack, environment: dict[str, str], received: Received) -> Application:
    logs: list[str] = []
    simulator = await _process(stack, "simulator", {**environment, "SIMULATOR_LATENCY": "0"}, logs)
    behind = {**environment, "OPENAI_BASE_URL": f"http://127.0.0.1:{simulator}/v1"}
    names = ("prompt-builder", "llm-caller", "postprocessor")
    ports = await asyncio.gather(*(_process(stack, name, behind, logs) for name in names))
    targets = {
        f"{name.upper().replace('-', '_')}_TARGET": f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)
    }
    gateway = await _process(stack, "gateway", {**environment, **targets}, logs)
    return Application(f"http://127.0.0.1:{gateway}", f"http://127.0.0.1:{simulator}", received, logs)


async def _process(stack: AsyncExitStack, name: str, environment: dict[str, str], logs: list[str]) -> int:
    """Port of a process that is ended with the stack; all that it logs is kept."""
    own = {"OTEL_SERVICE_NAME": name, f"{name.upper().replace('-', '_')}_LISTEN": "127.0.0.1:0"}
    command = [str(PROGRAMS / f"throughline-{name}")]
    if name != "simulator":
        command.insert(0, str(PROGRAMS / "opentelemetry-instrument"))
    process = await asyncio.create_subprocess_exec(
        *command, env={**environment, **own}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    async for line in process.stdout:
        logs.append(line.decode())
        if told := re.search(r"listens on .*127\.0\.0\.1:(\d+)", logs[-1]):
            reading = asyncio.ensure_future(_read(process.stdout, logs))
            stack.push_async_callback(_ended, process, reading)
            return int(told[1])
    pytest.fail("".join(logs))


async def _read(stream: asyncio.StreamReader, logs: list[str]) -> None:
    async for line in stream:
        logs.append(line.decode())  # noqa: PERF401  # as they come


async def _ended(process: asyncio.subprocess.Process, reading: asyncio.Task[None]) -> None:
    process.terminate()
    await reading
    assert await process.wait() == 0


async def _ask(
    application: Application, trace: str, variant: str = "", question: str = QUESTION, **headers: str
) -> str:
    baggage = ",".join(f"{name}={value}" for name, value in IDENTITY.items())
    async with httpx.AsyncClient(timeout=60) as client:
        reply = await client.post(
            f"{application.url}/v1/ask",
            json={"question": question, "variant": variant},
            headers={"traceparent": f"00-{trace}-{PARENT}-01", "baggage": baggage, **headers},
        )
    assert reply.status_code == 200, reply.text
    return reply.text


async def _spans(application: Application, trace: str, count: int) -> list[dict[str, Any]]:
    for _ in range(1500):
        spans = [span for span in application.received.spans if span["trace"] == trace]
        if len(spans) >= count:
            return spans
        await asyncio.sleep(0.02)
    pytest.fail(f"only {[(span['service'], span['name']) for span in spans]}")


TREE = [
    ("gateway", "POST /v1/ask", None),
    ("gateway", "invoke_workflow ask", "POST /v1/ask"),
    ("gateway", "/throughline.prompt_builder.v1.PromptBuilder/Build", "invoke_workflow ask"),
    ("prompt-builder", "/throughline.prompt_builder.v1.PromptBuilder/Build", "the call"),
    ("prompt-builder", "retrieval throughline-corpus", "/throughline.prompt_builder.v1.PromptBuilder/Build"),
    ("prompt-builder", "search", "retrieval throughline-corpus"),
    ("prompt-builder", "build_prompt", "/throughline.prompt_builder.v1.PromptBuilder/Build"),
    ("gateway", "/throughline.llm_caller.v1.LlmCaller/{method}", "invoke_workflow ask"),
    ("llm-caller", "/throughline.llm_caller.v1.LlmCaller/{method}", "the call"),
    ("llm-caller", "chat sim-small", "/throughline.llm_caller.v1.LlmCaller/{method}"),
    ("gateway", "/throughline.postprocessor.v1.Postprocessor/Process", "invoke_workflow ask"),
    ("postprocessor", "/throughline.postprocessor.v1.Postprocessor/Process", "the call"),
    ("postprocessor", "post_process", "/throughline.postprocessor.v1.Postprocessor/Process"),
]


@pytest.mark.parametrize(("method", "accept"), [("Complete", "application/json"), ("Stream", "text/event-stream")])
async def test_one_request_is_one_trace_with_every_step_under_its_caller_and_one_identity(
    application: Application, method: str, accept: str
) -> None:
    trace = TRACE[:-1] + str(len(method))
    await _ask(application, trace, variant="concise", accept=accept)
    spans = await _spans(application, trace, len(TREE))
    by_id = {span["id"]: span for span in spans}
    seen = sorted((span["service"], span["name"], _parent(span, by_id)) for span in spans)
    expected = sorted((s, n.format(method=method), (p or PARENT).format(method=method)) for s, n, p in TREE)
    assert seen == expected
    for span in spans:
        carried = {key: span["attributes"].get(key) for key in (*IDENTITY, *PROMPT)}
        assert carried == {**IDENTITY, **(dict.fromkeys(PROMPT) if _is_before(span) else PROMPT)}, span["name"]


def _is_before(span: dict[str, Any]) -> bool:
    """Whether there was no prompt yet: the builder chooses it, and the workflow inside the request learns it."""
    return span["service"] == "gateway" and ("PromptBuilder" in span["name"] or span["name"] == "POST /v1/ask")


def _parent(span: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> str:
    if span["parent"] not in by_id:
        return str(span["parent"])
    parent = by_id[span["parent"]]
    return "the call" if parent["name"] == span["name"] else str(parent["name"])


async def test_records_of_retrieval_model_and_scores_carry_trace_and_identity(application: Application) -> None:
    trace = TRACE[:-1] + "a"
    await _ask(application, trace, variant="concise")
    await _spans(application, trace, len(TREE))
    for _ in range(1500):
        records = [record for record in application.received.records if record["trace"] == trace]
        if len(records) == 9:
            break
        await asyncio.sleep(0.02)
    operations = [record["gen_ai.operation.name"] for record in records if "details" in record["event"]]
    scores = {record["gen_ai.evaluation.name"] for record in records if "evaluation" in record["event"]}
    assert sorted(operations) == ["build_prompt", "chat", "invoke_workflow", "post_process", "retrieval"]
    assert scores == {"groundedness", "format", "length", "refusal"}
    for record in records:
        assert {key: record[key] for key in (*IDENTITY, *PROMPT)} == {**IDENTITY, **PROMPT}


async def test_experiment_that_chose_the_variant_is_on_every_span_and_record_from_there_on(
    application: Application,
) -> None:
    trace = TRACE[:-1] + "b"
    await _ask(application, trace)
    with throughline.identify(user_id=IDENTITY["user.id"]):
        chosen = Folder(PACKAGED).get("help-desk")
    expected = {"throughline.experiment.name": "help-desk-wording", "throughline.prompt.variant": chosen.variant}
    for span in await _spans(application, trace, len(TREE)):
        if not _is_before(span):
            assert expected.items() <= span["attributes"].items(), span["name"]
    for _ in range(1500):
        records = [record for record in application.received.records if record["trace"] == trace]
        if len(records) == 9:
            break
        await asyncio.sleep(0.02)
    assert len(records) == 9
    assert all(expected.items() <= record.items() for record in records)


async def test_a_question_on_a_claim_is_an_agents_run_with_a_tool_that_may_fail(application: Application) -> None:
    trace, inside = TRACE[:-1] + "c", ["chat sim-small", "execute_tool claim_status", "chat sim-small"]
    await _ask(application, trace, question="Where is my claim 4716?")
    spans = await _spans(application, trace, len(TREE) + len(inside))
    by_id = {span["id"]: span for span in spans}
    found = [span["name"] for span in spans if _parent(span, by_id) == "invoke_agent claims-desk"]
    assert sorted(found) == sorted(inside)
    (agent,) = [span["attributes"] for span in spans if span["name"] == "invoke_agent claims-desk"]
    assert (agent["throughline.total.inference_calls"], agent["throughline.total.tool_calls"]) == (2, 1)
    (tool,) = [span["attributes"] for span in spans if span["name"] == "execute_tool claim_status"]
    assert tool["error.type"] == "ClaimUnreadableError"
    assert "error.type" not in agent


async def test_streams_that_are_left_log_no_error_and_nobody_logs_content(application: Application) -> None:
    async with httpx.AsyncClient(timeout=60) as client:
        await client.put(f"{application.simulator}/control", json={"inter_chunk": 60})
        await asyncio.gather(*(_leave(client, application.url) for _ in range(20)))
        for _ in range(1500):
            if (await client.get(f"{application.simulator}/control")).json()["seen"].get("left") == 20:
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("not every left stream was closed")
        await client.put(f"{application.simulator}/control", json={"inter_chunk": 0})
    written = "".join(application.logs)
    assert not re.search(r"Traceback|ERROR|Failed to detach", written), written
    assert "canary-9040" not in written


async def _leave(client: httpx.AsyncClient, url: str) -> None:
    question = {"question": QUESTION}
    async with client.stream("POST", f"{url}/v1/ask", json=question, headers={"accept": "text/event-stream"}) as reply:
        async for line in reply.aiter_lines():
            if line.startswith('data: {"text"'):
                return
