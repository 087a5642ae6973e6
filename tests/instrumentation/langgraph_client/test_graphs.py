"""Graphs that are no agents: workflows, what is inside them, and how they stop and go on."""

from __future__ import annotations

import operator
from typing import Annotated, Any, TypedDict

import pytest
from instrumentation.langchain_client.exchanges import reply
from instrumentation.langchain_client.subjects import BOTH, CALL, CANARY, canned
from instrumentation.langchain_client.wire import Canned
from instrumentation.langgraph_client.subjects import ASKED, RUN, aasks, agent, asks, fails, graph, says, scripted
from instrumentation.scenarios import answering
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry
from langchain_core.messages import AIMessage
from langchain_core.tools import StructuredTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.func import entrypoint, task
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, RetryPolicy, Send, interrupt
from throughline import names

THREAD: Any = {"configurable": {"thread_id": "thread-1"}}


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_graph_is_a_workflow_and_its_nodes_make_no_spans(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=BOTH)
    flow = graph(asks if way == "invoke" else aasks, says, compiled={"name": "two steps"})
    _ = flow.invoke(ASKED) if way == "invoke" else await flow.ainvoke(ASKED)
    assert tree(telemetry) == [("invoke_workflow two steps", ["chat canned-1"])]
    root = found(telemetry, "invoke_workflow two steps")
    assert '"content":"Nothing."' in root.pop(names.OUTPUT_MESSAGES)
    assert '"content":"How warm is it?"' in root.pop(names.INPUT_MESSAGES)
    assert root == {
        names.OPERATION_NAME: "invoke_workflow",
        names.WORKFLOW_NAME: "two steps",
        names.TOTAL_INFERENCE_CALLS: 1,
        names.TOTAL_INPUT_TOKENS: 11,
        names.TOTAL_OUTPUT_TOKENS: 7,
        names.END_REASON: "completed",
    }
    (duration,) = telemetry.points()[names.WORKFLOW_DURATION]
    assert dict(duration.attributes) == {names.WORKFLOW_NAME: "two steps"}
    check_everything(telemetry)


async def test_agents_and_graphs_are_named_by_their_node_where_nobody_named_them(telemetry: Telemetry) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("researcher", agent(name=None))
    builder.add_node("checker", graph(asks))
    builder.add_edge(START, "researcher")
    builder.add_edge("researcher", "checker")
    telemetry.instrument()
    await builder.compile().ainvoke(ASKED, THREAD)
    assert tree(telemetry) == [
        ("invoke_workflow LangGraph", [
            ("invoke_agent researcher", RUN), ("invoke_workflow checker", ["chat canned-1"]),
        ]),
    ]  # fmt: skip
    assert {span.attributes.get(names.CONVERSATION_ID) for span in telemetry.spans() if "invoke" in span.name} == {
        "thread-1"
    }
    assert found(telemetry, "invoke_workflow LangGraph")[names.TOTAL_INFERENCE_CALLS] == 5


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_branches_that_run_at_once_have_the_right_parent(telemetry: Telemetry, way: str) -> None:
    class State(TypedDict):
        found: Annotated[list[str], operator.add]

    def branch(state: Any) -> Any:
        return {"found": [canned().invoke(state["text"]).content]}

    builder = StateGraph(State)
    builder.add_node("branch", branch)
    builder.add_conditional_edges(
        START, lambda _state: [Send("branch", {"text": str(n)}) for n in range(6)], ["branch"]
    )
    flow = builder.compile(name="fan out")
    telemetry.instrument()
    _ = flow.invoke({"found": []}) if way == "invoke" else await flow.ainvoke({"found": []})
    assert tree(telemetry) == [("invoke_workflow fan out", ["chat canned-1"] * 6)]


async def test_the_functional_style(telemetry: Telemetry) -> None:
    @task
    def ask(text: str) -> str:
        return str(canned().invoke(text).content)

    @entrypoint()
    def twice(text: str) -> list[str]:
        asked = [ask(text), ask(text)]
        return [one.result() for one in asked]

    telemetry.instrument()
    assert twice.invoke("hi") == ["Hello.", "Hello."]
    assert tree(telemetry) == [("invoke_workflow twice", ["chat canned-1"] * 2)]


async def test_an_error_of_a_node_is_the_graphs(telemetry: Telemetry) -> None:
    telemetry.instrument()
    for way in ("invoke", "ainvoke"):
        with pytest.raises(LookupError, match=CANARY):
            _ = graph(fails).invoke(ASKED) if way == "invoke" else await graph(fails).ainvoke(ASKED)
    assert [ending(span) for span in telemetry.spans()] == [("error", "LookupError")] * 2
    assert CANARY not in telemetry.everything()


