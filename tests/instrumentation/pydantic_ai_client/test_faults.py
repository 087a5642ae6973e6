"""Faults in telemetry, missing points and odd content: what comes of a run is what comes of the uninstrumented one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.patching import found
from instrumentation.pydantic_ai_client.subjects import BOTH, WAYS, agent, canned, run
from instrumentation.steps import breaking
from instrumentation.telemetry import Telemetry
from opentelemetry import context
from pydantic_ai import Embedder
from pydantic_ai.embeddings.test import TestEmbeddingModel as CannedEmbeddings
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel
from throughline import instrumentor
from throughline.adapter import Patch
from throughline.adapters import pydantic_ai as adapter
from throughline.adapters import pydantic_ai_messages as reading

READERS = (adapter.Run, adapter.Tool, adapter.Model, adapter.Embedding)
HOOKS = [
    *((reader, name) for reader in READERS for name in ("request", "request_content", "response", "response_content")),
    *((adapter.PydanticAI, name) for name in ("route", "prepare", "deliver", "inside", "_run", "_tool", "_model")),
    *((adapter, name) for name in ("_traces_itself", "_place", "_last", "read_messages", "answer")),
    *((reading, name) for name in ("plain", "read_usage")),
    *RECORDER_HOOKS,
]
PATCHES = list(adapter.PydanticAI.patches)
ASYNC = [way for way in WAYS if not way.endswith("sync")]


def failing(city: str) -> str:
    raise LookupError


failing.__name__ = "weather"


async def outcomes() -> list[Any]:
    """What an application sees of agents and embedders."""
    seen: list[Any] = []
    for subject in (agent(), agent(None, failing), agent(canned(error=ConnectionError("no")))):
        for way in ("run", "streamed steps", "run_stream"):
            before = context.get_current()
            try:
                seen.append(await run(subject, way))
            except Exception as error:
                seen.append((type(error), str(error)))
            assert context.get_current() == before
    vectors = await Embedder(CannedEmbeddings()).embed_query("one")
    return [*seen, vectors.embeddings, vectors.usage]


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
async def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected = await outcomes()
    broken = breaking(monkeypatch, hook)
    telemetry.instrument(content=BOTH)
    assert await outcomes() == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


async def test_originals_are_put_back_by_identity_and_patched_again(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in PATCHES]
    telemetry.instrument()
    changed = [found(patch) for patch in PATCHES]
    assert all(new is not old for new, old in zip(changed, before, strict=True) if old is not None)
    throughline.uninstrument()
    assert all(new is old for new, old in zip(map(found, PATCHES), before, strict=True))
    telemetry.instrument()
    await run(agent(), "run")
    assert len(telemetry.spans()) == 5


@pytest.mark.complains
@pytest.mark.parametrize("gone", [patch.point for patch in PATCHES if not (patch.late or patch.optional)])
async def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    patches: list[Patch] = [replace(p, point=f"{p.point}_gone") if p.point == gone else p for p in PATCHES]
    monkeypatch.setattr(adapter.PydanticAI, "patches", patches)
    telemetry.instrument()
    for way in ASYNC:
        assert await run(agent(), way) == "Cold."
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.partition(":")[2] in warning
    (status,) = [status for status in instrumentor.status() if status.client == "pydantic_ai"]
    assert (status.state, status.missing) == ("partly patched", (f"{gone}_gone",))
    assert telemetry.spans()


async def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument(disabled_clients=frozenset({"pydantic_ai"}))
    await run(agent(), "run")
    assert not telemetry.spans()


@pytest.mark.complains
@pytest.mark.timeout(600)
@settings(
    max_examples=1000, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(arguments=json_values, result=json_values, call_id=st.text(max_size=5), prompt=json_values)
def test_malformed_arguments_results_and_prompts_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, arguments: Any, result: Any, call_id: str, prompt: Any
) -> None:
    def odd(value: Any) -> Any:
        return result

    def reply(messages: Any, _info: Any) -> ModelResponse:
        asked = any(part.part_kind == "tool-call" for turn in messages for part in turn.parts)
        call = ToolCallPart("odd", {"value": arguments}, tool_call_id=call_id)
        return ModelResponse([TextPart("done") if asked else call])

    def outcome() -> Any:
        try:
            ended = asyncio.run(agent(FunctionModel(reply), odd).run(prompt))
            return ended.output, [repr(part.content) for turn in ended.all_messages() for part in turn.parts
                                  if part.part_kind == "tool-return"]  # fmt: skip
        except Exception as error:
            return type(error), str(error)

    throughline.uninstrument()
    expected = outcome()
    telemetry.instrument(content=BOTH)
    assert outcome() == expected
    assert not [line for line in caplog.messages if "Invalid type" in line or "telemetry lost" in line]
