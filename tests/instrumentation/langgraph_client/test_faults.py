"""Faults in telemetry, missing points and odd states: a graph's outcome is that of the uninstrumented one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated, Any, TypedDict

import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.langchain_client.subjects import BOTH
from instrumentation.langgraph_client.subjects import ASKED, agent, asks, graph, says
from instrumentation.patching import found
from instrumentation.steps import breaking
from instrumentation.telemetry import Telemetry
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.base import batch
from langgraph.store.memory import InMemoryStore
from throughline import instrumentor
from throughline.adapter import Patch
from throughline.adapters import langgraph as adapter

READERS = (adapter.Agent, adapter.Workflow, adapter.Remember, adapter.Recall, adapter.Forget)
READER_HOOKS = ("request", "request_content", "response", "response_content")
HOOKS = [
    *((reader, name) for reader in READERS for name in READER_HOOKS),
    *((reader, name) for reader in READERS[:2] for name in ("fold", "fold_content")),
    *((adapter.LangGraph, name) for name in ("route", "prepare", "_graph")),
    *((adapter, name) for name in ("_is_agent", "_payload", "_said", "_records", "_thread", "_name")),
    *RECORDER_HOOKS,
]
PATCHES = list(adapter.LangGraph.patches)
assert batch  # imported, so that its late points are patched


def outcomes() -> list[Any]:
    """What an application sees of agents, graphs and stores, but for the ids that LangGraph makes up."""
    store = InMemoryStore()
    store.put(("a",), "1", {"text": "one"})
    runs = [agent().invoke(ASKED), asyncio.run(graph(asks, says).ainvoke(ASKED))]
    runs += [[list(chunk) for chunk in agent().stream(ASKED)]]
    said = [[m.content for m in run["messages"]] if isinstance(run, dict) else run for run in runs]
    kept = [store.get(("a",), "1"), [item.key for item in store.search(("a",), query="one")]]
    store.delete(("a",), "1")
    return [said, repr(kept[0].value), kept[1], store.get(("a",), "1")]  # type: ignore[attr-defined]


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected = outcomes()
    broken = breaking(monkeypatch, hook)
    telemetry.instrument(content=BOTH)
    assert outcomes() == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


def test_originals_are_put_back_by_identity_and_patched_again(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in PATCHES]
    assert all(before)
    telemetry.instrument()
    changed = [found(patch) for patch in PATCHES]
    assert all(new is not old for new, old in zip(changed, before, strict=True))
    throughline.uninstrument()
    assert all(new is old for new, old in zip(map(found, PATCHES), before, strict=True))
    telemetry.instrument()
    graph(says).invoke(ASKED)
    assert telemetry.span()


@pytest.mark.complains
@pytest.mark.parametrize("gone", [patch.point for patch in PATCHES])
def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    patches: list[Patch] = [replace(p, point=f"{p.point}_gone") if p.point == gone else p for p in PATCHES]
    monkeypatch.setattr(adapter.LangGraph, "patches", patches)
    telemetry.instrument()
    graph(asks).invoke(ASKED)
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.partition(":")[2] in warning
    (status,) = [status for status in instrumentor.status() if status.client == "langgraph"]
    assert (status.state, status.missing) == ("partly patched", (f"{gone}_gone",))
    assert "chat canned-1" in [span.name for span in telemetry.spans()]


def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument(disabled_clients=frozenset({"langgraph"}))
    graph(asks).invoke(ASKED)
    assert telemetry.span().name == "chat canned-1"


class State(TypedDict):
    """A state whose keys may hold anything."""

    messages: Annotated[Any, lambda _old, new: new]
    other: Any


@pytest.mark.complains
@pytest.mark.timeout(400)
@settings(
    max_examples=1000, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(
    asked=json_values, answered=json_values, other=json_values, thread=st.integers() | st.text(max_size=5),
    mode=st.sampled_from(["values", "updates", ["values", "updates"], "debug", "messages", "tasks"]),
    subgraphs=st.booleans(),
)  # fmt: skip
def test_malformed_states_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, asked: Any, answered: Any, other: Any, thread: Any,
    mode: Any, subgraphs: bool,
) -> None:  # fmt: skip
    def node(_state: Any) -> Any:
        return {"messages": answered, "other": other}

    flow = graph(node, schema=State, compiled={"checkpointer": InMemorySaver()})
    config: Any = {"configurable": {"thread_id": thread}}

    def outcome() -> Any:
        given = {"messages": asked, "other": None}
        try:
            whole = flow.invoke(given, config)
            return repr(whole), len(list(flow.stream(given, config, stream_mode=mode, subgraphs=subgraphs)))
        except Exception as error:
            return type(error), str(error)

    throughline.uninstrument()
    expected = outcome()
    telemetry.instrument(content=BOTH)
    assert outcome() == expected
    assert not [line for line in caplog.messages if "Invalid type" in line or "telemetry lost" in line]
