"""What only Google's client has: functions it calls by itself, Vertex, blocked prompts, streams that begin late."""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import suppress
from typing import Any

import pytest
import throughline
from google.genai import errors, types
from instrumentation.conformance import check_attributes, metric_definitions
from instrumentation.endings import OurError, one_end
from instrumentation.google_genai_client.exchanges import (
    ASKED,
    HELLO,
    HELLO_CHUNKS,
    MODEL,
    OSLO_CALL,
    RECORDED,
    ROME_CALL,
    chunks,
    reply,
)
from instrumentation.google_genai_client.wire import GoogleGenAI, client, event_stream, events, http
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind, StatusCode
from throughline import ContentMode, names

ASKS = reply(OSLO_CALL, ROME_CALL)


def described(function: Any) -> Any:
    """With real types in place of their names, which older versions of the client do not resolve."""
    function.__annotations__ = {"city": str, "return": dict}
    function.__name__, function.__doc__ = "weather", "The weather of a city."
    return function


@described
def weather(city: str) -> dict[str, str]:
    if city == "Rome":
        raise OurError(city)
    return {"sky": f"Rain in {city}."}


@described
async def later_weather(city: str) -> dict[str, str]:
    return dict(weather(city))


def replying(*bodies: Any) -> Any:
    return answering(*(lambda body=body: http.Response(200, json=body) for body in bodies or (HELLO,)))


def streaming(*streams: Any) -> Any:
    return answering(*(lambda s=s: event_stream(events(s)) for s in streams or (HELLO_CHUNKS,)))


def asked_with(function: Any) -> dict[str, Any]:
    return {**ASKED, "config": {"tools": [function]}}


WAYS = [("reply", weather), ("stream", weather), ("async reply", weather), ("async stream", weather),
        ("async reply", later_weather), ("async stream", later_weather)]  # fmt: skip


def asking_for_weather(way: str) -> Any:
    return streaming([ASKS], HELLO_CHUNKS) if "stream" in way else replying(ASKS, HELLO)


async def call(way: str, handler: Any, request: Any) -> Any:
    return await GoogleGenAI().call(way, client(handler).aio if "async" in way else client(handler), request)


@pytest.mark.parametrize(("way", "function"), WAYS)
async def test_functions_that_the_client_calls_are_tool_spans(telemetry: Telemetry, way: str, function: Any) -> None:
    expected = await call(way, asking_for_weather(way), asked_with(function))
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert await call(way, asking_for_weather(way), asked_with(function)) == expected
    spans = {span.start_time: span for span in telemetry.spans()}
    ordered = [spans[at] for at in sorted(spans)]
    tools = [span for span in ordered if span.name == "execute_tool weather"]
    assert [span.name for span in ordered if span not in tools] == [f"generate_content {MODEL}"] * 2
    oslo, rome = tools
    assert [span.kind for span in tools] == [SpanKind.INTERNAL] * 2
    found = plain(oslo.attributes)
    assert json.loads(found.pop(names.TOOL_CALL_ARGUMENTS)) == {"city": "Oslo"}
    assert json.loads(found.pop(names.TOOL_CALL_RESULT)) == {"sky": "Rain in Oslo."}
    assert found == {
        names.OPERATION_NAME: "execute_tool", names.TOOL_NAME: "weather", names.TOOL_TYPE: "function",
        names.TOOL_DESCRIPTION: "The weather of a city.", names.END_REASON: "completed",
    }  # fmt: skip
    assert rome.status.status_code is StatusCode.ERROR
    assert rome.attributes[names.ERROR_TYPE] == "OurError"
    (duration,) = [
        p for p in telemetry.points()["gen_ai.execute_tool.duration"] if names.ERROR_TYPE not in p.attributes
    ]
    assert duration.count == 1


async def test_without_content_a_tool_span_has_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await call("reply", asking_for_weather("reply"), asked_with(weather))
    assert "Oslo" not in telemetry.everything()
    for span in telemetry.spans():
        check_attributes(plain(span.attributes))
    assert telemetry.points().keys() <= metric_definitions().keys()


