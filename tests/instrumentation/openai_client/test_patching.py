"""Switching on and off: originals back by identity, points that are missing, clients left alone."""

from __future__ import annotations

import threading
from importlib.metadata import entry_points
from typing import Any

import openai
import pytest
import throughline
import wrapt
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_reply,
    client,
    http,
    json_response,
)
from instrumentation.telemetry import Telemetry
from throughline import autoload

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


def points() -> dict[str, Any]:
    base = openai._base_client
    return {
        "sync": vars(base.SyncAPIClient)["request"],
        "async": vars(base.AsyncAPIClient)["request"],
        "retry": vars(base.BaseClient)["_calculate_retry_timeout"],
        "threads": vars(threading.Thread)["start"],
    }


def test_uninstrument_restores_the_originals_by_identity(telemetry: Telemetry) -> None:
    originals = points()
    for _ in range(2):
        telemetry.instrument()
        telemetry.instrument()
        assert all(points()[name] is not originals[name] for name in originals)
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
        throughline.uninstrument()
        throughline.uninstrument()
        assert all(points()[name] is originals[name] for name in originals)
    assert len(telemetry.spans()) == 2


def test_a_wrapper_that_a_subclass_had_before_does_not_lead_past_ours(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def theirs(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
        return wrapped(*args, **kwargs)

    outer = wrapt.FunctionWrapper(points()["sync"], theirs)
    monkeypatch.setattr(openai.OpenAI, "request", outer, raising=False)
    original = outer.__wrapped__
    telemetry.instrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    throughline.uninstrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert outer.__wrapped__ is original
    assert len(telemetry.spans()) == 1


@pytest.mark.complains
def test_a_patch_over_ours_survives_and_records_nothing_twice(telemetry: Telemetry, caplog: Any) -> None:
    original = points()["sync"]
    telemetry.instrument()
    ours = openai._base_client.SyncAPIClient.request

    def theirs(self: Any, *args: Any, **kwargs: Any) -> Any:
        return ours(self, *args, **kwargs)

    try:
        openai._base_client.SyncAPIClient.request = theirs
        throughline.uninstrument()
        assert openai._base_client.SyncAPIClient.request is theirs
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
        assert not telemetry.spans()
        assert "patched by somebody else" in caplog.text
    finally:
        openai._base_client.SyncAPIClient.request = original


def test_http_is_imported_for_the_right_generation() -> None:
    assert http.__name__ == ("httpx2" if int(openai.__version__.split(".")[0]) >= 3 else "httpx")


def test_the_entry_point_has_a_name_of_our_own() -> None:
    ours = [
        point for point in entry_points(group="opentelemetry_instrumentor") if point.value.startswith("throughline.")
    ]
    assert [point.name for point in ours] == ["throughline"]
    assert ours[0].load() is autoload.ThroughlineInstrumentor


@pytest.mark.complains
def test_a_wrong_setting_keeps_nobody_else_from_starting(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    originals = points()
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "PERHAPS")
    autoload.ThroughlineInstrumentor()._instrument()
    assert "it may be NO_CONTENT, SPAN_ONLY" in caplog.text
    assert points() == originals
