"""What must never happen to an application: its call fails, changes or leaks because somebody watches."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from instrumentation.openai_client.wire import (
    MESSAGES,
    USAGE,
    answering,
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    stream_response,
)
from instrumentation.telemetry import Telemetry
from throughline import ContentMode
from throughline.adapters import openai_chat

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


def outcome(handler: Any, *, stream: bool = False) -> tuple[str, Any]:
    """What the application sees of a call: its result as data, or its error."""
    try:
        result = client(handler, max_retries=0).chat.completions.create(**ARGUMENTS, stream=stream)
        if stream:
            return "chunks", [chunk.model_dump(warnings=False) for chunk in result]
        return type(result).__name__, result.model_dump(warnings=False) if hasattr(result, "model_dump") else result
    except Exception as error:
        return type(error).__name__, str(error)


# --- a fault in telemetry ---------------------------------------------------------------------------------------------


@pytest.mark.complains
@pytest.mark.parametrize("name", ["ask_usage", "fold", "fold_content"])
def test_a_broken_hook_hides_and_shows_what_it_should(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def handler(request: Any) -> Any:
        asked = "stream_options" in json.loads(request.content)
        return stream_response(event_stream(chat_chunks("a", usage=USAGE if asked else None)))

    expected = outcome(handler, stream=True)

    def raising(*_args: Any) -> Any:
        raise RuntimeError("a bug in telemetry")

    monkeypatch.setattr(openai_chat.Chat, name, raising)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, stream_usage=True)
    assert outcome(handler, stream=True) == expected


@pytest.mark.complains
def test_a_broken_exporter_costs_telemetry_only(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> Any:
        raise RuntimeError("no disk")

    telemetry.instrument()
    monkeypatch.setattr(telemetry.span_exporter, "export", refuse)
    monkeypatch.setattr(telemetry.log_exporter, "export", refuse)
    assert outcome(answering(json_response(chat_reply())))[0] == "ChatCompletion"


# --- the caller's things ----------------------------------------------------------------------------------------------


def test_raw_responses_keep_type_headers_and_laziness(telemetry: Telemetry) -> None:
    telemetry.instrument()
    read = []

    def blocks() -> Any:
        for block in event_stream(chat_chunks("a", "b")):
            read.append(block)
            yield block

    chat = client(answering(lambda: stream_response(blocks()))).chat.completions
    with chat.with_streaming_response.create(**ARGUMENTS, stream=True) as response:
        assert type(response).__name__ == "APIResponse"
        assert response.headers["content-type"] == "text/event-stream"
        assert not read
        stream = response.parse()
        next(iter(stream))
        assert len(read) == 1
    reply = client(answering(json_response(chat_reply()))).chat.completions.with_raw_response.create(**ARGUMENTS)
    assert type(reply).__name__ == "LegacyAPIResponse"
    assert reply.headers["x-request-id"] == "req-1"
    assert reply.http_response.json()["id"] == reply.parse().id == "chatcmpl-1"


def test_a_stream_is_read_no_faster_than_the_caller_reads(telemetry: Telemetry) -> None:
    telemetry.instrument()
    read = []

    def blocks() -> Any:
        for block in event_stream(chat_chunks("a", "b", "c")):
            read.append(block)
            yield block

    stream = client(answering(lambda: stream_response(blocks()))).chat.completions.create(**ARGUMENTS, stream=True)
    assert isinstance(stream, openai.Stream)
    assert not read
    next(stream)
    assert len(read) == 1
    stream.close()
