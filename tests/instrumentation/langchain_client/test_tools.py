"""LangChain's tools: what they enclose, how they end, and what is told of them."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from instrumentation.langchain_client.subjects import (
    BOTH,
    CALL,
    CANARY,
    canned,
    found_documents,
    over_openai,
    weather,
)
from instrumentation.steps import check_everything, ending, found, tree
from instrumentation.telemetry import Telemetry
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import StructuredTool, ToolException
from throughline import names

RAN = {
    names.OPERATION_NAME: "execute_tool",
    names.TOOL_NAME: "weather",
    names.TOOL_TYPE: "function",
    names.TOOL_DESCRIPTION: "Tells it.",
    names.END_REASON: "completed",
}
INSIDE = {names.TOTAL_INFERENCE_CALLS: 1, names.TOTAL_INPUT_TOKENS: 11, names.TOTAL_OUTPUT_TOKENS: 7}


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_tool_and_what_it_asks(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=BOTH)
    answer = await weather.ainvoke(CALL) if asynchronous else weather.invoke(CALL)
    assert answer.tool_call_id == "call-1"
    assert tree(telemetry) == [("execute_tool weather", ["chat canned-1"])]
    attributes = found(telemetry, "execute_tool weather")
    assert json.loads(attributes.pop(names.TOOL_CALL_ARGUMENTS)) == {"city": "Oslo"}
    assert "12 degrees in Oslo" in attributes.pop(names.TOOL_CALL_RESULT)
    assert attributes == {**RAN, **INSIDE, names.TOOL_CALL_ID: "call-1"}
    (point,) = telemetry.points()[names.EXECUTE_TOOL_DURATION]
    assert dict(point.attributes) == {names.TOOL_NAME: "weather", names.TOOL_TYPE: "function"}
    check_everything(telemetry)


def test_parallel_tools_in_threads_have_the_right_parents(telemetry: Telemetry) -> None:
    telemetry.instrument()
    both = RunnableParallel(one=weather, two=weather, model=RunnableLambda(str) | canned())
    outer = StructuredTool.from_function(lambda city: both.invoke({"city": city}), name="outer", description="Both.")
    outer.run({"city": "Oslo"})
    ((name, inside),) = tree(telemetry)
    assert name == "execute_tool outer"
    assert sorted(inside, key=str) == [("execute_tool weather", ["chat canned-1"])] * 2 + ["chat canned-1"]
    totals = found(telemetry, "execute_tool outer")
    assert (totals[names.TOTAL_TOOL_CALLS], totals[names.TOTAL_INPUT_TOKENS]) == (2, 33)


async def test_concurrent_tasks_have_the_right_parents(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def ask(city: str) -> Any:
        return (await RunnableParallel(a=canned(), b=over_openai()).ainvoke(city))["a"].content

    asking = StructuredTool.from_function(coroutine=ask, name="asking", description="Asks two.")
    await asyncio.gather(*(asking.arun({"city": str(number)}) for number in range(5)))
    assert [(name, sorted(inside)) for name, inside in tree(telemetry)] == [
        ("execute_tool asking", ["chat canned-1", "chat gpt-4o"])
    ] * 5


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_error_in_a_tool_is_the_callers(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument()
    with pytest.raises(LookupError, match=CANARY):
        _ = await weather.ainvoke({"city": "nowhere"}) if asynchronous else weather.invoke({"city": "nowhere"})
    assert ending(telemetry.span()) == ("error", "LookupError")
    assert CANARY not in telemetry.everything()


def test_an_error_that_becomes_a_message_is_one(telemetry: Telemetry) -> None:
    def fails(city: str) -> str:
        raise ToolException("no")

    telemetry.instrument()
    handled = StructuredTool.from_function(fails, description="Fails.", handle_tool_error=True)
    assert handled.invoke({**CALL, "name": "fails"}).status == "error"
    assert ending(telemetry.span()) == ("error", "tool_error")


async def test_a_cancelled_tool_is_no_success(telemetry: Telemetry) -> None:
    asked = asyncio.Event()

    async def wait(city: str) -> None:
        asked.set()
        await asyncio.Event().wait()

    telemetry.instrument()
    waiting = StructuredTool.from_function(coroutine=wait, name="wait", description="Waits.")
    task = asyncio.create_task(waiting.arun({"city": "Oslo"}))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ending(telemetry.span()) == ("cancelled", "CancelledError")


def test_nothing_of_a_tool_is_told_with_content_off(telemetry: Telemetry) -> None:
    telemetry.instrument()
    echo = StructuredTool.from_function(lambda words: words, name="echo", description="Says it again.")
    echo.invoke({"words": CANARY})
    found_documents().invoke(CANARY)
    canned().invoke(CANARY)
    assert len(telemetry.spans()) == 3
    assert CANARY not in telemetry.everything()


def test_a_tool_in_a_thread_of_ones_own_keeps_the_trace(telemetry: Telemetry) -> None:
    def threaded(city: str) -> str:
        thread = threading.Thread(target=canned().invoke, args=(city,))
        thread.start()
        thread.join()
        return "done"

    telemetry.instrument()
    StructuredTool.from_function(threaded, description="Threads.").run({"city": "Oslo"})
    assert tree(telemetry) == [("execute_tool threaded", ["chat canned-1"])]
