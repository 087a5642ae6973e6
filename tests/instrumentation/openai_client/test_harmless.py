"""What must never happen to an application: its call fails, changes or leaks because somebody watches."""

from __future__ import annotations

import copy
import gc
import json
from typing import Any

import openai
import pytest
import throughline
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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
from opentelemetry import context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from throughline import ContentMode, emission, recorder, recording, streams
from throughline.adapters import openai as openai_adapter
from throughline.adapters import stainless

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

HOOKS = [
    *((openai_adapter.Chat, name) for name in ("request", "request_content", "response", "response_content")),
    *((openai_adapter.Chat, name) for name in ("fold", "fold_content")),
    *((stainless.StainlessAdapter, name) for name in ("route", "deliver", "amend")),
    *((recorder.Recorder, name) for name in ("begin",)),
    *((recording.Recording, name) for name in ("_open_span", "_read", "_emit", "amend")),
    *((emission, name) for name in ("masked", "log_record")),
    (openai_adapter.OpenAI, "provider"),
    (throughline.Masker, "value"),
]  # fmt: skip


@pytest.mark.complains
@pytest.mark.parametrize(("owner", "name"), HOOKS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, owner: type, name: str, stream: bool
) -> None:
    def handler(_request: Any) -> Any:
        return stream_response(event_stream(chat_chunks("a", "b"))) if stream else json_response(chat_reply())

    expected = outcome(handler, stream=stream)
    broken = []

    def raising(*_args: Any, **_kwargs: Any) -> Any:
        broken.append(name)
        raise RuntimeError("a bug in telemetry")

    monkeypatch.setattr(owner, name, raising)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, trace_hosts=frozenset({"api.openai.com"}))
    assert outcome(handler, stream=stream) == expected
    assert broken or (name.startswith("fold") and not stream)


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

    monkeypatch.setattr(openai_adapter.Chat, name, raising)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, stream_usage=True)
    assert outcome(handler, stream=True) == expected


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, whole: Any) -> Any:
    """A reply of which some place holds something else, or nothing."""
    reply = copy.deepcopy(whole)
    place = reply
    while isinstance(place, (dict, list)) and place:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
            if isinstance(place, dict) and draw(st.booleans()):
                del place[key]
            else:
                place[key] = draw(json_values)
            break
        place = place[key]
    return reply


fuzzing = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.mark.complains
@pytest.mark.filterwarnings("ignore::UserWarning")
@fuzzing
@given(reply=mutated(chat_reply(message={"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}]})))
def test_malformed_replies_pass_as_they_are(telemetry: Telemetry, caplog: pytest.LogCaptureFixture, reply: Any) -> None:
    throughline.uninstrument()
    handler = answering(lambda: json_response(reply))
    expected = outcome(handler)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, estimate_usage=True)
    assert outcome(handler) == expected
    assert not [line for line in caplog.messages if "Invalid type" in line]


@pytest.mark.complains
@pytest.mark.filterwarnings("ignore::UserWarning")
@fuzzing
@given(chunks=mutated(chat_chunks("a", "b")))
def test_malformed_chunks_pass_as_they_are(telemetry: Telemetry, caplog: pytest.LogCaptureFixture, chunks: Any) -> None:
    throughline.uninstrument()
    chunks = chunks if isinstance(chunks, list) else [chunks]
    handler = answering(lambda: stream_response(event_stream(chunks)))
    expected = outcome(handler, stream=True)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT, estimate_usage=True)
    assert outcome(handler, stream=True) == expected
    assert not [line for line in caplog.messages if "Invalid type" in line]


@pytest.mark.complains
def test_a_broken_exporter_costs_telemetry_only(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any) -> Any:
        raise RuntimeError("no disk")

    telemetry.instrument()
    monkeypatch.setattr(telemetry.span_exporter, "export", refuse)
    monkeypatch.setattr(telemetry.log_exporter, "export", refuse)
    assert outcome(answering(json_response(chat_reply())))[0] == "ChatCompletion"


# --- the caller's things ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
def test_the_wire_and_the_callers_objects_are_untouched(telemetry: Telemetry, stream: bool) -> None:
    seen = []

    def handler(request: Any) -> Any:
        kept = ("x-stainless-retry-count", "idempotency-key", "content-length", "host", "authorization", "accept")
        seen.append((request.content, {name: request.headers.get(name) for name in kept}, sorted(request.headers)))
        return stream_response(event_stream(chat_chunks("a"))) if stream else json_response(chat_reply())

    arguments = copy.deepcopy({**ARGUMENTS, "stop": ["a"], "stream": stream, "extra_headers": {"x-mine": "1"}})
    before = copy.deepcopy(arguments)
    for instrumented in (False, True):
        if instrumented:
            telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
        result = client(handler).chat.completions.create(**arguments)
        if stream:
            assert type(result) is openai.Stream
            list(result)
    assert seen[0] == seen[1]
    assert arguments == before


def test_one_shot_iterators_in_the_request_arrive(telemetry: Telemetry) -> None:
    sent = []

    def handler(request: Any) -> Any:
        sent.append(json.loads(request.content))
        return json_response(chat_reply())

    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(handler).chat.completions.create(model="gpt-4o", messages=(message for message in MESSAGES))
    assert sent[0]["messages"] == MESSAGES


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


def test_the_callers_context_is_his_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(lambda: stream_response(event_stream(chat_chunks("a", "b")))))
    before = context.get_current()
    stream = api.chat.completions.create(**ARGUMENTS, stream=True)
    assert context.get_current() == before
    for _ in stream:
        assert context.get_current() == before
        assert not trace.get_current_span().get_span_context().is_valid


def test_suppression_is_honoured(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with suppress_instrumentation():
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert not telemetry.spans()


def recordings() -> int:
    gc.collect()
    return sum(isinstance(thing, (recording.Recording, streams.WatchedAsyncIterator)) for thing in gc.get_objects())


def test_memory_is_given_back(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(lambda: stream_response(event_stream(chat_chunks("a")))))
    before = recordings()
    for _ in range(20):
        list(api.chat.completions.create(**ARGUMENTS, stream=True))
        api.chat.completions.create(**ARGUMENTS, stream=True)
    assert len(telemetry.spans()) == 40
    assert recordings() <= before
