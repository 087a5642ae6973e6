"""Operations inside operations: what an agent, a tool and a workflow come to, and who gives way to whom."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from instrumentation.conformance import check_attributes
from instrumentation.core.toy import Agent, Framework, Model
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind
from throughline import ContentMode, names
from throughline.content import encoded

TOTALS = ("throughline.total.", "gen_ai.usage.")


def totals(span: Any) -> dict[str, Any]:
    return {name: value for name, value in plain(span.attributes).items() if name.startswith(TOTALS)}


def by_name(telemetry: Telemetry) -> dict[str, Any]:
    return {span.name: span for span in telemetry.spans()}


def two_calls() -> Any:
    Model().ask("one")
    return Model().ask("two")


def test_an_agent_its_tools_and_their_calls_make_one_tree_with_totals(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()
    framework.workflow(
        lambda: framework.agent(lambda: (Model().ask("plan"), framework.tool(two_calls), framework.tool(lambda: None)))
    )
    spans = telemetry.spans()
    assert Counter(span.name for span in spans) == {
        "chat toy-1": 3, "execute_tool a tool": 2, "invoke_agent a agent": 1, "invoke_workflow a workflow": 1,
    }  # fmt: skip
    ids = {span.context.span_id: span.name for span in spans}
    parents = {(span.name, ids.get(span.parent.span_id) if span.parent else None) for span in spans}
    assert parents == {
        ("chat toy-1", "invoke_agent a agent"), ("chat toy-1", "execute_tool a tool"),
        ("execute_tool a tool", "invoke_agent a agent"), ("invoke_agent a agent", "invoke_workflow a workflow"),
        ("invoke_workflow a workflow", None),
    }  # fmt: skip
    whole = {names.TOTAL_INPUT_TOKENS: 33, names.TOTAL_OUTPUT_TOKENS: 21, names.TOTAL_INFERENCE_CALLS: 3,
             names.TOTAL_TOOL_CALLS: 2}  # fmt: skip
    assert totals(by_name(telemetry)["invoke_workflow a workflow"]) == whole
    usage = {names.USAGE_INPUT_TOKENS: 33, names.USAGE_OUTPUT_TOKENS: 21}
    assert totals(by_name(telemetry)["invoke_agent a agent"]) == {**whole, **usage}
    assert {span.kind for span in spans if "chat" not in span.name} == {SpanKind.INTERNAL}
    for span in spans:
        check_attributes(plain(span.attributes))


def test_steps_have_metrics_of_their_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()
    framework.agent(lambda: (Model().ask("plan"), framework.tool(two_calls)))
    with pytest.raises(ZeroDivisionError):
        framework.workflow(lambda: 1 / 0)
    points = telemetry.points()
    (tool,) = points[names.EXECUTE_TOOL_DURATION]
    assert (tool.count, plain(tool.attributes)) == (1, {names.TOOL_NAME: "a tool", names.AGENT_NAME: "a agent"})
    (workflow,) = points[names.WORKFLOW_DURATION]
    assert plain(workflow.attributes) == {names.WORKFLOW_NAME: "a workflow", names.ERROR_TYPE: "ZeroDivisionError"}
    for metric, count in ((names.INVOKE_AGENT_INFERENCE_CALLS, 1), (names.INVOKE_AGENT_TOOL_CALLS, 1)):
        (point,) = points[metric]
        assert (point.sum, plain(point.attributes)) == (count, {names.AGENT_NAME: "a agent"})
    (calls,) = points[names.CLIENT_OPERATION_DURATION]
    assert calls.count == 3
    assert sum(point.sum for point in points[names.CLIENT_TOKEN_USAGE]) == 3 * 18


def test_summing_records_of_model_calls_counts_each_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    Framework().agent(two_calls)
    calls = telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)
    assert [record.attributes[names.OPERATION_NAME] for record in calls] == ["chat", "chat"]
    (agent,) = telemetry.events(names.OPERATION_DETAILS)
    assert agent.attributes[names.TOTAL_INPUT_TOKENS] == 22
    ids = {record.attributes[names.RECORD_ID] for record in [*calls, agent]}
    assert ids == {f"{span.context.trace_id:032x}{span.context.span_id:016x}" for span in telemetry.spans()}


def test_tools_in_threads_count_for_the_agent(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()

    def steps() -> None:
        threads = [threading.Thread(target=framework.tool, args=(two_calls,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    framework.agent(steps)
    agent = by_name(telemetry)["invoke_agent a agent"]
    assert agent.attributes[names.TOTAL_INPUT_TOKENS] == 16 * 11
    assert len({span.context.trace_id for span in telemetry.spans()}) == 1


def test_a_framework_gives_way_to_the_client_below(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()
    framework.agent(lambda: framework.model(lambda: Model().ask("hi")))
    assert sorted(span.name for span in telemetry.spans()) == ["chat toy-1", "invoke_agent a agent"]
    assert by_name(telemetry)["invoke_agent a agent"].attributes[names.TOTAL_INFERENCE_CALLS] == 1
    assert len(telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 1
    (calls,) = telemetry.points()[names.CLIENT_OPERATION_DURATION]
    assert calls.count == 1


def test_where_no_client_below_is_known_the_framework_records(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()
    framework.agent(lambda: framework.model(lambda: {"in": 3, "out": 2}))
    call, agent = telemetry.spans()
    assert (call.name, call.parent.span_id) == ("chat toy-1", agent.context.span_id)
    assert call.attributes[names.USAGE_INPUT_TOKENS] == 3
    assert agent.start_time <= call.start_time <= call.end_time <= agent.end_time


def test_tool_arguments_are_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    Framework().tool(lambda: None)
    (record,) = telemetry.events(names.OPERATION_DETAILS)
    assert telemetry.attributes()[names.TOOL_CALL_ARGUMENTS] == encoded({"name": "a tool"})
    assert record.attributes[names.TOOL_CALL_ARGUMENTS] == {"name": "a tool"}


def test_a_tool_knows_its_agent_and_every_step_its_conversation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()

    def read(reader: Any, op: Any, _body: Any) -> None:
        op.agent_name, op.conversation_id = "ada", "c-1"

    monkeypatch = pytest.MonkeyPatch()
    with monkeypatch.context() as patched:
        patched.setattr(Agent, "request", read)
        framework.agent(lambda: framework.tool(two_calls))
    own = {span.name: (span.attributes.get(names.AGENT_NAME), span.attributes[names.CONVERSATION_ID])
           for span in telemetry.spans()}  # fmt: skip
    assert own == {
        "chat toy-1": (None, "c-1"),
        "execute_tool a tool": ("ada", "c-1"),
        "invoke_agent ada": ("ada", "c-1"),
    }


def test_nothing_is_counted_where_nobody_told_anything(telemetry: Telemetry) -> None:
    telemetry.instrument()
    framework = Framework()
    framework.agent(lambda: framework.model(dict))
    assert totals(by_name(telemetry)["invoke_agent a agent"]) == {names.TOTAL_INFERENCE_CALLS: 1}
