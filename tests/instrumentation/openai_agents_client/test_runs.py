"""Runs of agents: the tree of run, agents, tools and models, the totals on its root, and how each of them ends."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import asynccontextmanager
from typing import Any

import agents
import httpx
import pytest
from agents import MaxTurnsExceeded, Runner, SQLiteSession, function_tool
from instrumentation.mcp_client.sessions import connected
from instrumentation.openai_agents_client.subjects import (
    CANARY,
    Canned,
    agent,
    answers,
    called,
    fatal,
    over_openai,
    quiet,
    ran,
    said,
)
from instrumentation.scenarios import structured
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names
from throughline.recording import Recording

BOTH = ContentMode.SPAN_AND_EVENT
WAYS = pytest.mark.parametrize("way", ["run", "streamed"])
RUN = "invoke_workflow Agent workflow"


def planner_and_writer(**options: Any) -> Any:
    writer = agent(over_openai(answers(said())), name="writer", handoff_description="Writes.")
    outputs = answers(called("weather", "broken"), called("transfer_to_writer"))
    return agent(over_openai(outputs), handoffs=[writer], **options)


@WAYS
async def test_a_run_its_agents_tools_and_model_calls_make_one_tree_in_order(telemetry: Telemetry, way: str) -> None:
    expected = await ran(way, planner_and_writer())
    telemetry.instrument()
    assert await ran(way, planner_and_writer()) == expected == "Hello."
    planner = ["chat gpt-4o", "execute_tool weather", "execute_tool broken", "chat gpt-4o"]
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", planner), ("invoke_agent writer", ["chat gpt-4o"])])]
    check_everything(telemetry)


def test_a_synchronous_run_makes_the_same_tree(telemetry: Telemetry) -> None:
    telemetry.instrument()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        result = Runner.run_sync(agent(over_openai(answers(said()))), "Say hello.", run_config=quiet())
    finally:
        loop.close()
        asyncio.set_event_loop(None)
    assert result.final_output == "Hello."
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat gpt-4o"])])]


@WAYS
async def test_the_whole_of_each_step(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(cost=True)
    await ran(way, planner_and_writer(), config=quiet(workflow_name="trip", group_id="conversation-1"))
    run, writer = found(telemetry, "invoke_workflow trip"), found(telemetry, "invoke_agent writer")
    cost = run.pop(names.TOTAL_COST)
    assert cost == pytest.approx(3 * writer.pop(names.TOTAL_COST))
    for attributes in (run, writer):
        assert attributes.pop(names.COST_CURRENCY) == "USD"
    done = {"throughline.end_reason": "completed", "gen_ai.conversation.id": "conversation-1"}
    assert run == {
        **done, "gen_ai.operation.name": "invoke_workflow", "gen_ai.workflow.name": "trip",
        "throughline.total.inference_calls": 3, "throughline.total.tool_calls": 2,
        "throughline.total.input_tokens": 33, "throughline.total.output_tokens": 21,
    }  # fmt: skip
    assert writer == {
        **done, "gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer",
        "gen_ai.agent.description": "Writes.", "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 7,
        "throughline.total.inference_calls": 1,
        "throughline.total.input_tokens": 11, "throughline.total.output_tokens": 7,
    }  # fmt: skip
    assert found(telemetry, "execute_tool weather") == {
        "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "weather", "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "weather-0", "gen_ai.tool.description": "Tells it.", "gen_ai.agent.name": "planner",
        **done,
    }  # fmt: skip
    assert ending(named(telemetry, "execute_tool broken")) == ("error", "LookupError")
    assert found(telemetry, "invoke_agent planner")[names.RESPONSE_FINISH_REASONS] == ["tool_call"]
    points = {
        point.attributes[names.AGENT_NAME]: point.sum for point in telemetry.points()[names.INVOKE_AGENT_TOOL_CALLS]
    }
    assert points == {"planner": 2, "writer": 0}


@WAYS
async def test_a_hand_over_and_back_is_three_agents_in_order(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    writer = agent(over_openai(answers(called("transfer_to_planner"))), name="writer")
    planner = agent(over_openai(answers(called("transfer_to_writer"), said())), handoffs=[writer])
    writer.handoffs = [planner]
    await ran(way, planner)
    ((_, inside),) = tree(telemetry)
    assert [name for name, _ in inside] == ["invoke_agent planner", "invoke_agent writer", "invoke_agent planner"]
    check_everything(telemetry)


@WAYS
async def test_content_is_everywhere_where_asked_for(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    await ran(way, planner_and_writer())
    tool = found(telemetry, "execute_tool weather")
    assert structured(tool[names.TOOL_CALL_ARGUMENTS]) == {"city": "Oslo"}
    assert structured(tool[names.TOOL_CALL_RESULT]) == {"result": "12 degrees in Oslo"}
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
    hello = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}]
    for name in (RUN, "invoke_agent writer"):
        step = found(telemetry, name)
        assert structured(step[names.INPUT_MESSAGES]) == asked
        assert structured(step[names.OUTPUT_MESSAGES]) == hello
    assert structured(found(telemetry, "invoke_agent writer")[names.SYSTEM_INSTRUCTIONS])[0]["content"] == "Be brief."
    check_everything(telemetry)


@WAYS
async def test_content_is_nowhere_otherwise(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    planner = agent(over_openai(answers(called("broken"), said(CANARY))))
    planner.instructions = CANARY
    assert await ran(way, planner, asked=CANARY) == CANARY
    assert CANARY not in telemetry.everything()


# --- models -----------------------------------------------------------------------------------------------------------


@WAYS
async def test_chat_completions_are_recorded_once_too(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    await ran(way, agent(over_openai(answers(said()), chat=True)))
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat gpt-4o"])])]


@WAYS
async def test_a_model_that_no_client_records_is_recorded_by_the_sdks_own_terms(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    await ran(way, agent(Canned(called("weather"), said())))
    planner = ["chat canned-1", "execute_tool weather", "chat canned-1"]
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", planner)])]
    _, last = [span for span in telemetry.spans() if span.name == "chat canned-1"]
    attributes = dict(last.attributes)
    assert attributes[names.PROVIDER_NAME] == "canned"
    assert attributes[names.USAGE_INPUT_TOKENS] == 11
    assert attributes[names.RESPONSE_FINISH_REASONS] == ("stop",)
    assert (names.REQUEST_STREAM in attributes) is (way == "streamed")
    assert structured(attributes[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello."}]
    assert found(telemetry, RUN)[names.TOTAL_INPUT_TOKENS] == 22
    check_everything(telemetry)


@WAYS
async def test_a_model_that_tells_no_usage_has_none(telemetry: Telemetry, way: str) -> None:
    class Silent(Canned):
        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            reply = await super().get_response(*args, **kwargs)
            reply.usage = agents.Usage()
            return reply

        def _next(self) -> Any:
            return super()._next().model_copy(update={"usage": None})

    telemetry.instrument()
    await ran(way, agent(Silent(said())))
    (call,) = [span for span in telemetry.spans() if span.name.startswith("chat")]
    assert not [name for name in call.attributes if "usage" in name]


# --- endings ----------------------------------------------------------------------------------------------------------


def endings(telemetry: Telemetry) -> dict[str, tuple[str, Any]]:
    return {span.name: ending(span) for span in telemetry.spans()}


@WAYS
async def test_a_tool_that_ends_the_run_fails_all_around_it(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    planner = agent(over_openai(answers(called("fatal", text="x"))), tools=[fatal])
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever the version makes of it
        await ran(way, planner)
    failed = endings(telemetry)
    assert failed["execute_tool fatal"] == ("error", "LookupError")
    assert failed["invoke_agent planner"] == failed[RUN] == ("error", type(raised.value).__qualname__)
    check_everything(telemetry)


@WAYS
@pytest.mark.parametrize("error", [404, httpx.ConnectError("refused")], ids=["refusal", "no connection"])
async def test_a_failed_model_call_fails_all_around_it(telemetry: Telemetry, way: str, error: Any) -> None:
    telemetry.instrument()
    with pytest.raises(Exception) as raised:  # noqa: PT011 - the client's own
        await ran(way, agent(over_openai(answers(error))))
    kind = type(raised.value).__qualname__
    assert set(endings(telemetry).values()) == {("error", kind)}
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat gpt-4o"])])]
    check_everything(telemetry)


@WAYS
async def test_too_many_turns_end_the_agent_and_the_run(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    outputs = [[{**call, "call_id": f"call-{n}"} for call in called("weather")] for n in range(9)]
    with pytest.raises(MaxTurnsExceeded):
        await ran(way, agent(over_openai(answers(*outputs))), max_turns=2)
    found_endings = endings(telemetry)
    assert found_endings["invoke_agent planner"] == found_endings[RUN] == ("error", "MaxTurnsExceeded")
    assert len(telemetry.spans()) == 2 + 2 * 2
    check_everything(telemetry)


@WAYS
async def test_a_guardrail_that_stops_a_run_fails_it(telemetry: Telemetry, way: str) -> None:
    @agents.input_guardrail
    async def never(*_: Any) -> Any:
        return agents.GuardrailFunctionOutput(output_info=None, tripwire_triggered=True)

    telemetry.instrument()
    with pytest.raises(agents.InputGuardrailTripwireTriggered):
        await ran(way, agent(over_openai(answers(said())), input_guardrails=[never]))
    assert endings(telemetry)[RUN] == ("error", "InputGuardrailTripwireTriggered")


class Waiting(Canned):
    """A model that never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def get_response(self, *_args: Any, **_kwargs: Any) -> Any:
        self.asked.set()
        await asyncio.Event().wait()

    async def stream_response(self, *_args: Any, **_kwargs: Any) -> Any:
        self.asked.set()
        await asyncio.Event().wait()
        yield


