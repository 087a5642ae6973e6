"""Patched generator functions: as lazy as before, ended once, each step inside the operation, sync and async."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from opentelemetry import context, trace
from throughline import names


@pytest.fixture(autouse=True)
def on(telemetry: Telemetry) -> None:
    telemetry.instrument()


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """What is let go of ends at once, not when the collector comes by."""
    gc.disable()
    yield
    gc.enable()


def ended(telemetry: Telemetry) -> tuple[Any, Any, Any]:
    found = telemetry.attributes()
    return found[names.END_REASON], found.get(names.ERROR_TYPE), found.get(names.USAGE_INPUT_TOKENS)


def test_nothing_begins_before_the_first_step(telemetry: Telemetry) -> None:
    model = Model()
    generator = model.stream("a b")
    assert inspect.isgenerator(generator)
    assert model.calls == 0
    del generator
    assert not telemetry.spans()


def test_a_drained_one_is_complete(telemetry: Telemetry) -> None:
    assert [chunk.get("text") for chunk in Model().stream("a b")] == ["a", "b", None]
    assert ended(telemetry) == ("completed", None, 11)
    assert telemetry.attributes()[names.RESPONSE_TIME_TO_FIRST_CHUNK] > 0


def test_a_dropped_one_ends_at_once_and_closes_the_source(telemetry: Telemetry) -> None:
    model = Model()
    for _ in model.stream("a b"):
        break
    assert model.calls == -1
    assert ended(telemetry) == ("dropped", None, None)


def test_a_closed_one_was_closed(telemetry: Telemetry) -> None:
    model = Model()
    generator = model.stream("a b")
    next(generator)
    generator.close()
    assert model.calls == -1
    assert ended(telemetry) == ("closed", None, None)


def test_its_error_is_the_callers_and_known(telemetry: Telemetry) -> None:
    with pytest.raises(ValueError, match="a fail"):
        list(Model().stream("a fail"))
    assert ended(telemetry) == ("error", "ValueError", None)


def test_each_step_runs_inside_and_the_caller_outside(telemetry: Telemetry) -> None:
    before, inside = context.get_current(), []

    def steps() -> Iterator[int]:
        for number in range(2):
            inside.append(trace.get_current_span().get_span_context().span_id)
            yield number

    for _ in Framework().agent_stream(steps):
        assert context.get_current() == before
    (agent,) = telemetry.spans()
    assert inside == [agent.context.span_id] * 2


async def test_an_async_one_is_as_lazy(telemetry: Telemetry) -> None:
    model = Model()
    generator = model.astream("a b")
    assert inspect.isasyncgen(generator)
    del generator
    assert (model.calls, telemetry.spans()) == (0, [])


async def test_an_async_one_is_complete_closed_or_failed(telemetry: Telemetry) -> None:
    assert [chunk.get("text") async for chunk in Model().astream("a b")] == ["a", "b", None]
    closed = Model().astream("a b")
    await anext(closed)
    await closed.aclose()
    with pytest.raises(ValueError, match="a fail"):
        async for _ in Model().astream("a fail"):
            pass
    assert [span.attributes[names.END_REASON] for span in telemetry.spans()] == ["completed", "closed", "error"]


async def test_an_async_one_that_is_dropped_ends_at_once(telemetry: Telemetry) -> None:
    generator = Model().astream("a b")
    await anext(generator)
    del generator
    assert [span.attributes[names.END_REASON] for span in telemetry.spans()] == ["dropped"]
    await asyncio.sleep(0)
    assert len(telemetry.spans()) == 1


async def test_a_thousand_abandoned_across_tasks_end_once_and_log_nothing(telemetry: Telemetry) -> None:
    async def begin() -> Any:
        generator = Model().astream("a b")
        await anext(generator)
        return generator

    async def leave(generator: Any) -> None:
        await generator.aclose()

    for _ in range(1000):
        await asyncio.create_task(leave(await asyncio.create_task(begin())))
    assert len(telemetry.spans()) == 1000
