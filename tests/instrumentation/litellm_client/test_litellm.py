"""What only LiteLLM has: providers of every kind, its own HTTP library, tries, fallbacks, routers and caches."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from instrumentation.endings import one_end
from instrumentation.litellm_client.imported import litellm
from instrumentation.litellm_client.wire import NOISE, LiteLLM
from instrumentation.openai_client.wire import MESSAGES, chat_reply, client, http, json_response
from instrumentation.scenarios import answering, structured
from instrumentation.telemetry import Telemetry, plain
from throughline import ContentMode, names
from throughline.adapters.litellm import Chat
from throughline.adapters.litellm import LiteLLM as Adapter
from throughline.operation import Operation

from litellm.llms.custom_httpx.http_handler import HTTPHandler  # isort: skip

pytestmark = [pytest.mark.filterwarnings(ignored) for ignored in NOISE]
WIRE = LiteLLM()
SONNET = "claude-sonnet-4-5-20250929"
CLAUDE = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": SONNET, "stop_reason": "end_turn",
    "content": [{"type": "text", "text": "Hello."}],
    "usage": {"input_tokens": 8, "output_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1},
}  # fmt: skip
CLAUDE_STREAM = [
    {"type": "message_start", "message": {**CLAUDE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}},
    {"type": "message_stop"},
]


def handled(handler: Any) -> HTTPHandler:
    """LiteLLM's own HTTP library, which answers from memory."""
    return HTTPHandler(client=httpx.Client(transport=httpx.MockTransport(handler)))


def streamed_claude(_request: Any) -> httpx.Response:
    def blocks() -> Iterator[bytes]:
        for event in CLAUDE_STREAM:
            yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()

    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=b"".join(blocks()))


def own_openai(*answers: Any, kind: Any = openai.OpenAI) -> Any:
    return client(answering(*answers), kind, max_retries=0)


def outcome() -> Any:
    return WIRE.body(chat_reply())


@pytest.mark.parametrize("streamed", [False, True])
def test_a_provider_by_its_own_http_library(telemetry: Telemetry, streamed: bool) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    handler = streamed_claude if streamed else lambda _request: httpx.Response(200, json=CLAUDE)
    reply: Any = litellm.completion(
        f"anthropic/{SONNET}", MESSAGES, client=handled(handler), api_key="none", stream=streamed, max_tokens=50
    )
    if streamed:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in reply) == "Hello."
    found = telemetry.attributes()
    expected = {
        names.PROVIDER_NAME: "anthropic", names.REQUEST_MODEL: SONNET, names.RESPONSE_MODEL: SONNET,
        names.SERVER_ADDRESS: "api.anthropic.com", names.SERVER_PORT: 443, names.USAGE_INPUT_TOKENS: 11,
        names.USAGE_OUTPUT_TOKENS: 7, names.USAGE_CACHE_READ_INPUT_TOKENS: 2,
        names.USAGE_CACHE_CREATION_INPUT_TOKENS: 1, names.RESPONSE_FINISH_REASONS: ["stop"],
        names.REQUEST_MAX_TOKENS: 50, names.END_REASON: "completed",
    }  # fmt: skip
    assert {key: found.get(key) for key in expected} == expected
    said = structured(found[names.OUTPUT_MESSAGES])
    assert said == [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}]


