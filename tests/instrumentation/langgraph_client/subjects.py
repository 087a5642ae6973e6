"""Agents and graphs over models that are answered from memory. No test."""

from __future__ import annotations

import warnings
from typing import Any

from instrumentation.langchain_client.exchanges import CALLS, begun, chunks, reply
from instrumentation.langchain_client.subjects import canned, weather
from instrumentation.langchain_client.wire import Canned
from instrumentation.scenarios import answering
from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.prebuilt import create_react_agent

ASKED = {"messages": [("user", "How warm is it?")]}
TOOLS = [("execute_tool weather", ["chat canned-1"])] * 2
RUN = ["chat canned-1", *TOOLS, "chat canned-1"]
"""What an agent does that asks for two tools, each of which asks a model, and then answers."""


LAST = {**reply("Cold."), "id": "resp-2"}  # a message with the id of an earlier one takes its place


def scripted(*answers: Any) -> Canned:
    """A model that asks for two tools and then answers, or does what else is given."""
    return Canned(handler=answering(*(answers or (reply("", reason="tool_calls", tool_calls=CALLS), LAST))))


def streaming() -> Canned:
    """The same in chunks."""
    calls = [piece for index, call in enumerate(CALLS) for piece in begun(index, call)]
    last = [{**chunk, "id": "resp-2"} for chunk in chunks([{"content": "Co"}, {"content": "ld."}])]
    return scripted(chunks(calls, reason="tool_calls"), last)


def agent(model: Any = None, tools: Any = (weather,), **options: Any) -> Any:
    """An agent of LangGraph's own factory, which its newer versions want to be called no more."""
    offered = list(tools) if isinstance(tools, tuple) else tools
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return create_react_agent(model or scripted(), offered, **{"name": "forecaster", **options})


def graph(*nodes: Any, compiled: Any = None, schema: Any = MessagesState) -> Any:
    """A graph of these nodes, one after the other."""
    builder = StateGraph(schema)
    names = [getattr(node, "__name__", None) or f"node {number}" for number, node in enumerate(nodes)]
    for name, node in zip(names, nodes, strict=True):
        builder.add_node(name, node)
    for one, next_one in zip([START, *names], [*names, END], strict=True):
        builder.add_edge(one, next_one)
    return builder.compile(**(compiled or {}))


def asks(state: Any) -> Any:
    """A node that asks a model."""
    return {"messages": [canned().invoke(state["messages"])]}


async def aasks(state: Any) -> Any:
    """The same asynchronously."""
    return {"messages": [await canned().ainvoke(state["messages"])]}


def says(_state: Any) -> Any:
    """A node that asks nobody."""
    return {"messages": [AIMessage("Nothing.")]}


def fails(_state: Any) -> Any:
    """A node that fails."""
    raise LookupError("a secret that nobody may read")
