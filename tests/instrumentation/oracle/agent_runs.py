"""Runs of OpenAI's agents, for the comparison. No test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import agents
from instrumentation.openai_agents_client.subjects import (
    agent,
    answers,
    over_openai,
    planner_and_writer,
    ran,
    said,
)

agents.set_trace_processors([])  # the SDK's own would send to OpenAI; rivals listen to its tracing, so it stays on


class Runs:
    """One that answers, one that calls tools and hands over, one whose model is refused."""

    def calls(self) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
        runs = {
            "an answer": lambda: agent(over_openai(answers(said()))),
            "tools and a hand-over": planner_and_writer,
            "a refusal": lambda: agent(over_openai(answers(404))),
        }
        for name, make in runs.items():
            for way in ("run", "streamed"):
                yield f"{name}/{way}", partial(self.ran, way, make)

    async def ran(self, way: str, make: Callable[[], Any]) -> None:
        await ran(way, make(), config=agents.RunConfig())
