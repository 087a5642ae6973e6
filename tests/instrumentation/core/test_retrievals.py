"""Retrievals inside retrievals: what is part of one and what is a step of it, as a client or the application says."""

from __future__ import annotations

from typing import Any

import pytest
import throughline
from instrumentation.core import toy
from instrumentation.core.toy import Framework, Model
from instrumentation.telemetry import Telemetry
from opentelemetry import context
from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled
from throughline import ContentMode, names


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toy's tool becomes a store, whose client embeds what it is asked for by another client."""
    for name, value in {"operation": "retrieval", "kind": "client", "encloses": False}.items():
        monkeypatch.setattr(toy.Tool, name, value)
    monkeypatch.setattr(toy.Tool, "params", {"data_source": "name"})
    monkeypatch.setattr(toy.Tool, "apart", frozenset({"embeddings"}))
    monkeypatch.setattr(toy.Ask, "operation", "embeddings")


def tree(telemetry: Telemetry) -> list[tuple[str, str | None]]:
    spans = {span.context.span_id: span.name for span in telemetry.spans()}
    return [(span.name, spans[span.parent.span_id] if span.parent else None) for span in telemetry.spans()]


def test_the_embedding_is_a_step_and_all_other_is_part_of_a_stores_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument()
    http: list[bool] = []

    def inside() -> None:
        Model().ask("embed")
        Framework().tool(lambda: http.append(is_http_instrumentation_enabled()))

    Framework().agent(lambda: Framework().tool(inside))
    assert tree(telemetry) == [
        ("embeddings toy-1", "retrieval a tool"), ("retrieval a tool", "invoke_agent a agent"),
        ("invoke_agent a agent", None),
    ]  # fmt: skip
    assert http == [False]
    assert len(telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 2


def test_a_retrieval_by_hand_takes_in_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    http: list[bool] = []
    with throughline.retrieval("corpus"):
        Framework().tool(lambda: http.append(is_http_instrumentation_enabled()))
        Model().ask("embed")
        Framework().agent(lambda: None)
    Framework().tool(lambda: None)
    assert tree(telemetry) == [
        ("embeddings toy-1", "retrieval corpus"), ("invoke_agent a agent", "retrieval corpus"),
        ("retrieval corpus", None), ("retrieval a tool", None),
    ]  # fmt: skip
    assert http == [True]


def test_a_failed_one_by_hand_says_so_and_lets_the_next_be_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    before = context.get_current()
    with pytest.raises(ZeroDivisionError), throughline.retrieval("corpus"):
        Framework().tool(lambda: 1 / 0)
    assert context.get_current() == before
    (event,) = telemetry.events(names.CLIENT_OPERATION_EXCEPTION)
    assert event.attributes[names.EXCEPTION_TYPE] == "ZeroDivisionError"
    Framework().tool(lambda: None)
    assert [name for name, _ in tree(telemetry)] == ["retrieval corpus", "retrieval a tool"]


def test_a_framework_gives_way_to_one_by_hand(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy.StandIn, "operation", "retrieval")
    telemetry.instrument()

    def by_hand() -> Any:
        with throughline.retrieval("corpus"):
            return {}

    Framework().model(by_hand)
    assert tree(telemetry) == [("retrieval corpus", None)]
