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
from throughline import adapter, autoload, instrumentor
from throughline.adapters import openai as openai_adapter
from throughline.adapters import stainless

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


@pytest.mark.complains
@pytest.mark.parametrize(
    "missing", ["SyncAPIClient.request", "AsyncAPIClient.request", "BaseClient._calculate_retry_timeout"]
)
async def test_a_missing_patch_point_is_said_once_and_the_rest_holds(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, missing: str
) -> None:
    patches = [
        adapter.Patch(patch.point + "_gone" if patch.point.endswith(missing) else patch.point, patch.kind)
        for patch in openai_adapter.OpenAI().patches
    ]
    monkeypatch.setattr(stainless.StainlessAdapter, "patches", patches)
    telemetry.instrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    await client(answering(json_response(chat_reply())), openai.AsyncOpenAI).chat.completions.create(**ARGUMENTS)
    assert len(telemetry.spans()) == (2 if "Base" in missing else 1)
    warnings = [line for line in caplog.messages if "is not recorded" in line]
    assert len(warnings) == 1
    assert missing in warnings[0]
    (status,) = [status for status in instrumentor.status() if status.client == "openai"]
    assert status.state == "partly patched"
    assert status.missing == (f"openai._base_client:{missing}_gone",)


def test_a_client_can_be_left_alone(telemetry: Telemetry) -> None:
    originals = points()
    telemetry.instrument(disabled_clients=frozenset({"openai"}))
    assert points() == originals


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
