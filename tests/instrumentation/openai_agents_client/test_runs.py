"""Runs of agents: the tree of run, agents, tools and models, the totals on its root, and how each of them ends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import agents
import pytest
from agents import Runner
from instrumentation.openai_agents_client.subjects import (
    CANARY,
    Canned,
    agent,
    answers,
    called,
    over_openai,
    planner_and_writer,
    quiet,
    ran,
    said,
)
from instrumentation.scenarios import structured
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

BOTH = ContentMode.SPAN_AND_EVENT
WAYS = pytest.mark.parametrize("way", ["run", "streamed"])
RUN = "invoke_workflow Agent workflow"


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
