"""What a chat completion becomes: the whole span, record and metrics, however the call is made."""

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
    stream_response,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind, StatusCode
from throughline import ContentMode, names
from throughline.instruments import SECONDS, TOKENS

PARAMETERS: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": MESSAGES,
    "temperature": 0.5,
    "top_p": 0.9,
    "max_tokens": 50,
    "seed": 7,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.2,
    "stop": "END",
    "n": 2,
    "response_format": {"type": "json_object"},
}
REQUESTED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4o",
    "server.address": "api.openai.com",
    "server.port": 443,
    "openai.api.type": "chat_completions",
}
ANSWERED = {
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.usage.reasoning.output_tokens": 3,
    "throughline.end_reason": "completed",
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
OUTPUT = [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}]


def without_times(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes but for those that differ from run to run, which are checked to be there and sensible."""
    found = dict(attributes)
    for name in (names.RESPONSE_TIME_TO_FIRST_CHUNK, names.DURATION):
        if name in found:
            assert 0 < found.pop(name) < 60
    return found


def streaming(*words: str, **more: Any) -> Any:
    return lambda: stream_response(event_stream(chat_chunks(*words, **more)))


def test_a_reply_makes_one_whole_span(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**PARAMETERS)
    span = telemetry.span()
    assert (span.name, span.kind, span.status.status_code) == ("chat gpt-4o", SpanKind.CLIENT, StatusCode.UNSET)
    assert telemetry.attributes() == {
        **REQUESTED,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": 0.2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "json",
        **ANSWERED,
    }


def test_the_record_says_what_the_span_says_and_more(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**PARAMETERS)
    record, span = telemetry.record(), telemetry.span()
    recorded = plain(record.attributes)
    assert recorded.pop(names.RECORD_ID) == f"{span.context.trace_id:032x}{span.context.span_id:016x}"
    assert recorded.pop(names.START_TIME_UNIX_NANO) == span.start_time
    assert recorded.pop(names.DURATION) == pytest.approx((span.end_time - span.start_time) / 1e9, abs=1e-6)
    assert recorded == telemetry.attributes()
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)


def test_metrics_have_the_conventions_buckets_and_bounded_dimensions(telemetry: Telemetry) -> None:
    telemetry.instrument()
    chat = client(answering(json_response(chat_reply()), streaming("a", "b", "c"))).chat.completions
    chat.create(model="gpt-4o", messages=MESSAGES)
    list(chat.create(model="gpt-4o", messages=MESSAGES, stream=True))
    points = telemetry.points()
    dimensions = {
        **{key: REQUESTED[key] for key in REQUESTED if key != "openai.api.type"},
        "gen_ai.response.model": "gpt-4o-2024-08-06",
    }
    (duration,) = points["gen_ai.client.operation.duration"]
    assert (duration.attributes, duration.count) == (dimensions, 2)
    assert duration.explicit_bounds == SECONDS
    tokens = {point.attributes["gen_ai.token.type"]: point for point in points["gen_ai.client.token.usage"]}
    assert {kind: (point.sum, point.count) for kind, point in tokens.items()} == {"input": (22, 2), "output": (14, 2)}
    assert tokens["input"].explicit_bounds == TOKENS
    assert tokens["input"].attributes == {**dimensions, "gen_ai.token.type": "input"}
    (first,) = points["gen_ai.client.operation.time_to_first_chunk"]
    assert (first.count, first.attributes) == (1, dimensions)
    (between,) = points["gen_ai.client.operation.time_per_output_chunk"]
    assert (between.count, between.attributes) == (len(chat_chunks("a", "b", "c")) - 1, dimensions)
    assert between.explicit_bounds == SECONDS
    assert between.sum <= duration.sum


def test_buckets_are_those_of_the_conventions() -> None:
    assert SECONDS == (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
    assert TOKENS[:4] == (1, 4, 16, 64)
    assert TOKENS[-1] == 67108864


CALLS = ["plain", "async", "stream", "async stream", "raw", "async raw", "raw stream", "streaming", "async streaming",
         "streaming stream", "async streaming stream", "helper", "async helper", "parse", "async parse"]  # fmt: skip


class Greeting(pydantic.BaseModel):
    """What the parse helpers ask for."""

    text: str


async def call(kind: str) -> Any:
    """Make the same call in one of the ways that the client offers, and read it to its end."""
    reply = json_response(chat_reply('{"text": "Hello."}' if "parse" in kind else "Hello."))
    handler = answering(streaming("Hel", "lo.") if "stream" in kind.split() or "helper" in kind else reply)
    if kind.startswith(("streaming", "async streaming")):
        blocks = (
            event_stream(chat_chunks("Hel", "lo.")) if kind.endswith("stream") else [json.dumps(chat_reply()).encode()]
        )
        handler = answering(lambda: stream_response(blocks))
    if kind.startswith("async"):
        return await _call_async(kind.removeprefix("async").strip(), client(handler, openai.AsyncOpenAI))
    return _call_sync(kind, client(handler))


def _call_sync(kind: str, api: Any) -> Any:
    chat, arguments = api.chat.completions, {"model": "gpt-4o", "messages": MESSAGES}
    match kind:
        case "plain":
            return chat.create(**arguments)
        case "stream":
            return list(chat.create(**arguments, stream=True))
        case "raw":
            return chat.with_raw_response.create(**arguments).parse()
        case "raw stream":
            return list(chat.with_raw_response.create(**arguments, stream=True).parse())
        case "streaming":
            with chat.with_streaming_response.create(**arguments) as response:
                return response.parse()
        case "streaming stream":
            with chat.with_streaming_response.create(**arguments, stream=True) as response:
                return list(response.parse())
        case "helper":
            with parsing(api).stream(**arguments) as stream:
                stream.until_done()
                return stream.get_final_completion()
        case "parse":
            return parsing(api).parse(**arguments, response_format=Greeting)
    raise AssertionError(kind)


async def _call_async(kind: str, api: Any) -> Any:
    chat, arguments = api.chat.completions, {"model": "gpt-4o", "messages": MESSAGES}
    match kind:
        case "":
            return await chat.create(**arguments)
        case "stream":
            return [chunk async for chunk in await chat.create(**arguments, stream=True)]
        case "raw":
            return (await chat.with_raw_response.create(**arguments)).parse()
        case "streaming":
            async with chat.with_streaming_response.create(**arguments) as response:
                return await response.parse()
        case "streaming stream":
            async with chat.with_streaming_response.create(**arguments, stream=True) as response:
                return [chunk async for chunk in await response.parse()]
        case "helper":
            async with parsing(api).stream(**arguments) as stream:
                await stream.until_done()
                return await stream.get_final_completion()
        case "parse":
            return await parsing(api).parse(**arguments, response_format=Greeting)
    raise AssertionError(kind)


def parsing(api: Any) -> Any:
    """Where this version keeps its `parse` and `stream` helpers."""
    return api.chat.completions if hasattr(api.chat.completions, "parse") else api.beta.chat.completions


@pytest.mark.parametrize("kind", CALLS)
async def test_every_way_to_call_gives_the_same_record(telemetry: Telemetry, kind: str) -> None:
    plain_result = await call(kind)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    result = await call(kind)
    assert type(result) is type(plain_result)
    if not isinstance(result, list):
        assert result.model_dump(warnings=False) == plain_result.model_dump(warnings=False)
    else:
        assert [chunk.model_dump() for chunk in result] == [chunk.model_dump() for chunk in plain_result]
    streamed = {"gen_ai.request.stream": True} if "stream" in kind.split() or "helper" in kind else {}
    output = (
        [{**OUTPUT[0], "parts": [{"type": "text", "content": '{"text": "Hello."}'}]}] if "parse" in kind else OUTPUT
    )
    form = {"gen_ai.output.type": "json"} if "parse" in kind else {}
    expected = {**REQUESTED, **ANSWERED, **streamed, **form}
    found = without_times(telemetry.attributes())
    assert json.loads(found.pop(names.INPUT_MESSAGES)) == INPUT
    assert json.loads(found.pop(names.OUTPUT_MESSAGES)) == output
    assert found == expected
    recorded = without_times(plain(telemetry.record().attributes))
    assert [dict(m) for m in recorded[names.INPUT_MESSAGES]] == [{"role": "user", "parts": (INPUT[0]["parts"][0],)}]
    assert recorded[names.OUTPUT_MESSAGES][0]["parts"][0]["content"] == output[0]["parts"][0]["content"]


def test_content_is_off_by_default(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(json_response(chat_reply("a secret answer")))).chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "a secret question"}]
    )
    assert "secret" not in telemetry.everything()


@pytest.mark.parametrize(
    ("mode", "on_span", "on_event"),
    [
        ("NO_CONTENT", False, False),
        ("SPAN_ONLY", True, False),
        ("EVENT_ONLY", False, True),
        ("SPAN_AND_EVENT", True, True),
    ],
)
def test_content_goes_where_the_mode_says(telemetry: Telemetry, mode: str, on_span: bool, on_event: bool) -> None:
    telemetry.instrument(content=ContentMode(mode))
    client(answering(json_response(chat_reply()))).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert (names.INPUT_MESSAGES in telemetry.attributes()) is on_span
    assert (names.INPUT_MESSAGES in telemetry.record().attributes) is on_event


def test_records_can_be_turned_off(telemetry: Telemetry) -> None:
    telemetry.instrument(emit_records=False, content=ContentMode.EVENT_ONLY)
    client(answering(json_response(chat_reply()))).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert telemetry.span()
    assert not telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)


TOOL = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather.", "parameters": {"type": "object"}},
}
RICH = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
        {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": "aGVsbG8="}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]},
    {"role": "assistant", "content": None, "tool_calls": [
        {"id": "call-1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}]},
    {"role": "tool", "tool_call_id": "call-1", "content": '{"degrees": 21}'},
]  # fmt: skip


def test_tools_and_media_take_the_conventions_shapes(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    tool_calls = [
        {"id": "call-2", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    ]
    reply = chat_reply(None, finish_reason="tool_calls", message={"tool_calls": tool_calls})
    client(answering(json_response(reply))).chat.completions.create(model="gpt-4o", messages=RICH, tools=[TOOL])
    found = telemetry.attributes()
    digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert json.loads(found[names.INPUT_MESSAGES]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [
            {"type": "text", "content": "Look."},
            {"type": "uri", "modality": "image", "uri": f"sha256:{digest}", "size": 5, "mime_type": "image/png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
            {"type": "uri", "modality": "audio", "uri": f"sha256:{digest}", "size": 5, "mime_type": "audio/wav"},
            {"type": "file", "modality": "document", "file_id": "file-1"},
        ]},
        {"role": "assistant", "parts": [
            {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": {"degrees": 21}}]},
    ]  # fmt: skip
    assert json.loads(found[names.OUTPUT_MESSAGES]) == [
        {"role": "assistant", "finish_reason": "tool_calls", "parts": [
            {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}]}
    ]  # fmt: skip
    assert json.loads(found[names.TOOL_DEFINITIONS]) == [
        {"type": "function", "name": "weather", "description": "The weather.", "parameters": {"type": "object"}}
    ]


def test_parallel_tool_calls_and_choices_are_rebuilt_from_chunks(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)

    def piece(index: int, arguments: str, **first: Any) -> dict[str, Any]:
        name = {"name": first.pop("name")} if first else {}
        return {"tool_calls": [{"index": index, **first, "function": {**name, "arguments": arguments}}]}

    chunks = [
        chat_chunk(piece(0, "", id="call-1", type="function", name="weather")),
        chat_chunk(piece(0, '{"city":')),
        chat_chunk(piece(1, "{}", id="call-2", type="function", name="time")),
        chat_chunk(piece(0, ' "Oslo"}')),
        {**chat_chunk(), "choices": [{"index": 1, "delta": {"content": "Or so."}, "finish_reason": "length"}]},
        chat_chunk({}, finish_reason="tool_calls"),
    ]
    handler = answering(lambda: stream_response(event_stream(chunks)))
    list(client(handler).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True))
    found = telemetry.attributes()
    assert found[names.RESPONSE_FINISH_REASONS] == ["tool_calls", "length"]
    assert json.loads(found[names.OUTPUT_MESSAGES]) == [
        {"role": "assistant", "finish_reason": "tool_calls", "parts": [
            {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}},
            {"type": "tool_call", "id": "call-2", "name": "time", "arguments": {}},
        ]},
        {"role": "assistant", "finish_reason": "length", "parts": [{"type": "text", "content": "Or so."}]},
    ]  # fmt: skip


def test_reasoning_of_compatible_servers_is_a_part(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    chunks = [
        chat_chunk({"role": "assistant", "reasoning_content": "Hm. "}),
        chat_chunk({"reasoning_content": "Yes."}),
        chat_chunk({"content": "42"}, finish_reason="stop"),
    ]
    handler = answering(lambda: stream_response(event_stream(chunks)))
    api = client(handler, base_url="https://api.deepseek.com/v1")
    list(api.chat.completions.create(model="deepseek-reasoner", messages=MESSAGES, stream=True))
    found = telemetry.attributes()
    assert found[names.PROVIDER_NAME] == "deepseek"
    assert json.loads(found[names.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "reasoning", "content": "Hm. Yes."},
        {"type": "text", "content": "42"},
    ]
