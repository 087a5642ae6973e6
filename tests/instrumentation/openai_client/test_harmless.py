"""What must never happen to an application: its call fails, changes or leaks because somebody watches."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import entry_points
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
    http,
    json_response,
    stream_response,
)
from instrumentation.telemetry import Telemetry
from opentelemetry import baggage, context, propagate, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace import TracerProvider
from throughline import ContentMode, adapter, instrumentor, names, recorder, streams
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
    *((recorder.Recording, name) for name in ("_open_span", "_read", "_emit", "_masked", "_log_record", "amend")),
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
    return sum(isinstance(thing, (recorder.Recording, streams.WatchedIterator)) for thing in gc.get_objects())


def test_memory_is_given_back(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(lambda: stream_response(event_stream(chat_chunks("a")))))
    before = recordings()
    for _ in range(20):
        list(api.chat.completions.create(**ARGUMENTS, stream=True))
        api.chat.completions.create(**ARGUMENTS, stream=True)
    assert len(telemetry.spans()) == 40
    assert recordings() <= before


# --- personal data ----------------------------------------------------------------------------------------------------

CANARY = "canary.bird@example.org"


@pytest.mark.parametrize("mode", list(ContentMode))
def test_a_canary_is_in_no_exported_byte(
    telemetry: Telemetry, mode: ContentMode, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.instrument(content=mode)
    tool_calls = [
        {"id": "1", "type": "function", "function": {"name": "mail", "arguments": json.dumps({"to": CANARY})}}
    ]
    reply = chat_reply(f"Write to {CANARY}.", message={"tool_calls": tool_calls})
    refused = json_response({"error": {"message": f"cannot mail {CANARY}"}}, 400)
    api = client(answering(json_response(reply), refused), max_retries=0)
    arguments: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": f"You serve {CANARY}."},
            {"role": "user", "content": [{"type": "text", "text": f"I am {CANARY}"}]},
            {"role": "tool", "tool_call_id": "0", "content": json.dumps({"found": [CANARY]})},
        ],
        "tools": [{"type": "function", "function": {"name": "mail", "description": f"mails {CANARY}"}}],
    }
    api.chat.completions.create(**arguments)
    with pytest.raises(openai.BadRequestError):
        api.chat.completions.create(**arguments)
    exported = telemetry.everything()
    assert len(telemetry.spans()) == 2
    assert CANARY not in exported
    assert "canary" not in exported
    assert CANARY not in caplog.text
    assert ("[email]" in exported) is (mode is not ContentMode.NO_CONTENT)


def test_masks_are_counted(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(answering(json_response(chat_reply(CANARY)))).chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": f"{CANARY} and card 4111 1111 1111 1111"}]
    )
    found = telemetry.attributes()
    assert found[names.MASK_COUNT] == 3
    assert found[names.MASK_KINDS] == ["email:2", "payment_card:1"]
    assert telemetry.record().attributes[names.MASK_COUNT] == 3


@pytest.mark.complains
def test_content_that_cannot_be_masked_is_not_exported(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_kwargs: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr(throughline.Masker, "value", broken)
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    client(answering(json_response(chat_reply(CANARY)))).chat.completions.create(**ARGUMENTS)
    assert CANARY not in telemetry.everything()
    assert len(telemetry.spans()) == 1


@pytest.mark.complains
def test_our_own_complaints_quote_nobody(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def quoting(_self: Any, _op: Any, body: Any) -> None:
        raise ValueError(str(body))

    monkeypatch.setattr(openai_adapter.Chat, "request", quoting)
    telemetry.instrument()
    with caplog.at_level(logging.DEBUG, "throughline"):
        client(answering(json_response(chat_reply()))).chat.completions.create(
            model="gpt-4o", messages=[{"role": "user", "content": CANARY}]
        )
    assert CANARY not in "".join(line for line in caplog.messages if "throughline" in line or "telemetry" in line)


# --- propagation ------------------------------------------------------------------------------------------------------


def test_no_trace_header_reaches_a_provider_even_beside_an_http_instrumentation(telemetry: Telemetry) -> None:
    """The handler does what an HTTP instrumentation does: inject, unless suppressed."""
    headers: dict[str, str] = {}

    def handler(request: Any) -> Any:
        headers.update(request.headers)
        if not context.get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY):
            propagate.inject(headers)
        return json_response(chat_reply())

    telemetry.instrument()
    with throughline.identify(user_id="ada"):
        client(handler).chat.completions.create(**ARGUMENTS)
    assert not {"traceparent", "tracestate", "baggage"} & set(headers)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_ones_own_proxy_gets_the_trace_but_no_baggage(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument(trace_hosts=frozenset({"proxy.internal"}))
    seen = []

    def handler(request: Any) -> Any:
        seen.append(dict(request.headers))
        return json_response(chat_reply())

    with throughline.identify(user_id="ada"):
        options = {"base_url": "https://proxy.internal/v1"}
        if kind == "sync":
            client(handler, **options).chat.completions.create(**ARGUMENTS, extra_headers={"x-mine": "1"})
        else:
            await client(handler, openai.AsyncOpenAI, **options).chat.completions.create(
                **ARGUMENTS, extra_headers={"x-mine": "1"}
            )
    span = telemetry.span().context
    assert seen[0]["traceparent"] == f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    assert seen[0]["x-mine"] == "1"
    assert "baggage" not in seen[0]


@pytest.mark.parametrize("how", ["thread", "executor", "loop's executor", "to_thread"])
async def test_threads_and_executors_keep_the_trace(telemetry: Telemetry, how: str) -> None:
    telemetry.instrument()
    api = client(answering(lambda: json_response(chat_reply())))

    def ask() -> None:
        api.chat.completions.create(**ARGUMENTS)

    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("request") as parent:
        match how:
            case "thread":
                thread = threading.Thread(target=ask)
                thread.start()
                thread.join()
            case "executor":
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(ask).result()
            case "loop's executor":
                await asyncio.get_running_loop().run_in_executor(None, ask)
            case "to_thread":
                await asyncio.to_thread(ask)
    (call,) = [span for span in telemetry.spans() if span.name == "chat gpt-4o"]
    assert call.parent is not None
    assert call.parent.span_id == parent.get_span_context().span_id


# --- other tracers, other providers -----------------------------------------------------------------------------------


@pytest.mark.complains
def test_a_foreign_tracers_span_is_not_doubled(telemetry: Telemetry, caplog: pytest.LogCaptureFixture) -> None:
    from throughline import foreign

    foreign._warn.cache_clear()
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.openai.v1")
    api = client(answering(lambda: json_response(chat_reply())))
    for _ in range(2):
        with tracer.start_as_current_span("openai.chat", attributes={"gen_ai.request.model": "gpt-4o"}):
            api.chat.completions.create(**ARGUMENTS)
    assert [span.name for span in telemetry.spans()] == ["openai.chat", "openai.chat"]
    records = telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)
    assert [record.span_id for record in records] == [span.context.span_id for span in telemetry.spans()]
    assert "gen_ai.client.token.usage" not in telemetry.points()
    assert len([line for line in caplog.messages if "records model calls as well" in line]) == 1


def test_an_agents_span_of_another_tracer_is_a_parent_like_any(telemetry: Telemetry) -> None:
    telemetry.instrument()
    tracer = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.openai_agents")
    with tracer.start_as_current_span("invoke_agent"):
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert [span.name for span in telemetry.spans()] == ["chat gpt-4o", "invoke_agent"]


def test_a_provider_that_the_application_set_is_used(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = TracerProvider()
    provider.add_span_processor(telemetry.tracer_provider._active_span_processor)
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    throughline.instrument(settings=throughline.Settings())
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert trace.get_tracer_provider() is provider
    assert telemetry.span().name == "chat gpt-4o"


# --- patches ----------------------------------------------------------------------------------------------------------


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


# --- who --------------------------------------------------------------------------------------------------------------


def test_the_identity_is_on_span_record_and_bounded_on_metrics(telemetry: Telemetry) -> None:
    telemetry.instrument()
    given = {"user_id": "ada", "session_id": "s-1", "conversation_id": "c-1", "prompt_name": "answer",
             "prompt_version": "3", "prompt_variant": "b", "keep": True}  # fmt: skip
    tracer = telemetry.tracer_provider.get_tracer("app")
    with throughline.identify(**given), tracer.start_as_current_span("anything"):
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    expected = {
        "user.id": "ada",
        "session.id": "s-1",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.prompt.name": "answer",
        "gen_ai.prompt.version": "3",
        "throughline.prompt.variant": "b",
        "throughline.keep": True,
    }
    for span in telemetry.spans():
        assert expected.items() <= dict(span.attributes).items()
    assert len(telemetry.spans()) == 2
    assert expected.items() <= dict(telemetry.record().attributes).items()
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert {"gen_ai.prompt.name", "gen_ai.prompt.version", "throughline.prompt.variant"} <= set(point.attributes)
    assert not {"user.id", "session.id", "gen_ai.conversation.id"} & set(point.attributes)


def test_identities_nest_and_end(telemetry: Telemetry) -> None:
    with throughline.identify(user_id="ada", prompt_name="answer"):
        with throughline.identify(prompt_name="judge"):
            assert throughline.identity() == throughline.Identity(user_id="ada", prompt_name="judge")
        assert throughline.identity().prompt_name == "answer"
    assert throughline.identity() == throughline.Identity()


def test_the_identity_arrives_from_a_request_and_leaves_with_one(telemetry: Telemetry) -> None:
    incoming = propagate.extract({"baggage": "user.id=ada%20l,session.id=s-1,secret=x,throughline.keep=true"})
    token = context.attach(incoming)
    try:
        assert throughline.identity() == throughline.Identity(user_id="ada l", session_id="s-1", keep=True)
        outgoing: dict[str, str] = {}
        propagate.inject(outgoing)
        assert "user.id=ada" in outgoing["baggage"]
    finally:
        context.detach(token)


def test_baggage_of_others_is_not_read_and_long_values_are_cut(telemetry: Telemetry) -> None:
    telemetry.instrument()
    current = baggage.set_baggage("user.id", "x" * 5000, baggage.set_baggage("password", "hunter2"))
    token = context.attach(current)
    try:
        client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    finally:
        context.detach(token)
    assert "hunter2" not in telemetry.everything()
    assert len(telemetry.attributes()["user.id"]) == 256


def test_http_is_imported_for_the_right_generation() -> None:
    assert http.__name__ == ("httpx2" if int(openai.__version__.split(".")[0]) >= 3 else "httpx")


def test_the_entry_point_has_a_name_of_our_own() -> None:
    ours = [
        point for point in entry_points(group="opentelemetry_instrumentor") if point.value.startswith("throughline.")
    ]
    assert [point.name for point in ours] == ["throughline"]
    assert ours[0].load() is instrumentor.ThroughlineInstrumentor
