"""How runs of agents end: failed, cancelled, stopped, left alone, interrupted; each level says so."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import agents
import httpx
import pytest
from agents import MaxTurnsExceeded, Runner, function_tool
from instrumentation.openai_agents_client.subjects import (
    Canned,
    agent,
    answers,
    called,
    fatal,
    over_openai,
    planner_and_writer,
    quiet,
    ran,
    said,
)
from instrumentation.steps import check_everything, ending, named, tree
from instrumentation.telemetry import Telemetry
from throughline import ContentMode
from throughline.recording import Recording

BOTH = ContentMode.SPAN_AND_EVENT
WAYS = pytest.mark.parametrize("way", ["run", "streamed"])
RUN = "invoke_workflow Agent workflow"


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
