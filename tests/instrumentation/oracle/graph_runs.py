"""Runs of LangGraph's agents and graphs, for the comparison. No test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

from instrumentation.langchain_client.exchanges import reply
from instrumentation.langgraph_client.subjects import ASKED, agent, asks, fails, graph, scripted


class Graphs:
    """An agent that calls two tools, one that answers at once, a graph around a model, and one that fails."""

    def calls(self) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
        runs: dict[str, Callable[[], Any]] = {
            "an agent with tools": agent,
            "an agent that answers": lambda: agent(scripted(reply("Cold."))),
            "a graph": lambda: graph(asks),
            "a graph that fails": lambda: graph(fails),
        }
        for name, make in runs.items():
            yield name, partial(self.ran, make)

    async def ran(self, make: Callable[[], Any]) -> None:
        make().invoke(ASKED)
