"""Steps, tools, agents and workflows that an application says by hand: what is recorded, what stays the caller's."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import throughline
from instrumentation.core.toy import Framework, Model
from instrumentation.steps import check_everything, ending, found, tree
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import context
from opentelemetry.trace import SpanKind
from throughline import ContentMode, names

ARGUMENTS, RESULT = {"claim": "4711", "mail": "ada@example.org"}, {"state": "paid"}


def desk() -> None:
    """All that a request takes: two steps, an agent that asks twice and runs a tool between."""
    with throughline.workflow("ask"):
        with throughline.step("build_prompt"):
            pass
        with throughline.agent("claims-desk"):
            Model().ask("first")
            with throughline.tool("claim_status", call_id="call-1", arguments=ARGUMENTS) as ran:
                ran.result = RESULT
            Model().ask("second")
        with throughline.step("post_process"):
            pass


def test_they_make_one_tree_with_totals_and_a_record_each(telemetry: Telemetry) -> None:
    telemetry.instrument()
    desk()
    inside = ["chat toy-1", "execute_tool claim_status", "chat toy-1"]
    assert tree(telemetry) == [
        ("invoke_workflow ask", ["build_prompt", ("invoke_agent claims-desk", inside), "post_process"])
    ]
    assert {span.kind for span in telemetry.spans() if "chat" not in span.name} == {SpanKind.INTERNAL}
    totals = {names.TOTAL_INPUT_TOKENS: 22, names.TOTAL_OUTPUT_TOKENS: 14, names.TOTAL_INFERENCE_CALLS: 2,
              names.TOTAL_TOOL_CALLS: 1}  # fmt: skip
    told = {names.END_REASON: "completed"}
    assert found(telemetry, "build_prompt") == {names.OPERATION_NAME: "build_prompt", **told}
    assert found(telemetry, "execute_tool claim_status") == {
        names.OPERATION_NAME: "execute_tool", names.TOOL_NAME: "claim_status", names.TOOL_CALL_ID: "call-1",
        names.TOOL_TYPE: "function", names.AGENT_NAME: "claims-desk", **told,
    }  # fmt: skip
    assert found(telemetry, "invoke_agent claims-desk") == {
        names.OPERATION_NAME: "invoke_agent", names.AGENT_NAME: "claims-desk", names.USAGE_INPUT_TOKENS: 22,
        names.USAGE_OUTPUT_TOKENS: 14, **totals, **told,
    }  # fmt: skip
    assert found(telemetry, "invoke_workflow ask") == {
        names.OPERATION_NAME: "invoke_workflow", names.WORKFLOW_NAME: "ask", **totals, **told,
    }  # fmt: skip
    check_everything(telemetry)
    assert len(telemetry.events(names.OPERATION_DETAILS)) == 5
    assert len(telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 2


def test_a_step_is_on_the_way_and_what_it_calls_is_the_agents_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.agent("claims-desk"), throughline.step("look_up"):
        Model().ask("first")
        Framework().tool(lambda: None)
    for metric in (names.INVOKE_AGENT_INFERENCE_CALLS, names.INVOKE_AGENT_TOOL_CALLS):
        (point,) = telemetry.points()[metric]
        assert point.sum == 1, metric
    assert names.CLIENT_OPERATION_DURATION in telemetry.points()
    (calls,) = telemetry.points()[names.CLIENT_OPERATION_DURATION]
    assert calls.count == 1  # a step is no model call, and has no metric of one


def test_arguments_and_results_are_content_and_masked(telemetry: Telemetry) -> None:
    telemetry.instrument()
    desk()
    assert "4711" not in telemetry.everything()
    assert "paid" not in telemetry.everything()
    throughline.uninstrument()
    telemetry.span_exporter.clear()
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    desk()
    attributes = found(telemetry, "execute_tool claim_status")
    assert json.loads(attributes[names.TOOL_CALL_ARGUMENTS])["claim"] == "4711"
    assert json.loads(attributes[names.TOOL_CALL_RESULT]) == RESULT
    assert "ada@example.org" not in telemetry.everything()
    assert attributes[names.MASK_KINDS] == ["email:1"]


@pytest.mark.parametrize("what", [throughline.step, throughline.tool, throughline.agent, throughline.workflow])
def test_an_error_ends_it_as_failed_and_is_the_callers(telemetry: Telemetry, what: Any) -> None:
    telemetry.instrument()
    before, error = context.get_current(), ZeroDivisionError("no")
    with pytest.raises(ZeroDivisionError) as raised, what("claims"):
        raise error
    assert raised.value is error
    assert context.get_current() == before
    assert ending(telemetry.span()) == ("error", "ZeroDivisionError")


async def test_it_lasts_as_long_as_what_is_awaited_inside(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def one(name: str, done: asyncio.Event, waits_for: asyncio.Event) -> None:
        with throughline.step(name):
            done.set()
            await waits_for.wait()
            Model().ask(name)

    first, second = asyncio.Event(), asyncio.Event()
    await asyncio.gather(one("left", first, second), one("right", second, first))
    assert sorted(tree(telemetry)) == [("left", ["chat toy-1"]), ("right", ["chat toy-1"])]


async def test_a_cancelled_one_says_so(telemetry: Telemetry) -> None:
    telemetry.instrument()
    begun = asyncio.Event()

    async def waiting() -> None:
        with throughline.agent("claims-desk"):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ending(telemetry.span()) == ("cancelled", "CancelledError")


async def test_a_generator_that_is_let_go_of_elsewhere_ends_it_without_a_complaint(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def words() -> AsyncIterator[str]:
        with throughline.step("write"):
            yield "one"
            yield "two"

    async def first() -> str:
        return await anext(generators[0])

    generators = [words()]
    assert await asyncio.create_task(first()) == "one"
    before = context.get_current()
    await asyncio.create_task(generators.pop().aclose())  # type: ignore[attr-defined]
    gc.collect()
    assert context.get_current() == before
    assert ending(telemetry.span()) == ("closed", None)


def test_whom_it_is_about_may_be_learnt_inside_and_its_record_says_so_as_its_span(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.workflow("ask"), throughline.identify(user_id="ada", prompt_name="answer", prompt_variant="b"):
        Model().ask("first")
        with throughline.step("judge"), throughline.identify(user_id="bob", judging=True):
            Model().ask("second")
    check_everything(telemetry)
    told = [(span.name, span.attributes.get(names.USER_ID), span.attributes.get(names.JUDGING))
            for span in telemetry.spans()]  # fmt: skip
    assert told == [("chat toy-1", "ada", None), ("chat toy-1", "bob", True), ("judge", "bob", None),
                    ("invoke_workflow ask", "ada", None)]  # fmt: skip
    record = telemetry.events(names.OPERATION_DETAILS)[-1].attributes
    assert (record[names.USER_ID], record[names.PROMPT_NAME], record[names.PROMPT_VARIANT]) == ("ada", "answer", "b")
    assert names.JUDGING not in record


def test_where_it_is_off_nothing_is_recorded(telemetry: Telemetry) -> None:
    desk()
    assert not telemetry.spans()


def test_a_fault_of_telemetry_costs_telemetry_alone(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.instrument()
    calls = []
    with throughline.step("build_prompt"):
        monkeypatch.setattr("throughline.recording.emission.emit", lambda *_: 1 / 0)
        monkeypatch.setattr("throughline.contained._warn", lambda *told: calls.append(told))
    assert calls


@pytest.mark.parametrize("content", [ContentMode.NO_CONTENT, ContentMode.EVENT_ONLY])
def test_an_empty_retrieval_says_that_it_found_nothing(telemetry: Telemetry, content: ContentMode) -> None:
    telemetry.instrument(content=content)
    with throughline.retrieval("corpus", query="a secret"):
        pass
    with throughline.retrieval("corpus") as some:
        some.documents = [{"id": "a", "score": 0.5}, {"id": "b", "score": 2}, {"id": "c"}]
    with throughline.retrieval("corpus") as unknown:
        unknown.counted = False
    with pytest.raises(ZeroDivisionError), throughline.retrieval("corpus"):
        raise ZeroDivisionError
    told = [plain(record.attributes) for record in telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)]
    found = [(one.get(names.RETRIEVAL_COUNT), one.get(names.RETRIEVAL_TOP_SCORE)) for one in told]
    assert found == [(0, None), (3, 2.0), (None, None), (None, None)]
