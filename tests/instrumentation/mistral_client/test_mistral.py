"""What only Mistral's client has: parse helpers, places with clients of their own, its own tracing, uncounted usage."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any

import pytest
from instrumentation.mistral_client.exchanges import (
    ANSWER,
    ASKED,
    HELLO,
    HELLO_CHUNKS,
    RECORDED,
    STRUCTURED,
    chunks,
    reply,
    words,
)
from instrumentation.mistral_client.wire import BASE, client, event_stream, events, http
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry
from opentelemetry import trace
from pydantic import BaseModel, ValidationError
from throughline import ContentMode, names

NEWER = BASE == "mistralai.client"


class Answer(BaseModel):
    """What the model is asked to answer with."""

    text: str


def replying(body: Any = HELLO) -> Any:
    return answering(lambda: http.Response(200, json=body))


def streaming(sent: Any = HELLO_CHUNKS) -> Any:
    return answering(lambda: event_stream(events(sent)))


def parse(way: str, handler: Any) -> Any:
    chat = client(handler).chat
    match way:
        case "parse":
            return chat.parse(Answer, **ASKED)
        case "async parse":
            return asyncio.run(chat.parse_async(Answer, **ASKED))
        case "parse_stream":
            return list(chat.parse_stream(Answer, **ASKED))
    raise AssertionError(way)


@pytest.mark.parametrize("way", ["parse", "async parse", "parse_stream"])
def test_parse_helpers_are_one_operation(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    streamed = way.endswith("stream")
    handler = streaming(chunks(*words(ANSWER), reason="length")) if streamed else replying(STRUCTURED.reply)
    result = parse(way, handler)
    assert streamed or result.choices[0].message.parsed == Answer(text="Hello.")
    found = without_time(telemetry.attributes(), chunks=streamed)
    assert content_of(found) == STRUCTURED.content
    also = {names.REQUEST_STREAM: True} if streamed else {}
    assert found == {**STRUCTURED.recorded, **also, names.END_REASON: "completed"}


def test_a_reply_that_does_not_fit_was_paid_for_too(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(ValidationError):
        parse("parse", replying(reply('{"words": 2}')))
    found = telemetry.attributes()
    assert (found[names.USAGE_OUTPUT_TOKENS], found[names.END_REASON]) == (7, "completed")


def place(name: str) -> Any:
    """The client of another cloud, by the module's name in this version."""
    return importlib.import_module(f"mistralai.{name}.client" if NEWER else f"mistralai_{name}")


AZURE = "https://mine.models.ai.azure.com:8443"
PLACES = [
    ("azure", "MistralAzure",
     {"api_key": "key", "server_url": AZURE} if NEWER else {"azure_api_key": "key", "azure_endpoint": AZURE},
     "azure.ai.inference", "mine.models.ai.azure.com", 8443),
    ("gcp", "MistralGCP" if NEWER else "MistralGoogleCloud",
     {"access_token": "t", "project_id": "p", "region": "europe-west4"},
     "gcp.vertex_ai", "europe-west4-aiplatform.googleapis.com", 443),
]  # fmt: skip


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("module", "kind", "options", "provider", "host", "port"), PLACES)
def test_other_clouds_are_named(
    telemetry: Telemetry, module: str, kind: str, options: dict[str, Any], provider: str, host: str, port: int,
    streamed: bool,
) -> None:  # fmt: skip
    telemetry.instrument()
    api = client(streaming() if streamed else replying(), getattr(place(module), kind), **options)
    asked = {**ASKED, "model": "mistral-large-2411"}
    if streamed:
        assert len(list(api.chat.stream(**asked))) == len(HELLO_CHUNKS)
    else:
        assert api.chat.complete(**asked).id == "cmpl-1"
    found = without_time(telemetry.attributes(), chunks=streamed)
    expected = {**RECORDED, "gen_ai.request.model": "mistral-large-2411", names.PROVIDER_NAME: provider,
                names.SERVER_ADDRESS: host, names.SERVER_PORT: port, names.END_REASON: "completed"}  # fmt: skip
    assert found == {**expected, names.REQUEST_STREAM: True} if streamed else expected


def test_a_server_named_for_one_call_is_the_one_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying()).chat.complete(**ASKED, server_url="http://localhost")
    found = telemetry.attributes()
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("localhost", 80)


@pytest.mark.parametrize("streamed", [False, True])
def test_usage_that_was_not_counted_is_not_recorded(telemetry: Telemetry, streamed: bool) -> None:
    telemetry.instrument()
    if streamed:
        uncounted = [{key: value for key, value in chunk.items() if key != "usage"} for chunk in HELLO_CHUNKS]
        list(client(streaming(uncounted)).chat.stream(**ASKED))
    else:
        client(replying({**HELLO, "usage": {}})).chat.complete(**ASKED)
    found = telemetry.attributes()
    assert not {names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS} & found.keys()
    assert "gen_ai.client.token.usage" not in telemetry.points()


def test_a_trace_header_goes_where_the_owner_allowed_it_and_keeps_the_callers(telemetry: Telemetry) -> None:
    telemetry.instrument(trace_hosts=frozenset({"api.mistral.ai"}))
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers)
        return http.Response(200, json=HELLO)

    own = {"x-own": "1"}
    client(handler).chat.complete(**ASKED, http_headers=own)
    context = telemetry.span().context
    assert sent[0]["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")
    assert (sent[0]["x-own"], own) == ("1", {"x-own": "1"})


@pytest.mark.parametrize("way", ["reply", "stream", "async reply"])
def test_the_clients_own_tracing_doubles_nothing_and_tells_the_provider_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: telemetry.tracer_provider)
    monkeypatch.setenv("MISTRAL_SDK_TELEMETRY", "global")  # newer versions want to be asked
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers)
        return (streaming() if way == "stream" else replying())(request)

    def call() -> None:
        chat = client(handler).chat
        if way == "stream":
            list(chat.stream(**ASKED))
        else:
            asyncio.run(chat.complete_async(**ASKED)) if way.startswith("async") else chat.complete(**ASKED)

    call()
    assert [span.instrumentation_scope.name for span in telemetry.spans()] == ["mistralai_sdk_tracer"]
    assert "traceparent" in sent[0]
    telemetry.span_exporter.clear()
    telemetry.instrument()
    call()
    assert telemetry.span().instrumentation_scope.name == "throughline"
    assert "traceparent" not in sent[1]


def test_tracing_that_the_application_sends_elsewhere_goes_on(telemetry: Telemetry) -> None:
    observability = importlib.import_module("mistralai.extra.observability")
    if not hasattr(observability, "set_tracer_provider"):
        pytest.skip("this version traces to the global provider only")
    elsewhere = Telemetry()
    api = client(replying())
    observability.set_tracer_provider(api, elsewhere.tracer_provider)
    telemetry.instrument()
    api.chat.complete(**ASKED)
    assert [span.instrumentation_scope.name for span in elsewhere.spans()] == ["mistralai_sdk_tracer"]
    assert telemetry.span().instrumentation_scope.name == "throughline"


def test_other_endpoints_are_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying({"object": "list", "data": []})).models.list()
    assert not telemetry.spans()


def test_messages_may_be_the_clients_own_objects(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    models = importlib.import_module(f"{BASE}.models")
    asked = [models.SystemMessage(content="Be brief."), models.UserMessage(content=[models.TextChunk(text="Hi.")])]
    client(replying()).chat.complete(model="m", messages=asked)
    assert json.loads(telemetry.attributes()[names.INPUT_MESSAGES]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Hi."}]},
    ]
