"""The other endpoints and servers: responses, embeddings, Azure, compatible servers, usage in all its forms."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from instrumentation.openai_client.wire import (
    MESSAGES,
    USAGE,
    answering,
    chat_chunk,
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    responses_events,
    responses_reply,
    stream_response,
)
from instrumentation.telemetry import Telemetry
from opentelemetry.trace import StatusCode
from throughline import ContentMode, names

HAS_RESPONSES = hasattr(openai.OpenAI, "responses")
needs_responses = pytest.mark.skipif(not HAS_RESPONSES, reason="this version of the client has no Responses API")


@needs_responses
def test_a_response_that_failed_is_an_error_though_http_says_200(telemetry: Telemetry) -> None:
    telemetry.instrument()
    failed = responses_reply(status="failed", output=[], error={"code": "server_error", "message": "oops"})
    client(answering(json_response(failed))).responses.create(model="gpt-4o", input="Hi.")
    found = telemetry.attributes()
    assert (found[names.ERROR_TYPE], found[names.END_REASON]) == ("server_error", "error")
    assert telemetry.span().status.status_code is StatusCode.ERROR


@needs_responses
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        (
            {"output": [{"type": "function_call", "id": "f", "call_id": "c", "name": "n", "arguments": "{}"}]},
            "tool_call",
        ),
    ],
)
def test_finish_reasons_of_responses(telemetry: Telemetry, more: dict[str, Any], reason: str) -> None:
    telemetry.instrument()
    client(answering(json_response(responses_reply(**more)))).responses.create(model="gpt-4o", input="Hi.")
    assert telemetry.attributes()[names.RESPONSE_FINISH_REASONS] == [reason]


@needs_responses
def test_other_methods_of_the_client_make_no_span(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(lambda: json_response({"object": "list", "data": [], "has_more": False})))
    api.responses.input_items.list("resp_1")
    api.responses.delete("resp_1")
    api.models.list()
    api.files.list()
    api.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1")
    assert not telemetry.spans()


# --- fetches ----------------------------------------------------------------------------------------------------------


@needs_responses
@pytest.mark.parametrize("status", ["queued", "failed"])
def test_a_fetch_tells_the_status_and_is_no_failure_itself(telemetry: Telemetry, status: str) -> None:
    telemetry.instrument()
    made = responses_reply(status=status, output=[], error={"code": "server_error", "message": "oops"})
    client(answering(json_response(made))).responses.retrieve("resp_1")
    found = telemetry.attributes()
    assert (found[names.RESPONSE_STATUS], found[names.END_REASON]) == (status, "completed")
    assert found.get(names.RESPONSE_FINISH_REASONS) == {"queued": None, "failed": ["error"]}[status]
    assert telemetry.span().status.status_code is StatusCode.UNSET


@needs_responses
def test_a_stream_that_is_resumed_says_from_where(telemetry: Telemetry) -> None:
    telemetry.instrument()
    blocks = event_stream(responses_events()[3:], named=True, done=False)
    stream = client(answering(stream_response(blocks))).responses.retrieve("resp_1", stream=True, starting_after=42)
    assert len(list(stream)) == 6
    found = telemetry.attributes()
    assert (found[names.REQUEST_STREAM], found[names.REQUEST_STREAM_CURSOR]) == (True, "42")
    assert found[names.RESPONSE_STATUS] == "completed"
    assert not [name for name in found if "usage" in name]  # it was counted when the response was made


# --- servers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base_url", "provider", "address", "port"),
    [
        ("https://api.openai.com/v1", "openai", "api.openai.com", 443),
        ("https://api.groq.com/openai/v1", "groq", "api.groq.com", 443),
        ("https://api.deepseek.com", "deepseek", "api.deepseek.com", 443),
        ("https://api.x.ai/v1", "x_ai", "api.x.ai", 443),
        ("https://fapi.x.ai/v1", "openai", "fapi.x.ai", 443),
        ("https://openrouter.ai/api/v1", "openrouter", "openrouter.ai", 443),
        ("https://api.together.xyz/v1", "together", "api.together.xyz", 443),
        ("https://api.fireworks.ai/inference/v1", "fireworks", "api.fireworks.ai", 443),
        ("http://localhost:8000/v1", "openai", "localhost", 8000),
        ("http://vllm.internal/v1", "openai", "vllm.internal", 80),
    ],
)
def test_compatible_servers_by_endpoint(
    telemetry: Telemetry, base_url: str, provider: str, address: str, port: int
) -> None:
    telemetry.instrument()
    api = client(answering(json_response(chat_reply())), base_url=base_url)
    api.chat.completions.create(model="m", messages=MESSAGES)
    found = telemetry.attributes()
    assert (found[names.PROVIDER_NAME], found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == (
        provider,
        address,
        port,
    )


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # DeepSeek's and Moonshot's own words for what the cache held
        ({"prompt_tokens": 11, "completion_tokens": 7, "prompt_cache_hit_tokens": 8}, (11, 7, 8, None)),
        ({"prompt_tokens": 11, "completion_tokens": 7, "cached_tokens": 8}, (11, 7, 8, None)),
        # xAI counts reasoning beside the answer; OpenAI's total tells that it does not
        ({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 23,
          "completion_tokens_details": {"reasoning_tokens": 5}}, (11, 12, None, 5)),
        ({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
          "completion_tokens_details": {"reasoning_tokens": 5}}, (11, 7, None, 5)),
        # OpenRouter's price, in its own credits
        ({"prompt_tokens": 11, "completion_tokens": 7, "cost": 0.5, "is_byok": False}, (11, 7, None, None)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_usage_of_compatible_servers(
    telemetry: Telemetry, usage: dict[str, Any], expected: tuple[int | None, ...], stream: bool
) -> None:
    telemetry.instrument()
    streamed = stream_response(event_stream(chat_chunks("a", usage=usage)))
    api = client(answering(streamed if stream else json_response(chat_reply(usage=usage))))
    result = api.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
    if stream:
        list(result)
    found = telemetry.attributes()
    read = (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS, names.USAGE_CACHE_READ_INPUT_TOKENS,
            names.USAGE_REASONING_OUTPUT_TOKENS)  # fmt: skip
    assert tuple(found.get(name) for name in read) == expected
    assert names.COST_AMOUNT not in found


def test_groqs_usage_comes_in_a_place_of_its_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    *chunks, last = chat_chunks("a", usage=None)
    blocks = event_stream([*chunks, {**last, "x_groq": {"id": "req_1", "usage": {**USAGE, "queue_time": 0.1}}}])
    api = client(answering(stream_response(blocks)), base_url="https://api.groq.com/openai/v1")
    list(api.chat.completions.create(model="m", messages=MESSAGES, stream=True))
    assert telemetry.attributes()[names.USAGE_INPUT_TOKENS] == 11


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
@pytest.mark.parametrize("stream", [False, True])
def test_reasoning_has_two_names(telemetry: Telemetry, field: str, stream: bool) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    chunks = [chat_chunk({field: "Hm. "}), chat_chunk({field: "Yes."}), chat_chunk({"content": "4"})]
    whole = json_response(chat_reply("4", message={field: "Hm. Yes."}))
    api = client(answering(stream_response(event_stream(chunks)) if stream else whole))
    result = api.chat.completions.create(model="m", messages=MESSAGES, stream=stream)
    if stream:
        list(result)
    assert json.loads(telemetry.attributes()[names.OUTPUT_MESSAGES])[0]["parts"] == [
        {"type": "reasoning", "content": "Hm. Yes."},
        {"type": "text", "content": "4"},
    ]


@pytest.mark.parametrize(
    ("base_url", "priced"), [("https://api.openai.com/v1", True), ("http://vllm.internal:8000/v1", False)]
)
def test_nobody_elses_server_has_openais_prices(telemetry: Telemetry, base_url: str, priced: bool) -> None:
    telemetry.instrument(cost=True)
    api = client(answering(json_response(chat_reply(model="gpt-4o"))), base_url=base_url)
    api.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert (names.COST_AMOUNT in telemetry.attributes()) is priced


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_azure_with_its_quirks(telemetry: Telemetry, kind: str) -> None:
    """Azure sends a first chunk without choices, filter results without a delta, and a finish later on."""
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    chunks = [
        chat_chunk(model="", prompt_filter_results=[{"prompt_index": 0, "content_filter_results": {}}]),
        chat_chunk({"role": "assistant", "content": "Hello."}),
        {
            **chat_chunk(),
            "choices": [{"index": 0, "finish_reason": None, "content_filter_offsets": {"check_offset": 1}}],
        },
        chat_chunk({}, finish_reason="stop"),
        chat_chunk(usage=USAGE),
    ]
    handler = answering(lambda: stream_response(event_stream(chunks)))
    options = {"azure_endpoint": "https://here.openai.azure.com", "api_version": "2024-10-21"}
    arguments: dict[str, Any] = {"model": "my-deployment", "messages": MESSAGES, "stream": True}
    if kind == "sync":
        assert len(list(client(handler, openai.AzureOpenAI, **options).chat.completions.create(**arguments))) == 5
    else:
        api = client(handler, openai.AsyncAzureOpenAI, **options)
        assert len([chunk async for chunk in await api.chat.completions.create(**arguments)]) == 5
    found = telemetry.attributes()
    assert found[names.PROVIDER_NAME] == "azure.ai.openai"
    assert found[names.SERVER_ADDRESS] == "here.openai.azure.com"
    assert found[names.RESPONSE_FINISH_REASONS] == ["stop"]
    assert found[names.RESPONSE_MODEL] == "gpt-4o-2024-08-06"
    assert json.loads(found[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello."}]


# --- usage ------------------------------------------------------------------------------------------------------------


def stream_of(*words: str, usage: dict[str, Any] | None) -> Any:
    return answering(lambda: stream_response(event_stream(chat_chunks(*words, usage=usage))))


def test_no_usage_from_the_provider_is_no_usage(telemetry: Telemetry) -> None:
    telemetry.instrument()
    list(client(stream_of("a", usage=None)).chat.completions.create(model="m", messages=MESSAGES, stream=True))
    assert not [name for name in telemetry.attributes() if "usage" in name]
    assert "gen_ai.client.token.usage" not in telemetry.points()


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}, (11, 7, None, None)),
        (USAGE, (11, 7, 4, 3)),
        ({**USAGE, "prompt_tokens_details": None, "completion_tokens_details": None}, (11, 7, None, None)),
        ({**USAGE, "prompt_tokens_details": {"cached_tokens": 0}}, (11, 7, 0, 3)),
    ],
)
def test_cached_and_reasoning_tokens_are_parts_not_extras(
    telemetry: Telemetry, usage: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    telemetry.instrument()
    api = client(answering(json_response(chat_reply(usage=usage))))
    api.chat.completions.create(model="m", messages=MESSAGES)
    found = telemetry.attributes()
    read = (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS, names.USAGE_CACHE_READ_INPUT_TOKENS,
            names.USAGE_REASONING_OUTPUT_TOKENS)  # fmt: skip
    assert tuple(found.get(name) for name in read) == expected
    points = telemetry.points()["gen_ai.client.token.usage"]
    assert sorted(point.sum for point in points) == [7, 11]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_usage_of_streams_can_be_asked_for_without_the_caller_noticing(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument(stream_usage=True)
    asked = []

    def handler(request: Any) -> Any:
        asked.append(json.loads(request.content))
        return stream_response(event_stream(chat_chunks("a", "b")))

    arguments: dict[str, Any] = {"model": "m", "messages": MESSAGES, "stream": True}
    if kind == "sync":
        chunks = list(client(handler).chat.completions.create(**arguments))
    else:
        api = client(handler, openai.AsyncOpenAI)
        chunks = [chunk async for chunk in await api.chat.completions.create(**arguments)]
    assert asked[0]["stream_options"] == {"include_usage": True}
    assert [len(chunk.choices) for chunk in chunks] == [1, 1, 1, 1]
    assert telemetry.attributes()[names.USAGE_INPUT_TOKENS] == 11
    assert "stream_options" not in arguments


def test_usage_that_the_caller_asked_for_stays_his(telemetry: Telemetry) -> None:
    telemetry.instrument(stream_usage=True)
    api = client(stream_of("a", usage=USAGE))
    options = {"include_usage": True}
    chunks = list(api.chat.completions.create(model="m", messages=MESSAGES, stream=True, stream_options=options))
    assert chunks[-1].usage is not None


def test_an_estimate_is_flagged_as_one(telemetry: Telemetry) -> None:
    telemetry.instrument(estimate_usage=True)
    list(client(stream_of("four", usage=None)).chat.completions.create(model="m", messages=MESSAGES, stream=True))
    found = telemetry.attributes()
    assert found[names.USAGE_INPUT_TOKENS] > 0
    assert found[names.USAGE_OUTPUT_TOKENS] > 0
    assert found[names.USAGE_ESTIMATED] is True
    assert "Say hello" not in telemetry.everything()


def test_no_estimate_where_the_provider_knows(telemetry: Telemetry) -> None:
    telemetry.instrument(estimate_usage=True)
    client(answering(json_response(chat_reply()))).chat.completions.create(model="m", messages=MESSAGES)
    assert telemetry.attributes()[names.USAGE_INPUT_TOKENS] == 11
    assert names.USAGE_ESTIMATED not in telemetry.attributes()