def test_a_node_that_is_tried_again_asks_again(telemetry: Telemetry) -> None:
    model = Canned(handler=answering(ConnectionError("refused"), {"content": "Hello."}))
    builder = StateGraph(MessagesState)
    patient = RetryPolicy(initial_interval=0.001, jitter=False)
    builder.add_node("asks", lambda state: {"messages": [model.invoke(state["messages"])]}, retry_policy=patient)
    builder.add_edge(START, "asks")
    telemetry.instrument()
    builder.compile(name="patient").invoke(ASKED)
    assert tree(telemetry) == [("invoke_workflow patient", ["chat canned-1"] * 2)]
    assert sorted(map(ending, telemetry.spans()), key=str) == [
        ("completed", None), ("completed", None), ("error", "ConnectionError"),
    ]  # fmt: skip


def test_one_that_never_ends_is_stopped_with_an_error(telemetry: Telemetry) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("says", says)
    builder.add_edge(START, "says")
    builder.add_edge("says", "says")
    telemetry.instrument()
    with pytest.raises(GraphRecursionError):
        builder.compile(name="endless").invoke(ASKED, {"recursion_limit": 3})
    assert ending(telemetry.span()) == ("error", "GraphRecursionError")


# --- interruptions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_to_ask_a_human_is_no_error(telemetry: Telemetry, way: str) -> None:
    def confirms(_state: Any) -> Any:
        return {"messages": [AIMessage(f"You said {interrupt('Really?')}.")]}

    flow = graph(asks, confirms, compiled={"name": "careful", "checkpointer": InMemorySaver()})
    telemetry.instrument(content=BOTH)
    for asked in (ASKED, Command(resume="yes")):
        last = flow.invoke(asked, THREAD) if way == "invoke" else await flow.ainvoke(asked, THREAD)
    assert last["messages"][-1].content == "You said yes."
    assert tree(telemetry) == [("invoke_workflow careful", ["chat canned-1"]), "invoke_workflow careful"]
    first, second = [span for span in telemetry.spans() if "careful" in span.name]
    assert (ending(first), ending(second)) == (("interrupted", None), ("completed", None))
    assert {span.attributes[names.CONVERSATION_ID] for span in (first, second)} == {"thread-1"}
    check_everything(telemetry)


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
async def test_a_tool_that_asks_a_human_is_no_error_either(telemetry: Telemetry, way: str) -> None:
    def weather(city: str) -> str:
        return f"{city}: {interrupt('May I?')}"

    tool = StructuredTool.from_function(weather, description="Asks first.")
    calls = AIMessage("", tool_calls=[CALL])
    inner = graph(ToolNode([tool]), compiled={"name": "inner"})
    flow = graph(inner, compiled={"name": "outer", "checkpointer": InMemorySaver()})
    telemetry.instrument()
    asked = {"messages": [calls]}
    _ = flow.invoke(asked, THREAD) if way == "invoke" else await flow.ainvoke(asked, THREAD)
    assert tree(telemetry) == [("invoke_workflow outer", [("invoke_workflow inner", ["execute_tool weather"])])]
    assert {ending(span) for span in telemetry.spans()} == {("interrupted", None)}


def test_to_hand_over_to_the_graph_around_is_no_error(telemetry: Telemetry) -> None:
    def hands_over(_state: Any) -> Command[Any]:
        return Command(goto="says", graph=Command.PARENT)

    builder = StateGraph(MessagesState)
    builder.add_node("inner", graph(hands_over), destinations=("says",))
    builder.add_node("says", says)
    builder.add_edge(START, "inner")
    builder.add_edge("says", END)
    telemetry.instrument()
    builder.compile(name="outer").invoke(ASKED)
    assert ending(named(telemetry, "invoke_workflow inner")) == ("interrupted", None)
    assert ending(named(telemetry, "invoke_workflow outer")) == ("completed", None)


def test_a_graph_stopped_before_a_node_was_not_left_by_the_caller(telemetry: Telemetry) -> None:
    telemetry.instrument()
    flow = graph(says, asks, compiled={"checkpointer": InMemorySaver(), "interrupt_before": ["asks"]})
    flow.invoke(ASKED, THREAD)
    assert tree(telemetry) == ["invoke_workflow LangGraph"]
    assert ending(telemetry.span()) == ("interrupted", None)


def test_what_was_asked_is_no_answer_of_a_graph_that_failed(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    with pytest.raises(LookupError):
        graph(fails).invoke(ASKED)
    root = found(telemetry, "invoke_workflow LangGraph")
    assert names.INPUT_MESSAGES in root
    assert names.OUTPUT_MESSAGES not in root


def test_messages_say_who_of_several_agents_said_them(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    agent(scripted(reply("Cold."))).invoke(ASKED)
    assert '"name":"forecaster"' in found(telemetry, "invoke_agent forecaster")[names.OUTPUT_MESSAGES]