@WAYS
async def test_a_cancelled_run_is_cancelled_at_every_level(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    model = Waiting()
    if way == "streamed":
        result = Runner.run_streamed(agent(model), "hi", run_config=quiet())
        await model.asked.wait()
        result.cancel()
        async for _ in result.stream_events():
            pass
        await asyncio.gather(result.run_loop_task, return_exceptions=True)
    else:
        task = asyncio.ensure_future(Runner.run(agent(model), "hi", run_config=quiet()))
        await model.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert {reason for reason, _ in endings(telemetry).values()} == {"cancelled"}
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat canned-1"])])]
    check_everything(telemetry)


async def test_a_streamed_run_whose_consumer_left_goes_on_as_the_sdk_lets_it_and_ends_with_it(
    telemetry: Telemetry,
) -> None:
    telemetry.instrument()
    result = Runner.run_streamed(planner_and_writer(), "hi", run_config=quiet())
    async for _ in result.stream_events():
        break
    await result.run_loop_task
    assert endings(telemetry)[RUN] == ("completed", None)
    assert len(telemetry.spans()) == 8


def test_a_streamed_run_that_its_loop_ends_before_it_is_cancelled(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def begun() -> None:
        model = Waiting()
        result = Runner.run_streamed(agent(model), "hi", run_config=quiet())
        await model.asked.wait()
        del result

    asyncio.run(begun())
    assert {reason for reason, _ in endings(telemetry).values()} == {"cancelled"}
    assert len(telemetry.spans()) == 3


@WAYS
def test_runs_leave_nothing_behind(telemetry: Telemetry, way: str) -> None:
    before = {id(one) for one in gc.get_objects() if isinstance(one, Recording)}
    telemetry.instrument(content=BOTH)
    for _ in range(3):
        asyncio.run(ran(way, planner_and_writer()))
    telemetry.log_exporter.clear()  # a record knows its context
    gc.collect()
    assert {id(one) for one in gc.get_objects() if isinstance(one, Recording)} <= before


@WAYS
async def test_a_run_that_waits_for_approval_is_interrupted(telemetry: Telemetry, way: str) -> None:
    @function_tool(needs_approval=True)
    def delete() -> str:
        """Deletes."""
        return "gone"

    telemetry.instrument()
    planner = agent(over_openai(answers(called("delete"), said())), tools=[delete])
    if way == "streamed":
        result: Any = Runner.run_streamed(planner, "hi", run_config=quiet())
        async for _ in result.stream_events():
            pass
    else:
        result = await Runner.run(planner, "hi", run_config=quiet())
    assert set(endings(telemetry).values()) == {("interrupted", None), ("completed", None)}
    assert endings(telemetry)[RUN] == endings(telemetry)["invoke_agent planner"] == ("interrupted", None)
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()
    state = result.to_state()
    state.approve(result.interruptions[0])
    assert (await Runner.run(planner, state, run_config=quiet())).final_output == "Hello."
    assert named(telemetry, "execute_tool delete").parent.span_id == named(telemetry, RUN).context.span_id
    check_everything(telemetry)


# --- more than one ----------------------------------------------------------------------------------------------------


@WAYS
async def test_an_agent_as_a_tool_is_a_run_inside_the_tool(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    writer = agent(over_openai(answers(said())), name="writer")
    tool = writer.as_tool(tool_name="write", tool_description="Writes.", run_config=quiet(workflow_name="inner"))
    await ran(way, agent(over_openai(answers(called("write", input="x"), said())), tools=[tool]))
    inner = ("invoke_workflow inner", [("invoke_agent writer", ["chat gpt-4o"])])
    planner = ["chat gpt-4o", ("execute_tool write", [inner]), "chat gpt-4o"]
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", planner)])]
    assert found(telemetry, RUN)[names.TOTAL_INFERENCE_CALLS] == 3
    (calls,) = [
        point for point in telemetry.points()[names.INVOKE_AGENT_INFERENCE_CALLS]
        if point.attributes[names.AGENT_NAME] == "planner"
    ]  # fmt: skip
    assert calls.sum == 2
    check_everything(telemetry)


@WAYS
async def test_runs_at_once_keep_apart(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    shared = planner_and_writer
    await asyncio.gather(*(ran(way, shared(), config=quiet(workflow_name=f"run-{n}")) for n in range(5)))
    roots = tree(telemetry)
    assert len(roots) == 5
    assert {name for name, _ in roots} == {f"invoke_workflow run-{n}" for n in range(5)}
    assert all([name for name, _ in inside] == ["invoke_agent planner", "invoke_agent writer"] for _, inside in roots)


async def test_one_agent_in_several_runs_at_once_keeps_its_runs_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    one = agent(over_openai(answers(said())))
    await asyncio.gather(*(ran("run", one) for _ in range(5)))
    assert tree(telemetry) == [(RUN, [("invoke_agent planner", ["chat gpt-4o"])])] * 5


@WAYS
async def test_a_session_is_the_conversation(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    session = SQLiteSession("session-1")
    await ran(way, agent(over_openai(answers(said()))), session=session)
    session.close()
    for name in (RUN, "invoke_agent planner"):
        assert found(telemetry, name)[names.CONVERSATION_ID] == "session-1"


@asynccontextmanager
async def tools_of_a_server() -> Any:
    """A server as the SDK connects one, in this process."""
    from agents.mcp import MCPServer

    async with connected() as session:

        class Connected(MCPServer):
            name = "calculator"

            async def connect(self) -> None: ...
            async def cleanup(self) -> None: ...
            async def list_prompts(self) -> Any: ...
            async def get_prompt(self, name: str, arguments: Any = None) -> Any: ...

            async def list_tools(self, *_: Any, **__: Any) -> Any:
                return (await session.list_tools()).tools

            async def call_tool(self, tool_name: str, arguments: Any, *_: Any, **__: Any) -> Any:
                return await session.call_tool(tool_name, arguments)

        yield Connected()


async def test_a_servers_tool_is_one_span_with_what_mcp_says_of_it(telemetry: Telemetry) -> None:
    async with tools_of_a_server() as server:
        telemetry.instrument()
        planner = agent(over_openai(answers(called("add", first=1, second=2), said())), mcp_servers=[server])
        await ran("run", planner)
    tool = found(telemetry, "execute_tool add")
    assert tool[names.MCP_METHOD_NAME] == "tools/call"
    assert tool[names.TOOL_CALL_ID] == "add-0"
    asked = [span for span in telemetry.spans() if span.name == "tools/call add" and span.kind.name == "CLIENT"]
    assert not asked
    check_everything(telemetry)


# --- the SDK's own tracing --------------------------------------------------------------------------------------------


@pytest.fixture
def own_spans() -> Iterator[list[str]]:
    """What the SDK's own tracing sees, instead of OpenAI."""
    seen: list[str] = []

    class Seen(agents.TracingProcessor):
        def on_trace_start(self, trace: Any) -> None:
            seen.append(f"trace {trace.name}")

        def on_trace_end(self, trace: Any) -> None: ...
        def on_span_start(self, span: Any) -> None: ...
        def shutdown(self) -> None: ...
        def force_flush(self) -> None: ...

        def on_span_end(self, span: Any) -> None:
            seen.append(f"{span.span_data.type} {getattr(span.span_data, 'name', '')}")

    agents.set_trace_processors([Seen()])
    yield seen
    agents.set_trace_processors([])


@WAYS
async def test_the_sdks_own_tracing_sees_what_it_saw(telemetry: Telemetry, own_spans: list[str], way: str) -> None:
    await ran(way, planner_and_writer(), config=agents.RunConfig())
    expected, own_spans[:] = list(own_spans), []
    assert len(expected) > 5
    telemetry.instrument()
    await ran(way, planner_and_writer(), config=agents.RunConfig())
    assert sorted(own_spans) == sorted(expected)
    assert len(telemetry.spans()) == 8
