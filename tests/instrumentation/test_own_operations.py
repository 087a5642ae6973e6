"""Retrievals and evaluations, which the application records by itself: what goes wrong in them stays in them."""

from __future__ import annotations

from typing import Any

import pytest
import throughline
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, instrumentor, names


class _Broken:
    def start_span(self, *_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError("no span")

    def emit(self, *_args: Any) -> None:
        raise RuntimeError("no log")


class _Document:
    def __str__(self) -> str:
        return "by taro@example.com"


@pytest.mark.complains
def test_broken_telemetry_does_not_reach_the_application(telemetry: Telemetry) -> None:
    telemetry.instrument()
    active = instrumentor.recorder()
    assert active is not None
    active.tracer, active.logger = _Broken(), _Broken()  # type: ignore[assignment]
    with throughline.retrieval("corpus") as found:
        found.documents = [{"id": "1"}]
    throughline.evaluate("groundedness", score=1)
    assert not telemetry.spans()


@pytest.mark.parametrize("value", [_Document(), b"by taro@example.com", {"by taro@example.com"}])
def test_a_document_of_any_type_is_masked(telemetry: Telemetry, value: Any) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    with throughline.retrieval("corpus", query="who") as found:
        found.documents = [{"id": "1", "author": value}]
    assert "taro" not in telemetry.everything()
    assert "by [email]" in telemetry.attributes()[names.RETRIEVAL_DOCUMENTS]


def test_a_query_is_plain_text_on_span_and_record(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    with throughline.retrieval("corpus", query='who said "no"?'):
        pass
    assert telemetry.attributes()[names.RETRIEVAL_QUERY_TEXT] == 'who said "no"?'
    assert telemetry.record().attributes[names.RETRIEVAL_QUERY_TEXT] == 'who said "no"?'


@pytest.mark.parametrize(
    "ids",
    [
        {"span_id": "1" * 16},
        {"trace_id": "0" * 32, "span_id": "1" * 16},
        {"trace_id": "0x" + "1" * 30, "span_id": "1" * 16},
        {"trace_id": "1" * 32, "span_id": "0" * 16},
        {"trace_id": "1" * 31 + "g"},
    ],
)
def test_an_id_that_is_none_is_refused(telemetry: Telemetry, ids: dict[str, str]) -> None:
    telemetry.instrument()
    with pytest.raises(ValueError, match="hexadecimal"):
        throughline.evaluate("groundedness", score=1, **ids)


def test_half_a_character_does_not_cost_the_whole_text() -> None:
    masker = throughline.Masker()
    assert masker.text("a \ud83d b \ud83d\ude00") == "a \ufffd b \U0001f600"