async def test_a_call_inside_a_function_is_its_child(telemetry: Telemetry) -> None:
    @described
    def asks_again(city: str) -> dict[str, str]:
        own = client(replying(), api_key="another")
        return {city: str(own.models.generate_content(**ASKED).text)}

    telemetry.instrument()
    await call("reply", asking_for_weather("reply"), asked_with(asks_again))
    tools = [span for span in telemetry.spans() if span.name == "execute_tool weather"]
    ids = [span.context.span_id for span in tools]
    children = [span for span in telemetry.spans() if span.parent and span.parent.span_id in ids]
    assert [span.name for span in children] == [f"generate_content {MODEL}"] * 2
    assert [span.parent.span_id for span in children] == ids


VECTOR = {"values": [0.5, -0.25, 1e-3]}
EMBEDDED = {  # how each endpoint answers, how many numbers that is, and the tokens it says
    "batch": ({"embeddings": [VECTOR, VECTOR], "usageMetadata": {"promptTokenCount": 5}}, 3, 5),
    "single": ({"embedding": VECTOR, "usageMetadata": {"details": {"a": 1}, "promptTokenCount": 4}}, 3, 4),
    "predict": ({"predictions": [{"embeddings": {**VECTOR, "statistics": {"token_count": n}}} for n in (3, 4)]}, 3, 7),
    "no usage": ({"embeddings": [VECTOR]}, 3, None),
    "nothing": ({"embeddings": [{"values": []}]}, None, None),
}


@pytest.mark.parametrize("kind", EMBEDDED)
@pytest.mark.parametrize("indent", [None, 2])
def test_the_replies_of_all_embedding_endpoints_are_read(telemetry: Telemetry, kind: str, indent: int | None) -> None:
    body, size, tokens = EMBEDDED[kind]
    telemetry.instrument()
    api = client(answering(lambda: http.Response(200, content=json.dumps(body, indent=indent).encode())))
    api.models.embed_content(model="gemini-embedding-001", contents="Hello.")
    found = telemetry.attributes()
    assert found.get(names.EMBEDDINGS_DIMENSION_COUNT) == size
    assert found.get(names.USAGE_INPUT_TOKENS) == tokens


VERTEX: dict[str, Any] = {"vertexai": True, "api_key": "key"}


@pytest.mark.parametrize("way", ["reply", "async stream"])
async def test_vertex_is_named_and_keeps_the_model(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    api = client(streaming() if "stream" in way else replying(), **VERTEX)
    await GoogleGenAI().call(way, api.aio if "async" in way else api, ASKED)
    found = without_time(telemetry.attributes(), chunks="stream" in way)
    assert found.pop(names.REQUEST_STREAM, False) is ("stream" in way)
    own = {names.PROVIDER_NAME: "gcp.vertex_ai", names.SERVER_ADDRESS: "aiplatform.googleapis.com"}
    assert found == {**RECORDED, **own, names.END_REASON: "completed"}


def test_vertex_counts_what_it_embeds_for_each(telemetry: Telemetry) -> None:
    counted = {"values": [0.5, 0.25], "statistics": {"token_count": 3, "truncated": False}}
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(replying({"predictions": [{"embeddings": counted}] * 2}), **VERTEX)
    api.models.embed_content(model="text-embedding-9", contents=["Hello.", "Twice."])
    found = telemetry.attributes()
    assert content_of(found)[names.INPUT_MESSAGES][0]["parts"][1] == {"type": "text", "content": "Twice."}
    assert (found[names.USAGE_INPUT_TOKENS], found[names.EMBEDDINGS_DIMENSION_COUNT]) == (6, 2)
    assert found[names.OPERATION_NAME] == "embeddings"


@pytest.mark.filterwarnings("ignore")
def test_what_generates_nothing_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert client(replying({"totalTokens": 3})).models.count_tokens(**ASKED).total_tokens == 3
    picture = {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": "aGVsbG8="}]}
    assert client(replying(picture), **VERTEX).models.generate_images(model="imagen-9", prompt="A cat.")
    assert not telemetry.spans()


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 11}, "responseId": "r"}


