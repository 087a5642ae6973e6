"""Faults in telemetry, odd arguments and results, and the points that are patched."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.mcp_client.framework import as_tool
from instrumentation.mcp_client.sessions import connected, server
from instrumentation.patching import found
from instrumentation.steps import breaking
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, instrumentor, joined
from throughline.adapters import mcp as mcp_adapter
from throughline.adapters import mcp_messages, mcp_transports

BOTH = ContentMode.SPAN_AND_EVENT
POINTS = [patch for patch in mcp_adapter.MCP.patches if not patch.optional]
READER_HOOKS = ("request", "request_content", "response", "response_content", "span_name", "joins", "error")
HOOKS = [
    *((mcp_messages.Request, name) for name in READER_HOOKS),
    (mcp_messages.Served, "request"),
    *((mcp_adapter.MCP, name) for name in ("route", "prepare", "deliver", "saw", "amend", "_from", "_agree")),
    (mcp_transports.Transports, "of"),
    (joined.Joined, "_hand_over"),
    *RECORDER_HOOKS,
]
NEVER = {"amend", "_agree", "saw"}  # called only by some generations, or only for hosts that are allowed


async def everything() -> list[Any]:
    """What an application sees of a session: results and errors."""
    seen: list[Any] = []
    async with connected() as session:
        tool = as_tool(session, "add")
        for call in (
            session.list_tools,
            lambda: session.call_tool("echo", {"text": "hello"}),
            lambda: session.call_tool("fail", {"text": "x"}),
            lambda: session.call_tool("draw", {}),
            lambda: session.get_prompt("none"),
            lambda: tool.ainvoke({"first": 1, "second": 2}),
        ):
            try:
                seen.append(repr(await call()))
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
    assert broken or hook[1] in NEVER


@pytest.mark.complains
@settings(
    max_examples=400, deadline=None,  # of three odd calls each
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(arguments=json_values, result=json_values, name=json_values)
def test_odd_arguments_and_results_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, arguments: Any, result: Any, name: Any
) -> None:
    made = server()

    @made.tool()
    async def odd(value: Any) -> Any:
        """Odd."""
        return result

    async def outcome() -> Any:
        seen = []
        async with connected(made) as session:
            for call in (("odd", {"value": arguments}), ("odd", arguments), (name, {})):
                try:
                    seen.append(repr(await session.call_tool(*call)))
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
    points = mcp_adapter.MCP.patches
    before = [found(patch) for patch in points]
    telemetry.instrument()
    assert all(found(patch) is not old for patch, old in zip(points, before, strict=True) if old is not None)
    (status,) = [status for status in instrumentor.status() if status.client == "mcp"]
    assert (status.state, status.missing) == ("patched", ())
    throughline.uninstrument()
    assert all(found(patch) is old for patch, old in zip(points, before, strict=True))
    telemetry.instrument()
    asyncio.run(everything())
    assert telemetry.spans()


@pytest.mark.complains
@pytest.mark.parametrize("gone", POINTS, ids=lambda patch: patch.point)
def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: Any
) -> None:
    expected = asyncio.run(everything())
    patches = [replace(p, point=f"{p.point}_gone") if p == gone else p for p in mcp_adapter.MCP.patches]
    monkeypatch.setattr(mcp_adapter.MCP, "patches", patches)
    telemetry.instrument()
    assert asyncio.run(everything()) == expected
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.point.partition(":")[2] in warning


def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in mcp_adapter.MCP.patches]
    telemetry.instrument(disabled_clients=frozenset({"mcp"}))
    assert all(found(patch) is old for patch, old in zip(mcp_adapter.MCP.patches, before, strict=True))
    asyncio.run(everything())
    assert {span.name for span in telemetry.spans()} <= {"execute_tool add"}
