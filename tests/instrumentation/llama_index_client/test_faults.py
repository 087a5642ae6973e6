"""Faults in telemetry, missing points and odd arguments: a call's outcome is that of the uninstrumented one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.llama_index_client.subjects import BOTH, Canned, agent, index, run, tool
from instrumentation.patching import found
from instrumentation.telemetry import Telemetry
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler
from throughline import instrumentor
from throughline.adapter import Patch
from throughline.adapters import llama_index as adapter

READERS = (adapter.Agent, adapter.Workflow, adapter.Tool, adapter.Retrieval, adapter.Embedding, adapter.Chat)
OWN = adapter.LlamaIndex
HOOKS = [
    *((reader, name) for reader in READERS for name in ("request", "request_content", "response", "response_content")),
    (adapter.Tool, "joins"),
    *((OWN, name) for name in ("route", "prepare", "deliver")),
    *((adapter, name) for name in ("read_message", "said", "plain", "definition", "_ended", "_task", "_model_name")),
    *RECORDER_HOOKS,
]
PATCHES = list(OWN.patches)
INDEX = index()


def failing(city: str) -> str:
    raise LookupError("no")


async def outcomes() -> list[Any]:
    """What an application sees of agents, engines, retrievers and tools."""
    seen: list[Any] = [str(await run(agent())), str(await run(agent(None, failing)))]
    engine = INDEX.as_query_engine(llm=Canned(calls=False))
    streaming = INDEX.as_query_engine(llm=Canned(calls=False), streaming=True)
    seen += [str(await engine.aquery("Cold?")), str(engine.query("Cold?"))]
    seen += [list(streaming.query("Cold?").response_gen), [one.score for one in INDEX.as_retriever().retrieve("hi")]]
    seen += [tool().call(city="Oslo").raw_output, (await tool().acall("Oslo")).raw_output]
    for call in (lambda: tool(failing).call(city="Oslo"), lambda: Canned(error=OSError("no")).predict(None)):
        try:
            seen.append(call())
        except Exception as error:
            seen.append((type(error), str(error)))
    return seen


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
async def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected, broken = await outcomes(), []

    def raising(*_args: Any, **_kwargs: Any) -> Any:
        broken.append(hook)
        raise RuntimeError("a bug in telemetry")

    monkeypatch.setattr(*hook, raising)
    telemetry.instrument(content=BOTH)
    assert await outcomes() == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


async def test_originals_are_put_back_by_identity_and_patched_again(telemetry: Telemetry) -> None:
    def standing(patch: Patch) -> Any:
        if not patch.point.endswith(".__wrapped__"):
            return found(patch)
        return found(replace(patch, point=patch.point.removesuffix(".__wrapped__"))).__wrapped__

    before = [standing(patch) for patch in PATCHES]
    assert all(before)
    telemetry.instrument()
    changed = [standing(patch) for patch in PATCHES]
    assert all(new is not old for new, old in zip(changed, before, strict=True))
    throughline.uninstrument()
    assert all(new is old for new, old in zip(map(standing, PATCHES), before, strict=True))
    telemetry.instrument()
    await run(agent())
    assert len(telemetry.spans()) == 5


@pytest.mark.complains
@pytest.mark.parametrize("gone", [patch.point for patch in PATCHES])
async def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    expected = await outcomes()
    patches: list[Patch] = [replace(p, point=f"{p.point}_gone") if p.point == gone else p for p in PATCHES]
    monkeypatch.setattr(OWN, "patches", patches)
    telemetry.instrument()
    assert await outcomes() == expected
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.partition(":")[2] in warning
    (status,) = [status for status in instrumentor.status() if status.client == "llama_index"]
    assert (status.state, status.missing) == ("partly patched", (f"{gone}_gone",))
    assert telemetry.spans()


async def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument(disabled_clients=frozenset({"llama_index"}))
    await run(agent())
    assert not telemetry.spans()


async def test_its_own_spans_are_as_before(telemetry: Telemetry) -> None:
    def told() -> list[Any]:
        handler = SimpleSpanHandler()
        dispatcher = get_dispatcher()
        dispatcher.add_span_handler(handler)
        try:
            INDEX.as_query_engine(llm=Canned(calls=False)).query("Cold?")
        finally:
            dispatcher.span_handlers.remove(handler)
        return [one.id_.rpartition("-")[0].split("-")[0] for one in handler.completed_spans]

    expected = told()
    assert expected
    telemetry.instrument()
    assert told() == expected


@pytest.mark.complains
@pytest.mark.timeout(600)
@settings(
    max_examples=1000, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(arguments=json_values, result=json_values, asked=json_values | st.text())
def test_malformed_arguments_results_and_questions_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, arguments: Any, result: Any, asked: Any
) -> None:
    def odd(city: Any) -> Any:
        return result

    def outcome() -> Any:
        seen = []
        for call in (
            lambda: tool(odd).call(city=arguments).raw_output,
            lambda: tool(odd).call(arguments).content,
            lambda: [one.score for one in INDEX.as_retriever().retrieve(asked)],
        ):
            try:
                seen.append(repr(call()))
            except Exception as error:
                seen.append((type(error), str(error)))
        return seen

    throughline.uninstrument()
    expected = outcome()
    telemetry.instrument(content=BOTH)
    assert outcome() == expected
    assert not [line for line in caplog.messages if "Invalid type" in line or "telemetry lost" in line]
