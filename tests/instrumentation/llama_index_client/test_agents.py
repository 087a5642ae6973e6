"""Agents and workflows of LlamaIndex: one tree with model calls and tools in order, and their totals on the root."""

from __future__ import annotations

import asyncio
import json

import pytest
from instrumentation.llama_index_client.subjects import BOTH, CANARY, RUN, Canned, agent, over_openai, run, tool
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry, plain
from llama_index.core.agent.workflow import AgentWorkflow
from opentelemetry import context
from opentelemetry.trace import SpanKind
from throughline import names
from workflows import Workflow, step
from workflows.events import StartEvent, StopEvent

ROOT = "invoke_agent forecaster"


async def test_a_run_is_one_tree(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    before = context.get_current()
    result = await run(agent(system_prompt="Be brief."))
    assert str(result) == "Cold."
    assert context.get_current() == before
    assert tree(telemetry) == [(ROOT, RUN)]
    assert named(telemetry, ROOT).kind is SpanKind.INTERNAL
    root = found(telemetry, ROOT)
    told = [json.loads(root.pop(name))[0] for name in (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES)]
    assert [one["parts"][0]["content"] for one in told] == ["How warm is it?", "Cold."]
    assert json.loads(root.pop(names.SYSTEM_INSTRUCTIONS))[0]["content"] == "Be brief."
    assert json.loads(root.pop(names.TOOL_DEFINITIONS))[0]["name"] == "weather"
    for none_told in (names.TOTAL_INPUT_TOKENS, names.TOTAL_OUTPUT_TOKENS, names.USAGE_INPUT_TOKENS,
                      names.USAGE_OUTPUT_TOKENS):  # fmt: skip
        assert root.pop(none_told, 0) == 0
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


async def test_over_a_recorded_client_there_is_one_span_a_call(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    await run(agent(over_openai()))
    assert tree(telemetry) == [(ROOT, [one.replace("canned-1", "gpt-4o") for one in RUN])]
    assert found(telemetry, ROOT)[names.TOTAL_INPUT_TOKENS] == 22
    check_everything(telemetry)


async def test_tools_know_their_call(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    await run(agent())
    tools = [plain(span.attributes) for span in telemetry.spans() if "tool" in span.name]
    assert sorted(tools, key=lambda one: one[names.TOOL_CALL_ID]) == [
        {
            names.OPERATION_NAME: "execute_tool",
            names.TOOL_NAME: "weather",
            names.TOOL_TYPE: "function",
            names.TOOL_DESCRIPTION: "Tells it.",
            names.TOOL_CALL_ID: f"call-{city}",
            names.TOOL_CALL_ARGUMENTS: f'{{"city":"{city}"}}',
            names.TOOL_CALL_RESULT: f'"12 degrees in {city}"',
            names.AGENT_NAME: "forecaster",
            names.END_REASON: "completed",
        }
        for city in ("Oslo", "Rome")
    ]


async def test_events_can_be_read_meanwhile(telemetry: Telemetry) -> None:
    telemetry.instrument()
    handler = agent().run(user_msg="hi")
    assert [event async for event in handler.stream_events()]
    assert str(await handler) == "Cold."
    assert tree(telemetry) == [(ROOT, RUN)]


async def test_several_agents_are_a_workflow(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    flow = AgentWorkflow(agents=[agent()], root_agent="forecaster", workflow_name="crew")
    assert str(await flow.run(user_msg="How warm is it?")) == "Cold."
    assert tree(telemetry) == [("invoke_workflow crew", RUN)]
    root = found(telemetry, "invoke_workflow crew")
    assert '"content":"Cold."' in root[names.OUTPUT_MESSAGES]
    assert (root[names.TOTAL_INFERENCE_CALLS], root[names.TOTAL_TOOL_CALLS]) == (2, 2)
    check_everything(telemetry)


class Flow(Workflow):
    """A workflow of the application's own, which asks an agent."""

    @step
    async def ask(self, ev: StartEvent) -> StopEvent:  # noqa: ARG002 - by its type it is found
        return StopEvent(result=str(await run(agent())))


async def test_a_workflow_around_an_agent(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    assert await Flow().run() == "Cold."
    assert tree(telemetry) == [("invoke_workflow Flow", [(ROOT, RUN)])]
    check_everything(telemetry)


async def test_many_runs_at_once_keep_their_trees_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await asyncio.gather(*(run(agent(name=f"agent {number}")) for number in range(6)))
    assert sorted(tree(telemetry)) == [(f"invoke_agent agent {number}", RUN) for number in range(6)]


# --- endings ---------------------------------------------------------------------------------------------------------


async def test_an_error_of_the_model_is_everybodys(telemetry: Telemetry) -> None:
    error = ConnectionError(CANARY)
    telemetry.instrument()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - LlamaIndex may wrap it
        await run(agent(Canned(error=error)))
    telemetry.ended(2)
    assert ending(named(telemetry, "chat canned-1")) == ("error", "ConnectionError")
    assert ending(named(telemetry, ROOT)) == ("error", type(caught.value).__qualname__)
    assert CANARY not in telemetry.everything()


async def test_an_error_of_a_tool_is_the_tools_alone(telemetry: Telemetry) -> None:
    def failing(city: str) -> str:
        raise LookupError(CANARY)

    telemetry.instrument()
    await run(agent(None, failing))
    (tools,) = {ending(span) for span in telemetry.spans() if "tool" in span.name}
    assert tools in (("error", "LookupError"), ("error", "tool_error"))  # older versions keep only what it says
    assert ending(named(telemetry, ROOT)) == ("completed", None)
    assert CANARY not in telemetry.everything()


async def test_a_cancelled_run_is_no_success(telemetry: Telemetry) -> None:
    asked = asyncio.Event()

    async def waiting(city: str) -> str:
        asked.set()
        await asyncio.Event().wait()
        return city

    telemetry.instrument()
    handler = agent(None, waiting).run(user_msg="hi")
    await asked.wait()
    await handler.cancel_run()
    with pytest.raises(Exception):  # noqa: B017, PT011 - LlamaIndex's own
        await handler
    telemetry.ended(4)
    assert ending(named(telemetry, ROOT))[0] != "completed"
    assert {ending(span)[0] for span in telemetry.spans() if "tool" in span.name} == {"cancelled"}


async def test_content_stays_where_it_is_unless_it_is_asked_for(telemetry: Telemetry) -> None:
    def secret(city: str) -> str:
        return CANARY

    telemetry.instrument()
    await run(agent(Canned(answer=CANARY), secret, system_prompt=CANARY), CANARY)
    assert len(telemetry.spans()) == 5
    assert CANARY not in telemetry.everything()


# --- tools of the application's own ----------------------------------------------------------------------------------


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_tool_called_by_hand(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=BOTH)
    _ = await tool().acall(city="Oslo") if asynchronous else tool().call(city="Oslo")
    assert telemetry.attributes() == {
        names.OPERATION_NAME: "execute_tool",
        names.TOOL_NAME: "weather",
        names.TOOL_TYPE: "function",
        names.TOOL_DESCRIPTION: "Tells it.",
        names.TOOL_CALL_ARGUMENTS: '{"city":"Oslo"}',
        names.TOOL_CALL_RESULT: '"12 degrees in Oslo"',
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


async def test_a_tool_called_by_hand_that_fails(telemetry: Telemetry) -> None:
    def failing(city: str) -> str:
        raise LookupError(city)

    telemetry.instrument()
    with pytest.raises(LookupError):
        tool(failing).call(city="Oslo")
    assert ending(telemetry.span()) == ("error", "LookupError")
