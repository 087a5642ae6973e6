"""Faults in telemetry, odd arguments and results, and the points that are patched."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import throughline
from agents import FunctionTool, Runner
from hypothesis import HealthCheck, given, settings
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.openai_agents_client.subjects import Canned, agent, answers, called, over_openai, quiet, ran, said
from instrumentation.patching import found
from instrumentation.steps import breaking
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, instrumentor, recording
from throughline.adapters import openai_agents as adapter
from throughline.adapters import openai_agents_steps as steps

BOTH = ContentMode.SPAN_AND_EVENT
POINTS = adapter.OpenAIAgents.patches
READER_HOOKS = ("request", "request_content", "response", "response_content")
READERS = (steps.Run, steps.Turns, steps.Tool, steps.StandIn)
HOOKS = [
    *((reader, name) for reader in READERS for name in READER_HOOKS),
    (steps.StandIn, "fold"),
    *((adapter.OpenAIAgents, name) for name in ("route", "prepare", "deliver", "saw", "_turn", "_model", "amend")),
    (adapter, "_kept_back"),
    (recording.Recording, "last"),
    *RECORDER_HOOKS,
]


async def everything() -> list[Any]:
    """What an application sees of runs: their outputs, items and errors, whole and streamed."""
    seen: list[Any] = []
    for make in (
        lambda: agent(over_openai(answers(called("weather", "broken"), said()))),
        lambda: agent(Canned(called("weather"), said())),
        lambda: agent(Canned(ValueError("no"))),
    ):
        for way in ("run", "streamed"):
            try:
                seen.append(await ran(way, make()))
            except Exception as error:
                seen.append(repr(error))
        result = Runner.run_streamed(make(), "hi", run_config=quiet())
        try:
            seen.append([event.type async for event in result.stream_events()])
        except Exception as error:
            seen.append(repr(error))
    return seen


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected = asyncio.run(everything())
    broken = breaking(monkeypatch, hook)
    telemetry.instrument(content=BOTH)
    assert asyncio.run(everything()) == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


@pytest.mark.complains
@settings(
    max_examples=350, deadline=None,  # of three odd values each
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(arguments=json_values, result=json_values, answer=json_values)
def test_odd_arguments_results_and_answers_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, arguments: Any, result: Any, answer: Any
) -> None:
    async def odd(_context: Any, _arguments: str) -> Any:
        return result

    def make() -> Any:
        tool = FunctionTool("odd", "Odd.", {"type": "object", "properties": {}}, odd, strict_json_schema=False)
        outputs = called("odd", value=arguments), said(str(answer))
        return agent(Canned(*outputs), tools=[tool])

    async def outcome() -> Any:
        seen = []
        for way in ("run", "streamed"):
            try:
                seen.append(repr(await ran(way, make(), asked=answer)))
            except Exception as error:
                seen.append((type(error), str(error)))
        return seen

    throughline.uninstrument()
    expected = asyncio.run(outcome())
    telemetry.instrument(content=BOTH)
    assert asyncio.run(outcome()) == expected
    assert not [line for line in caplog.messages if "Invalid type" in line or "telemetry lost" in line]
    telemetry.span_exporter.clear()
    telemetry.log_exporter.clear()


def test_originals_are_put_back_by_identity_and_patched_again(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in POINTS]
    assert all(before)
    telemetry.instrument()
    assert all(found(patch) is not old for patch, old in zip(POINTS, before, strict=True))
    (status,) = [status for status in instrumentor.status() if status.client == "openai_agents"]
    assert (status.state, status.missing) == ("patched", ())
    throughline.uninstrument()
    assert all(found(patch) is old for patch, old in zip(POINTS, before, strict=True))
    telemetry.instrument()
    asyncio.run(everything())
    assert telemetry.spans()


@pytest.mark.complains
@pytest.mark.parametrize("gone", POINTS, ids=lambda patch: patch.point)
def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: Any
) -> None:
    expected = asyncio.run(everything())
    patches = [replace(p, point=f"{p.point}_gone") if p == gone else p for p in POINTS]
    monkeypatch.setattr(adapter.OpenAIAgents, "patches", patches)
    telemetry.instrument()
    assert asyncio.run(everything()) == expected
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.point.partition(":")[2] in warning
    assert all(span.end_time for span in telemetry.spans())


def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in POINTS]
    telemetry.instrument(disabled_clients=frozenset({"openai_agents"}))
    assert all(found(patch) is old for patch, old in zip(POINTS, before, strict=True))
