"""Replies and requests out of the ordinary: what they hold is recorded; what is broken costs only itself."""

from __future__ import annotations

import json
from typing import Any

import openai
import pydantic
import pytest
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_chunk,
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    responses_events,
    stream_response,
)
from instrumentation.telemetry import Telemetry, plain
from throughline import ContentMode, names


class Weather(pydantic.BaseModel):
    degrees: int


def _recorded(telemetry: Telemetry) -> dict[str, Any]:
    return plain(telemetry.record().attributes)


@pytest.mark.skipif(
    not hasattr(openai.resources.chat.Completions, "parse"), reason="this version parses after the call, on its own"
)
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (chat_reply('{"deg', finish_reason="length"), openai.LengthFinishReasonError),
        (chat_reply('{"town": 1}'), pydantic.ValidationError),
    ],
)
def test_a_reply_that_does_not_parse_was_paid_for_all_the_same(
    telemetry: Telemetry, reply: dict[str, Any], error: type[Exception]
) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    with pytest.raises(error):
        client(answering(json_response(reply))).chat.completions.parse(
            model="gpt-4o", messages=MESSAGES, response_format=Weather
        )
    recorded = _recorded(telemetry)
    assert recorded[names.ERROR_TYPE] == error.__name__
    assert (recorded[names.USAGE_INPUT_TOKENS], recorded[names.USAGE_OUTPUT_TOKENS]) == (11, 7)
    said = recorded[names.OUTPUT_MESSAGES][0]["parts"][0]["content"]
    assert said == reply["choices"][0]["message"]["content"]


@pytest.mark.complains
def test_a_choice_of_absurd_index_is_not_made_room_for(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    broken = chat_chunk({"content": "x"}, finish_reason="stop")
    broken["choices"][0]["index"] = 2_000_000_000
    chunks = [*chat_chunks("Hel", "lo."), broken]
    said = client(answering(stream_response(event_stream(chunks)))).chat.completions
    assert len(list(said.create(model="gpt-4o", messages=MESSAGES, stream=True))) == len(chunks)
    assert _recorded(telemetry)[names.OUTPUT_MESSAGES][0]["parts"][0]["content"] == "Hello."


@pytest.mark.skipif(not hasattr(openai.OpenAI, "responses"), reason="this version of the client has no Responses API")
def test_an_error_event_fails_a_response(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    call = {
        "type": "function_call",
        "id": "f",
        "call_id": "c",
        "name": "look",
        "arguments": "{}",
        "status": "completed",
    }
    events = [
        *responses_events()[:1],
        {"type": "response.output_item.done", "sequence_number": 1, "output_index": 0, "item": call},
        {**responses_events()[3], "output_index": 1},
        {"type": "error", "sequence_number": 3, "code": "server_error", "message": "no", "param": None},
    ]
    stream = stream_response(event_stream(events, named=True, done=False))
    list(client(answering(stream)).responses.create(model="gpt-4o", input="hi", stream=True))
    recorded = _recorded(telemetry)
    assert (recorded[names.ERROR_TYPE], recorded[names.END_REASON]) == ("server_error", "error")
    kinds = [part["type"] for part in recorded[names.OUTPUT_MESSAGES][0]["parts"]]
    assert kinds == ["tool_call", "text"]


@pytest.mark.parametrize("streamed", [False, True])
def test_custom_tools_and_speech_are_recorded(telemetry: Telemetry, streamed: bool) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    said = {
        "tool_calls": [{"index": 0, "id": "c1", "type": "custom", "custom": {"name": "shell", "input": "ls"}}],
        "audio": {"id": "a1", "data": "AAAA", "expires_at": 1, "transcript": "spoken words"},
    }
    chunks = [chat_chunk(said), chat_chunk({}, finish_reason="tool_calls")]
    reply = stream_response(event_stream(chunks)) if streamed else json_response(chat_reply(None, message=said))
    tool = {"type": "custom", "custom": {"name": "shell", "description": "run"}}
    result = client(answering(reply)).chat.completions.create(
        model="gpt-4o", messages=MESSAGES, tools=[tool], stream=streamed
    )
    if streamed:
        list(result)
    recorded = _recorded(telemetry)
    assert plain(recorded)[names.TOOL_DEFINITIONS] == [{"type": "custom", "name": "shell", "description": "run"}]
    assert list(recorded[names.OUTPUT_MESSAGES][0]["parts"]) == [
        {"type": "text", "content": "spoken words"},
        {"type": "tool_call", "id": "c1", "name": "shell", "arguments": "ls"},
    ]


def test_media_is_never_recorded_whole_nor_hides_its_neighbours(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.EVENT_ONLY)
    parts = [
        {"type": "text", "text": "before"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAAA"}},  # a character short
        {"type": "file", "file": {"filename": "x.pdf", "file_data": "JVBERi0xLjQK" * 9}},  # bare base64
    ]
    client(answering(json_response(chat_reply()))).chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": parts}]
    )
    (message,) = _recorded(telemetry)[names.INPUT_MESSAGES]
    assert message["parts"][0] == {"type": "text", "content": "before"}
    assert [part["uri"][:7] for part in message["parts"][1:]] == ["sha256:", "sha256:"]


def test_who_reads_the_bytes_himself_is_not_given_a_chunk_he_did_not_ask_for(telemetry: Telemetry) -> None:
    telemetry.instrument(stream_usage=True)
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(json.loads(request.content))
        return stream_response(event_stream(chat_chunks("Hi", usage=None)))

    raw = client(handler).chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES, stream=True)
    list(raw.parse())
    assert "stream_options" not in sent[0]


@pytest.mark.parametrize(
    ("url", "provider"),
    [
        ("https://generativelanguage.googleapis.com/v1beta/openai", "gcp.gemini"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/openai/v1", "aws.bedrock"),
        ("https://x.cognitiveservices.azure.com/openai/v1", "azure.ai.openai"),
        ("https://api.anthropic.com/v1", "anthropic"),
        ("https://llm.example.com/v1", "openai"),
    ],
)
def test_the_host_tells_the_provider(telemetry: Telemetry, url: str, provider: str) -> None:
    telemetry.instrument()
    said = client(answering(json_response(chat_reply())), base_url=url)
    said.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert telemetry.attributes()[names.PROVIDER_NAME] == provider