@pytest.mark.parametrize("way", ["reply", "stream"])
async def test_a_blocked_prompt_is_filtered_content(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    await call(way, streaming([BLOCKED]) if way == "stream" else replying(BLOCKED), ASKED)
    found = telemetry.attributes()
    assert found[names.RESPONSE_FINISH_REASONS] == ["content_filter"]
    assert found[names.USAGE_INPUT_TOKENS] == 11
    assert not {names.USAGE_OUTPUT_TOKENS, names.OUTPUT_MESSAGES} & found.keys()


REASONS = {"SAFETY": "content_filter", "RECITATION": "content_filter", "MALFORMED_FUNCTION_CALL": "error",
           "MAX_TOKENS": "length", "SPII": "content_filter"}  # fmt: skip


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("way", ["reply", "stream"])
async def test_reasons_are_in_the_words_of_the_conventions(telemetry: Telemetry, way: str, reason: str) -> None:
    whole = reply({"text": "Hel"}, reason=reason)
    telemetry.instrument()
    await call(way, streaming(chunks(whole, {"text": "Hel"})) if way == "stream" else replying(whole), ASKED)
    assert telemetry.attributes()[names.RESPONSE_FINISH_REASONS] == [REASONS[reason]]


@pytest.mark.parametrize("content", list(ContentMode))
def test_candidates_of_a_stream_end_each_in_its_own_chunk(telemetry: Telemetry, content: ContentMode) -> None:
    telemetry.instrument(content=content)

    def chunk(index: int, said: str, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"index": index, "content": {"role": "model", "parts": [{"text": said}]}, **more}]}

    usage = {"usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 2}}
    sent = [chunk(0, "A"), chunk(1, "B"), chunk(1, "b", finishReason="STOP"),
            {**chunk(0, "a", finishReason="MAX_TOKENS"), **usage}, chunk(0, "")]  # fmt: skip
    list(client(streaming(sent)).models.generate_content_stream(**ASKED, config={"candidate_count": 2}))
    found = telemetry.attributes()
    assert found[names.RESPONSE_FINISH_REASONS] == ["length", "stop"]
    assert (found[names.USAGE_OUTPUT_TOKENS], found[names.REQUEST_CHOICE_COUNT]) == (2, 2)
    if said := content_of(found).get(names.OUTPUT_MESSAGES):
        assert [message["parts"][0]["content"] for message in said] == ["Aa", "Bb"]


async def test_no_usage_from_the_provider_is_no_usage(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await call("reply", replying({key: value for key, value in HELLO.items() if key != "usageMetadata"}), ASKED)
    assert not {names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS} & telemetry.attributes().keys()
    assert "gen_ai.client.token.usage" not in telemetry.points()


def test_what_the_application_adds_to_the_body_counts(telemetry: Telemetry) -> None:
    telemetry.instrument()
    extra = {"generationConfig": {"temperature": 0.5, "thinkingConfig": {"thinkingLevel": "HIGH"}}}
    options = types.HttpOptions(extra_body=extra, base_url="http://localhost:8080")
    config = types.GenerateContentConfig(top_k=3, http_options=options)
    client(replying()).models.generate_content(**ASKED, config=config)
    found = telemetry.attributes()
    assert (found["gen_ai.request.temperature"], found["gen_ai.request.top_k"]) == (0.5, 3)
    assert found[names.REQUEST_REASONING_LEVEL] == "high"
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("localhost", 8080)


OPTIONS = [None, types.HttpOptions(headers={"x-own": "1"}), {"headers": {"x-own": "1"}}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("way", ["reply", "stream", "async reply", "async stream"])
async def test_only_ones_own_proxy_gets_the_trace(telemetry: Telemetry, way: str, options: Any) -> None:
    seen: list[Any] = []
    answer = streaming() if "stream" in way else replying()

    def handler(request: Any) -> Any:
        seen.append(dict(request.headers))
        return answer(request)

    before = options.model_copy(deep=True) if hasattr(options, "model_copy") else options and dict(options)
    request = {**ASKED, "config": {"http_options": options}}
    for hosts in (frozenset(), frozenset({str(RECORDED["server.address"])})):
        telemetry.instrument(trace_hosts=hosts)
        await call(way, handler, request)
        throughline.uninstrument()
    (without, its), spans = seen, telemetry.spans()
    trace = spans[1].context
    assert its.pop("traceparent") == f"00-{trace.trace_id:032x}-{trace.span_id:016x}-{trace.trace_flags:02x}"
    assert its == without
    assert options == before
    assert options is None or its["x-own"] == "1"


def test_a_stream_never_begun_asked_nobody(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = client(replying()).models.generate_content_stream(**ASKED)
    del stream
    gc.collect()
    assert not telemetry.spans()


@pytest.mark.parametrize("error", [OurError("from a transport"), KeyboardInterrupt(), SystemExit()])
def test_what_ends_a_streams_first_step_ends_the_operation(telemetry: Telemetry, error: BaseException) -> None:
    telemetry.instrument()
    with pytest.raises(type(error)) as caught:
        next(client(answering(error)).models.generate_content_stream(**ASKED))
    assert caught.value is error
    one_end(telemetry, "error", type(error).__name__)


def test_an_error_that_the_client_passes_on_as_a_chunk_is_an_error(telemetry: Telemetry) -> None:
    failed = {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}
    telemetry.instrument()
    stream = client(streaming([*HELLO_CHUNKS[:2], failed])).models.generate_content_stream(**ASKED)
    with suppress(errors.ServerError):  # newer versions raise it
        list(stream)
    assert telemetry.attributes()[names.ERROR_TYPE] in ("UNAVAILABLE", "503")
    assert telemetry.attributes()[names.END_REASON] == "error"


@pytest.mark.skipif(
    "should_return_http_response" not in types.GenerateContentConfig.model_fields, reason="not in this version"
)
async def test_a_raw_response_is_read_too(telemetry: Telemetry) -> None:
    telemetry.instrument()
    config = types.GenerateContentConfig(should_return_http_response=True)
    result = await call("reply", replying(), {**ASKED, "config": config})
    assert json.loads(result.sdk_http_response.body) == HELLO
    assert without_time(telemetry.attributes(), chunks=False) == {**RECORDED, names.END_REASON: "completed"}


def test_arguments_that_come_bit_by_bit_are_put_together(telemetry: Telemetry) -> None:
    def chunk(call: Any, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"role": "model", "parts": [{"functionCall": call}]}, **more}]}

    bits = [{"jsonPath": "$.city", "stringValue": "Os", "willContinue": True}, {"jsonPath": "$.days", "numberValue": 2}]
    rest = {"jsonPath": "$.city", "stringValue": "lo"}
    calls = [{"name": "weather", "id": "call-1", "willContinue": True}, {"partialArgs": bits}, {"partialArgs": [rest]}]
    sent = [*map(chunk, calls), chunk({}, finishReason="STOP")]
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    list(client(streaming(sent), **VERTEX).models.generate_content_stream(**ASKED))
    (said,) = content_of(telemetry.attributes())[names.OUTPUT_MESSAGES]
    asked = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo", "days": 2}}
    assert said == {"role": "assistant", "parts": [asked], "finish_reason": "tool_call"}


@pytest.mark.parametrize("model", ["tunedModels/my-gemini", "projects/p/locations/l/endpoints/1"])
async def test_a_model_of_ones_own_keeps_the_name_of_its_place(telemetry: Telemetry, model: str) -> None:
    telemetry.instrument()
    api = client(replying(), **(VERTEX if "endpoints" in model else {}))
    api.models.generate_content(**{**ASKED, "model": model})
    assert telemetry.span().name == f"generate_content {model}"


async def test_streams_left_in_many_tasks_all_end(telemetry: Telemetry) -> None:
    async def leave() -> None:
        async for _ in await api.models.generate_content_stream(**ASKED):
            break

    telemetry.instrument()
    api = client(streaming()).aio
    await asyncio.gather(*(asyncio.create_task(leave()) for _ in range(100)))
    for _ in range(20):  # the event loop closes the client's generators one after the other
        await asyncio.sleep(0)
    assert [span.attributes[names.END_REASON] for span in telemetry.spans()] == ["dropped"] * 100


@pytest.mark.complains
async def test_a_foreign_tracers_span_is_not_doubled(telemetry: Telemetry) -> None:
    telemetry.instrument()
    foreign = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.google_genai")
    with foreign.start_as_current_span("generate_content", attributes={names.REQUEST_MODEL: MODEL}) as its:
        await call("reply", replying(), ASKED)
    assert telemetry.span().name == "generate_content"
    assert telemetry.record().span_id == its.get_span_context().span_id
