"""Agents of LangGraph: one trace with model calls and tools in order, and what they come to on the root."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from instrumentation.langchain_client.exchanges import reply
from instrumentation.langchain_client.subjects import BOTH, CANARY
from instrumentation.langchain_client.wire import Canned
from instrumentation.langgraph_client.subjects import ASKED, RUN, agent, scripted, streaming
from instrumentation.scenarios import answering
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry
from langchain_core.tools import StructuredTool
from langgraph.prebuilt import ToolNode
from opentelemetry import context
from opentelemetry.trace import SpanKind
from throughline import names

WAYS = ["invoke", "stream", "ainvoke", "astream"]
ROOT = {
    names.OPERATION_NAME: "invoke_agent",
    names.AGENT_NAME: "forecaster",
    names.CONVERSATION_ID: "thread-1",
    names.RESPONSE_FINISH_REASONS: ["stop"],
    names.USAGE_INPUT_TOKENS: 44,
    names.USAGE_OUTPUT_TOKENS: 28,
    names.TOTAL_INPUT_TOKENS: 44,
    names.TOTAL_OUTPUT_TOKENS: 28,
    names.TOTAL_INFERENCE_CALLS: 4,
    names.TOTAL_TOOL_CALLS: 2,
    names.END_REASON: "completed",
}
THREAD = {"configurable": {"thread_id": "thread-1"}}


async def run(graph: Any, way: str, asked: Any = ASKED, config: Any = None, **options: Any) -> Any:
    match way:
        case "invoke":
            return graph.invoke(asked, config, **options)
        case "stream":
            return list(graph.stream(asked, config, **options))
        case "ainvoke":
            return await graph.ainvoke(asked, config, **options)
        case "astream":
            return [chunk async for chunk in graph.astream(asked, config, **options)]
    raise AssertionError(way)


@pytest.mark.parametrize("way", WAYS)
async def test_a_run_is_one_tree_with_totals(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    await run(agent(), way, config=THREAD)
    assert tree(telemetry) == [("invoke_agent forecaster", RUN)]
    assert named(telemetry, "invoke_agent forecaster").kind is SpanKind.INTERNAL
    root = found(telemetry, "invoke_agent forecaster")
    for name, kind in ((names.INPUT_MESSAGES, "user"), (names.OUTPUT_MESSAGES, "assistant")):
        assert json.loads(root.pop(name))[0]["role"] == kind
    assert json.loads(root.pop(names.TOOL_DEFINITIONS))[0]["name"] == "weather"
    assert root == ROOT
    calls = [span.attributes for span in telemetry.spans() if span.name == "execute_tool weather"]
    assert {attributes[names.TOOL_CALL_ID] for attributes in calls} == {"call-1", "call-2"}
    check_everything(telemetry)


async def test_its_metrics_count_its_own_calls(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await run(agent(), "ainvoke")
    points = telemetry.points()
    for metric, total in ((names.INVOKE_AGENT_INFERENCE_CALLS, 2), (names.INVOKE_AGENT_TOOL_CALLS, 2)):
        (point,) = points[metric]
        assert (point.sum, dict(point.attributes)) == (total, {names.AGENT_NAME: "forecaster"})
    (duration,) = points[names.INVOKE_AGENT_DURATION]
    assert duration.count == 1


@pytest.mark.parametrize("mode", ["values", "updates", "messages", ["messages", "updates"], "debug", "custom"])
@pytest.mark.parametrize("subgraphs", [False, True])
async def test_every_way_of_streaming(telemetry: Telemetry, mode: Any, subgraphs: bool) -> None:
    telemetry.instrument(content=BOTH)
    for way in ("stream", "astream"):
        model = streaming() if "messages" in mode else scripted()
        await run(agent(model, tools=(echo,)), way, stream_mode=mode, subgraphs=subgraphs)
    inside = ["chat canned-1", "execute_tool weather", "execute_tool weather", "chat canned-1"]
    assert tree(telemetry) == [("invoke_agent forecaster", inside)] * 2
    for root in [span for span in telemetry.spans() if "agent" in span.name]:
        assert ending(root) == ("completed", None)
        if mode not in ("debug", "custom"):
            assert '"content":"Cold."' in root.attributes[names.OUTPUT_MESSAGES]
            assert root.attributes[names.RESPONSE_FINISH_REASONS] == ("stop",)
    check_everything(telemetry)


echo = StructuredTool.from_function(lambda city: city, name="weather", description="Says it again.")


def test_the_callers_context_is_his_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    before = context.get_current()
    for _ in agent().stream(ASKED):
        assert context.get_current() == before
    assert tree(telemetry) == [("invoke_agent forecaster", RUN)]


async def test_one_without_a_name_has_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await run(agent(name=None), "invoke")
    assert tree(telemetry) == [("invoke_agent", RUN)]


async def test_one_without_tools_is_an_agent_too(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await run(agent(Canned(handler=answering(reply("Cold."))), tools=()), "invoke")
    assert tree(telemetry) == [("invoke_agent forecaster", ["chat canned-1"])]


async def test_an_agent_as_a_tool_of_another(telemetry: Telemetry) -> None:
    def hand_over(city: str) -> str:
        return str(agent().invoke({"messages": [("user", city)]})["messages"][-1].content)

    telemetry.instrument()
    tool = StructuredTool.from_function(hand_over, name="weather", description="Asks another agent.")
    await run(agent(tools=(tool,), name="manager"), "ainvoke")
    handed = ("execute_tool weather", [("invoke_agent forecaster", RUN)])
    assert tree(telemetry) == [("invoke_agent manager", ["chat canned-1", handed, handed, "chat canned-1"])]
    root = found(telemetry, "invoke_agent manager")
    assert (root[names.TOTAL_INFERENCE_CALLS], root[names.TOTAL_TOOL_CALLS]) == (10, 6)
    counted = {point.attributes[names.AGENT_NAME]: point.sum for point in inference_calls(telemetry)}
    assert counted == {"manager": 2, "forecaster": 4}


def inference_calls(telemetry: Telemetry) -> Any:
    return telemetry.points()[names.INVOKE_AGENT_INFERENCE_CALLS]


# --- endings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is let go of ends at once, not when the collector comes by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_stream_that_is_closed_or_dropped_ends_at_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    closed = agent().stream(ASKED)
    next(closed)
    closed.close()
    for _ in agent().stream(ASKED):
        break
    never = agent().stream(ASKED)
    del never
    roots = [span for span in telemetry.spans() if "agent" in span.name]
    assert [ending(span) for span in roots] == [("closed", None), ("dropped", None)]
    assert roots[0].attributes[names.TOTAL_INPUT_TOKENS] == 11


async def test_an_async_stream_that_is_closed_ends_at_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = agent().astream(ASKED)
    await anext(stream)
    await stream.aclose()
    assert ending(named(telemetry, "invoke_agent forecaster")) == ("closed", None)


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_of_the_model_is_everybodys(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    error = ConnectionError(CANARY)
    with pytest.raises(ConnectionError) as caught:
        await run(agent(scripted(error)), way)
    assert caught.value is error
    assert tree(telemetry) == [("invoke_agent forecaster", ["chat canned-1"])]
    assert {ending(span) for span in telemetry.spans()} == {("error", "ConnectionError")}
    assert CANARY not in telemetry.everything()


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_an_error_of_a_tool_is_its_own(telemetry: Telemetry, way: str) -> None:
    def failing(city: str) -> str:
        raise LookupError(city)

    tool = StructuredTool.from_function(failing, name="weather", description="Fails.")
    telemetry.instrument()
    with pytest.raises(LookupError):
        await run(agent(tools=ToolNode([tool], handle_tool_errors=False)), way)
    tools = [span for span in telemetry.spans() if "tool" in span.name]
    assert tools
    assert {ending(span) for span in tools} <= {("error", "LookupError"), ("cancelled", "CancelledError")}
    assert ending(named(telemetry, "invoke_agent forecaster")) == ("error", "LookupError")


async def test_a_tools_error_that_the_agent_reads_is_the_tools(telemetry: Telemetry) -> None:
    def failing(city: str) -> str:
        raise LookupError(city)

    tool = StructuredTool.from_function(failing, name="weather", description="Fails.")
    telemetry.instrument()
    await run(agent(tools=ToolNode([tool], handle_tool_errors=True)), "ainvoke")
    assert {ending(span) for span in telemetry.spans() if "tool" in span.name} == {("error", "LookupError")}
    assert ending(named(telemetry, "invoke_agent forecaster")) == ("completed", None)


async def test_a_cancelled_run_is_no_success(telemetry: Telemetry) -> None:
    asked = asyncio.Event()

    async def never(_request: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    telemetry.instrument()
    task = asyncio.create_task(agent(Canned(handler=never)).ainvoke(ASKED))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    telemetry.ended(2)
    assert {ending(span) for span in telemetry.spans()} == {("cancelled", "CancelledError")}


async def test_content_stays_where_it_is_unless_it_is_asked_for(telemetry: Telemetry) -> None:
    telemetry.instrument()
    secret = StructuredTool.from_function(lambda city: city and CANARY, name="weather", description="Tells.")
    answers = scripted().handler
    model = Canned(handler=lambda request: {**answers(request), "content": CANARY})
    await run(agent(model, tools=(secret,)), "ainvoke", {"messages": [("user", CANARY)]})
    assert len(telemetry.spans()) == 5
    assert CANARY not in telemetry.everything()


async def test_many_runs_at_once_keep_their_trees_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await asyncio.gather(*(run(agent(name=f"agent {number}"), "ainvoke") for number in range(8)))
    assert sorted(tree(telemetry)) == [(f"invoke_agent agent {number}", RUN) for number in range(8)]
