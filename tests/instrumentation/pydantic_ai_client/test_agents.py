"""Agents of Pydantic AI: one tree with model calls and tools in order, and what they come to on the root."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from instrumentation.pydantic_ai_client.subjects import (
    BOTH,
    CANARY,
    RUN,
    STREAMED,
    WAYS,
    agent,
    canned,
    openai_run,
    over_anthropic,
    run,
    run_sync,
)
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import context
from opentelemetry.trace import SpanKind
from pydantic_ai import Agent, DeferredToolRequests
from pydantic_ai.exceptions import ApprovalRequired, ModelRetry, UnexpectedModelBehavior
from throughline import names

ROOT = "invoke_agent forecaster"
ASYNC = [way for way in WAYS if not way.endswith("sync")]


async def ran(way: str, subject: Any) -> Any:
    return await run(subject, way) if way in ASYNC else await asyncio.to_thread(run_sync, subject, way)


@pytest.mark.parametrize("way", WAYS)
async def test_a_run_is_one_tree_with_totals(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    before = context.get_current()
    assert await ran(way, agent(instructions="Be brief.", description="Tells the weather.")) == "Cold."
    assert context.get_current() == before
    assert tree(telemetry) == [(ROOT, RUN)]
    assert named(telemetry, ROOT).kind is SpanKind.INTERNAL
    root = found(telemetry, ROOT)
    told = [json.loads(root.pop(name))[0] for name in (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES)]
    assert [one["parts"][0]["content"] for one in told] == ["How warm is it?", "Cold."]
    assert json.loads(root.pop(names.SYSTEM_INSTRUCTIONS)) == [{"type": "text", "content": "Be brief."}]
    assert root.pop(names.CONVERSATION_ID)
    counted = {} if way in STREAMED else {"in": 22, "out": 14}
    usage = (root.pop(names.USAGE_INPUT_TOKENS), root.pop(names.USAGE_OUTPUT_TOKENS))
    assert usage == (root.pop(names.TOTAL_INPUT_TOKENS), root.pop(names.TOTAL_OUTPUT_TOKENS))
    assert not counted or usage == (22, 14)
    assert root == {
        names.OPERATION_NAME: "invoke_agent",
        names.AGENT_NAME: "forecaster",
        names.AGENT_DESCRIPTION: "Tells the weather.",
        names.REQUEST_MODEL: "canned-1",
        names.RESPONSE_FINISH_REASONS: ["stop"],
        names.TOTAL_INFERENCE_CALLS: 2,
        names.TOTAL_TOOL_CALLS: 2,
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


@pytest.mark.parametrize("way", WAYS)
async def test_over_a_recorded_client_there_is_one_span_a_call(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    assert await ran(way, agent(openai_run(streamed=way in STREAMED))) == "Cold."
    inside = [one.replace("canned-1", "gpt-4o") for one in RUN]
    assert tree(telemetry) == [(ROOT, inside)]
    calls = [span.attributes for span in telemetry.spans() if span.name == "chat gpt-4o"]
    assert {call[names.RESPONSE_ID] for call in calls} == {"chatcmpl-1"}
    assert {call[names.SERVER_ADDRESS] for call in calls} == {"api.openai.com"}
    assert found(telemetry, ROOT)[names.TOTAL_INPUT_TOKENS] == 22
    check_everything(telemetry)


async def test_anthropics_client_likewise(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    await agent(over_anthropic()).run("hi")
    ((root, (call,)),) = tree(telemetry)
    assert (root, call.split()[0]) == (ROOT, "chat")
    check_everything(telemetry)


async def test_tools_know_their_call(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    await agent().run("hi")
    tools = [plain(span.attributes) for span in telemetry.spans() if "tool" in span.name]
    assert sorted(tools, key=lambda one: one[names.TOOL_CALL_ID]) == [
        {
            names.OPERATION_NAME: "execute_tool",
            names.TOOL_NAME: "weather",
            names.TOOL_TYPE: "function",
            names.TOOL_DESCRIPTION: "Tells it.",
            names.TOOL_CALL_ID: f"call-{city}",
            names.TOOL_CALL_ARGUMENTS: json.dumps({"city": city}, separators=(",", ":")),
            names.TOOL_CALL_RESULT: tool[names.TOOL_CALL_RESULT],
            names.AGENT_NAME: "forecaster",
            names.CONVERSATION_ID: tool[names.CONVERSATION_ID],
            names.END_REASON: "completed",
        }
        for city, tool in zip(("Oslo", "Rome"), sorted(tools, key=lambda one: one[names.TOOL_CALL_ID]), strict=True)
    ]
    assert {json.loads(tool[names.TOOL_CALL_RESULT]) for tool in tools} == {"12 degrees in Oslo", "12 degrees in Rome"}


async def test_its_metrics_count_its_own_calls(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await agent().run("hi")
    points = telemetry.points()
    for metric, total in ((names.INVOKE_AGENT_INFERENCE_CALLS, 2), (names.INVOKE_AGENT_TOOL_CALLS, 2)):
        (point,) = points[metric]
        assert (point.sum, dict(point.attributes)) == (total, {names.AGENT_NAME: "forecaster"})
    (duration,) = points[names.INVOKE_AGENT_DURATION]
    assert duration.count == 1


@pytest.mark.parametrize("way", ASYNC)
async def test_an_agent_as_a_tool_of_another(telemetry: Telemetry, way: str) -> None:
    async def ask(city: str) -> str:
        """Asks another agent."""
        return str((await agent().run(city)).output)

    ask.__name__ = "weather"
    telemetry.instrument()
    await run(agent(None, ask, name="manager"), way)
    handed = ("execute_tool weather", [(ROOT, RUN)])
    assert tree(telemetry) == [("invoke_agent manager", ["chat canned-1", handed, handed, "chat canned-1"])]
    root = found(telemetry, "invoke_agent manager")
    assert (root[names.TOTAL_INFERENCE_CALLS], root[names.TOTAL_TOOL_CALLS]) == (6, 6)


async def test_many_runs_at_once_keep_their_trees_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    ways = [way for way in ASYNC for _ in range(2)]
    await asyncio.gather(*(run(agent(name=f"agent {number}"), way) for number, way in enumerate(ways)))
    assert sorted(tree(telemetry)) == sorted((f"invoke_agent agent {number}", RUN) for number in range(len(ways)))


async def test_the_applications_own_spans_stay_around(telemetry: Telemetry) -> None:
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("request"):
        async with agent().iter("hi") as running:
            async for _node in running:
                with tracer.start_as_current_span("between"):
                    pass
    ((name, inside),) = tree(telemetry)
    assert name == "request"
    assert sorted(one for one in inside if isinstance(one, str)) == ["between"] * 6
    assert [one for one in inside if not isinstance(one, str)] == [(ROOT, RUN)]


# --- endings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is let go of ends at once, not when the collector comes by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("way", ASYNC)
async def test_an_error_of_the_model_is_everybodys(telemetry: Telemetry, way: str) -> None:
    error = ConnectionError(CANARY)
    telemetry.instrument()
    with pytest.raises(ConnectionError) as caught:
        await run(agent(canned(error=error)), way)
    assert caught.value is error
    assert tree(telemetry) == [(ROOT, ["chat canned-1"])]
    assert {ending(span) for span in telemetry.spans()} == {("error", "ConnectionError")}
    assert CANARY not in telemetry.everything()


@pytest.mark.parametrize("way", ASYNC)
async def test_an_error_of_a_tool_is_its_own_and_the_agents(telemetry: Telemetry, way: str) -> None:
    def weather(city: str) -> str:
        raise LookupError(city)

    telemetry.instrument()
    with pytest.raises(LookupError):
        await run(agent(None, weather), way)
    tools = {ending(span) for span in telemetry.spans() if "tool" in span.name}
    assert ("error", "LookupError") in tools
    assert tools <= {("error", "LookupError"), ("cancelled", "CancelledError")}
    assert ending(named(telemetry, ROOT)) == ("error", "LookupError")


async def test_what_the_model_is_to_try_again_is_the_tools_error_alone(telemetry: Telemetry) -> None:
    def weather(city: str) -> str:
        raise ModelRetry(CANARY)

    telemetry.instrument()
    await agent(None, weather).run("hi")
    assert {ending(span) for span in telemetry.spans() if "tool" in span.name} == {("error", "ModelRetry")}
    assert ending(named(telemetry, ROOT)) == ("completed", None)
    assert CANARY not in telemetry.everything()


async def test_a_tool_that_asks_a_human_is_no_error(telemetry: Telemetry) -> None:
    def weather(city: str) -> str:
        raise ApprovalRequired

    telemetry.instrument(content=BOTH)
    result = await agent(None, weather, output_type=[str, DeferredToolRequests]).run("hi")
    assert len(result.output.approvals) == 2
    assert {ending(span) for span in telemetry.spans() if "tool" in span.name} == {("interrupted", None)}
    assert ending(named(telemetry, ROOT)) == ("interrupted", None)
    check_everything(telemetry)


async def test_arguments_that_do_not_fit_run_no_tool(telemetry: Telemetry) -> None:
    def weather(city: int) -> str:
        return "never"

    telemetry.instrument()
    await agent(None, weather).run("hi")
    assert tree(telemetry) == [(ROOT, ["chat canned-1", "chat canned-1"])]


async def test_a_run_left_before_its_end_is_closed(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with agent().iter("hi") as running:
        async for node in running:
            if Agent.is_call_tools_node(node):
                break
    async with agent(openai_run(streamed=True)).run_stream("hi") as streamed:
        async for _word in streamed.stream_text():
            break
    assert [ending(span) for span in telemetry.spans() if span.name == ROOT] == [("closed", None)] * 2
    first, second = [span for span in telemetry.spans() if span.name == ROOT]
    assert first.attributes[names.TOTAL_INFERENCE_CALLS] == 1
    assert second.attributes[names.TOTAL_INFERENCE_CALLS] == 2


async def test_the_callers_own_error_is_his_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(ZeroDivisionError):
        async with agent().iter("hi") as running:
            async for _node in running:
                raise ZeroDivisionError
    assert ending(named(telemetry, ROOT)) == ("error", "ZeroDivisionError")


async def test_one_never_entered_is_no_run(telemetry: Telemetry) -> None:
    telemetry.instrument()
    manager = agent().iter("hi")
    await manager.gen.aclose()  # as Python does with a generator that was begun
    del manager
    assert not telemetry.spans()


@pytest.mark.usefixtures("uncollected")
async def test_one_that_is_let_go_of_ends_at_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    manager = agent().iter("hi")
    running = await manager.__aenter__()
    await running.__anext__()
    manager.gen = None
    assert ending(named(telemetry, ROOT)) == ("dropped", None)
    del running


@pytest.mark.parametrize("way", ["run", "iter", "run_stream"])
async def test_a_cancelled_run_is_no_success(telemetry: Telemetry, way: str) -> None:
    asked = asyncio.Event()

    async def weather(city: str) -> str:
        asked.set()
        await asyncio.Event().wait()
        return city

    telemetry.instrument()
    task = asyncio.create_task(run(agent(None, weather), way))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ending(named(telemetry, ROOT)) == ("cancelled", "CancelledError")
    assert ("cancelled", "CancelledError") in {ending(span) for span in telemetry.spans() if "tool" in span.name}


async def test_too_many_tries_are_an_error(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(UnexpectedModelBehavior):
        await agent(output_type=int, retries=0).run("hi")
    assert ending(named(telemetry, ROOT)) == ("error", "UnexpectedModelBehavior")


async def test_content_stays_where_it_is_unless_it_is_asked_for(telemetry: Telemetry) -> None:
    def weather(city: str) -> str:
        return CANARY

    telemetry.instrument()
    for way in ASYNC:
        await run(agent(canned(CANARY), weather, instructions=CANARY), way, CANARY)
    assert len(telemetry.spans()) == 5 * len(ASYNC)
    assert CANARY not in telemetry.everything()


@pytest.mark.complains
@pytest.mark.parametrize("how", ["agent", "all", "model"])
async def test_an_agent_that_traces_itself_keeps_its_spans(telemetry: Telemetry, how: str) -> None:
    from pydantic_ai.models.instrumented import InstrumentationSettings, InstrumentedModel

    own = InstrumentationSettings(tracer_provider=telemetry.tracer_provider, meter_provider=telemetry.meter_provider)
    model = openai_run(streamed=False)
    subject = agent(InstrumentedModel(model, own) if how == "model" else model)
    telemetry.instrument()
    try:
        if how == "agent":
            subject.instrument = own
        if how == "all":
            Agent.instrument_all(own)
        await subject.run("hi")
    finally:
        Agent.instrument_all(False)
    scopes = {span.instrumentation_scope.name for span in telemetry.spans()}
    assert scopes == {"pydantic-ai"}
    assert len(telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 2