def test_a_text_stream_over_chat_has_the_usage_of_that(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream: Any = litellm.text_completion(
        prompt="Hi.", model=f"anthropic/{SONNET}", client=handled(streamed_claude), api_key="none", stream=True
    )
    assert list(stream)
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.USAGE_OUTPUT_TOKENS]) == ("text_completion", 7)


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_fallback_is_another_attempt(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument()
    asked = {"model": "openai/gpt-4o", "messages": MESSAGES, "api_key": "none",
             "mock_response": "litellm.InternalServerError",
             "fallbacks": [{"model": "mistral/mistral-small", "mock_response": "Hello."}]}  # fmt: skip
    reply = asyncio.run(litellm.acompletion(**asked)) if asynchronous else litellm.completion(**asked)
    assert reply.choices[0].message.content == "Hello."
    gc.collect()  # LiteLLM leaves its event loop unclosed, of which Python warns here, where that is expected
    (event,) = telemetry.span().events
    assert plain(event.attributes)[names.HTTP_RESPONSE_STATUS_CODE] == 500
    found = one_end(telemetry, "completed")
    assert (found[names.ATTEMPT_COUNT], found[names.REQUEST_MODEL]) == (2, "gpt-4o")


@pytest.mark.parametrize("asynchronous", [False, True])
def test_each_attempt_of_a_router_is_an_operation(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument()
    first = {"model": "openai/gpt-4o", "api_key": "none", "mock_response": "litellm.InternalServerError"}
    second = {"model": "openai/gpt-4o-mini", "api_key": "none", "mock_response": "Hello."}
    models = [{"model_name": name, "litellm_params": each} for name, each in (("first", first), ("second", second))]
    routing = litellm.Router(model_list=models, num_retries=0, disable_cooldowns=True,
                             fallbacks=[{"first": ["second"]}])  # fmt: skip
    tracer = telemetry.tracer_provider.get_tracer("app")
    with tracer.start_as_current_span("request") as parent:
        if asynchronous:
            reply = asyncio.run(routing.acompletion("first", MESSAGES))
        else:
            reply = routing.completion("first", MESSAGES)
    assert reply.choices[0].message.content == "Hello."
    calls = [span for span in telemetry.spans() if span.name != "request"]
    assert [span.name for span in calls] == ["chat gpt-4o", "chat gpt-4o-mini"]
    assert [(span.attributes or {}).get(names.ERROR_TYPE) for span in calls] == ["InternalServerError", None]
    assert {span.parent.span_id for span in calls if span.parent} == {parent.get_span_context().span_id}


def test_an_answer_from_the_cache_costs_nothing() -> None:
    reply = litellm.ModelResponse(model="gpt-4o", usage=litellm.Usage(prompt_tokens=11, completion_tokens=7))
    op, cached, streamed = Operation(), Operation(), Operation()
    Chat().response(op, reply)
    assert (op.input_tokens, op.output_tokens) == (11, 7)
    reply._hidden_params = {"cache_hit": True}
    Chat().response(cached, reply)
    Chat().response(streamed, {"cached": True, "model": "gpt-4o", "usage": {"prompt_tokens": 11}})
    assert (cached.input_tokens, streamed.input_tokens) == (None, None)
    assert (cached.response_model, streamed.response_model) == ("gpt-4o", "gpt-4o")


def test_an_unknown_model_is_refused_and_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception) as caught:  # noqa: PT011 - versions differ
        litellm.completion("nobody-knows-it", MESSAGES)
    found = one_end(telemetry, "error", type(caught.value).__qualname__)
    assert found[names.PROVIDER_NAME] == "litellm"


@pytest.mark.parametrize(
    ("model", "told", "expected"),
    [
        ("gpt-4o", None, ("openai", "gpt-4o")),
        ("gpt-4o", "azure", ("azure.ai.openai", "gpt-4o")),
        ("bedrock/anthropic.claude-v2", None, ("aws.bedrock", "anthropic.claude-v2")),
        ("text-embedding-3-small", None, ("openai", "text-embedding-3-small")),
        ("gemini-2.5-pro", None, ("gcp.vertex_ai", "gemini-2.5-pro")),
        ("gemini/gemini-2.5-pro", None, ("gcp.gemini", "gemini-2.5-pro")),
        ("xai/grok-3", None, ("x_ai", "grok-3")),
        ("watsonx/ibm/granite", None, ("ibm.watsonx.ai", "ibm/granite")),
        ("groq/meta/llama", None, ("groq", "meta/llama")),
        (None, None, ("litellm", None)),
    ],
)
def test_who_answers_is_known_before_the_call(model: Any, told: Any, expected: tuple[str, str]) -> None:
    assert Adapter().provider(model, told) == expected


RERANKED = {"id": "r-1", "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}],
            "meta": {"billed_units": {"search_units": 1}}}  # fmt: skip


def test_a_rerank_is_a_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    litellm.rerank(
        model="cohere/rerank-v3.5", query="Which?", documents=["a", "b"], top_n=2, api_key="none",
        client=handled(lambda _request: httpx.Response(200, json=RERANKED)),
    )  # fmt: skip
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.PROVIDER_NAME]) == ("retrieval", "cohere")
    assert (found[names.RETRIEVAL_TOP_K], found[names.SERVER_ADDRESS]) == (2, "api.cohere.com")
    assert found[names.RETRIEVAL_QUERY_TEXT] == "Which?"
    assert structured(found[names.RETRIEVAL_DOCUMENTS]) == [{"id": "1", "score": 0.9}, {"id": "0", "score": 0.1}]


def test_a_picture(telemetry: Telemetry) -> None:
    telemetry.instrument()
    own = client(lambda _request: json_response({"created": 1, "data": [{"b64_json": "aGVsbG8="}]}), max_retries=0)
    litellm.image_generation(prompt="A cat.", model="openai/dall-e-3", client=own)
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.OUTPUT_TYPE]) == ("generate_content", "image")


def test_a_class_asks_for_json(telemetry: Telemetry) -> None:
    import pydantic

    class Greeting(pydantic.BaseModel):
        text: str

    telemetry.instrument()
    litellm.completion("openai/gpt-4o", MESSAGES, response_format=Greeting, client=own_openai(outcome))
    assert telemetry.attributes()[names.OUTPUT_TYPE] == "json"


def test_a_trace_header_goes_where_the_owner_allowed_it(telemetry: Telemetry) -> None:
    telemetry.instrument(trace_hosts=frozenset({"api.openai.com"}))
    sent: list[Any] = []

    def handler(request: http.Request) -> Any:
        sent.append(request.headers)
        return outcome()

    litellm.completion("openai/gpt-4o", MESSAGES, client=client(handler), extra_headers={"x-mine": "1"})
    context = telemetry.span().context
    assert sent[0]["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")
    assert sent[0]["x-mine"] == "1"
