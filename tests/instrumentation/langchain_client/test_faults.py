"""Faults in telemetry, and odd arguments, where no shared scenario has them: tools and retrievers."""

from __future__ import annotations

from typing import Any

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.langchain_client.subjects import (
    BOTH,
    CALL,
    found_documents,
    weather,
)
from instrumentation.steps import breaking
from instrumentation.telemetry import Telemetry
from langchain_core.tools import StructuredTool
from throughline.adapters import langchain as langchain_adapter

READERS = (langchain_adapter.Tool, langchain_adapter.Retrieval, langchain_adapter.Chat)
HOOKS = [
    *((reader, name) for reader in READERS for name in ("request", "request_content", "response", "response_content")),
    *((langchain_adapter.LangChain, name) for name in ("route", "prepare", "deliver", "_tool", "_retriever", "_chat")),
    *RECORDER_HOOKS,
]


def everything() -> list[Any]:
    """What an application sees of a tool, a retriever and a model."""
    results = []
    for call in (
        lambda: weather.invoke(CALL),
        lambda: found_documents().invoke("cold?"),
        lambda: weather.run("nowhere"),
    ):
        try:
            results.append(repr(call()))
        except Exception as error:
            results.append(repr(error))
    return results


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected = everything()
    broken = breaking(monkeypatch, hook)
    telemetry.instrument(content=BOTH)
    assert everything() == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


@pytest.mark.complains
@pytest.mark.timeout(400)
@settings(
    max_examples=1000, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(arguments=json_values, result=json_values, call_id=json_values)
def test_malformed_arguments_and_results_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, arguments: Any, result: Any, call_id: Any
) -> None:
    def answer(value: Any) -> Any:
        return result

    def outcome() -> Any:
        odd = StructuredTool.from_function(answer, name="odd", description="Odd.")
        try:
            return repr(odd.run({"value": arguments}, tool_call_id=call_id)), repr(odd.run(arguments))
        except Exception as error:
            return type(error), str(error)

    throughline.uninstrument()
    expected = outcome()
    telemetry.instrument(content=BOTH)
    assert outcome() == expected
    assert not [line for line in caplog.messages if "Invalid type" in line or "telemetry lost" in line]
