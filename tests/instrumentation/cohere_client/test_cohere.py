"""What only Cohere's client has: raw streams in `with` blocks, errors nobody raises, batches, methods bound early."""

from __future__ import annotations

import gc
from typing import Any

import cohere
import httpx as http
import pytest
from instrumentation.cohere_client import exchanges_v1
from instrumentation.cohere_client.exchanges import (
    ASKED,
    EMBEDDED,
    HELLO,
    HELLO_CHUNKS,
    RECORDED,
    RERANKED,
    chunks,
    words,
)
from instrumentation.cohere_client.wire import Cohere, First, Generate, call, client, failure
from instrumentation.endings import OurError, one_end
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

WIRE, FIRST = Cohere(), First()


def streaming(sent: Any = HELLO_CHUNKS) -> Any:
    return answering(lambda: WIRE.event_stream(WIRE.events(sent)))


def raw_stream(handler: Any, kind: Any = cohere.ClientV2) -> Any:
    api = client(handler, kind)
    return api.client.with_raw_response.chat_stream(**ASKED, **api.options)


def test_a_raw_stream_opens_by_its_with_block_and_closes_with_it(telemetry: Telemetry) -> None:
    kind = type(raw_stream(streaming()))
    telemetry.instrument()
    stream = raw_stream(streaming())
    assert type(stream) is kind
    with stream as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert next(response.data).type == "message-start"
    assert one_end(telemetry, "closed")[names.RESPONSE_ID] == "re-1"


async def test_an_async_raw_stream_does_so_too(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(OurError):
        async with raw_stream(streaming(), cohere.AsyncClientV2) as response:
            async for _ in response.data:
                raise OurError
    one_end(telemetry, "closed")


def test_a_raw_stream_that_is_never_opened_is_let_go_of(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = raw_stream(streaming())
    gc.disable()
    try:
        del stream
        one_end(telemetry, "dropped")
    finally:
        gc.enable()


@pytest.mark.parametrize("kind", [cohere.ClientV2, cohere.AsyncClientV2])
async def test_a_raw_stream_that_is_refused_says_so(telemetry: Telemetry, kind: Any) -> None:
    telemetry.instrument()
    stream = raw_stream(answering(failure(429)), kind)
    with pytest.raises(cohere.TooManyRequestsError):
        if "Async" in kind.__name__:
            async with stream:
                pass
        else:
            with stream:
                pass
    one_end(telemetry, "error", "TooManyRequestsError")


@pytest.mark.parametrize("way", ["stream", "async stream", "raw stream"])
async def test_an_error_that_the_last_chunk_tells_is_an_error(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    sent = chunks(*words("Hel"), reason="ERROR", usage=None, error="no")
    await WIRE.call(way, WIRE.api(streaming(sent), asynchronous=way.startswith("async")), ASKED)
    assert one_end(telemetry, "error", "ERROR")[names.RESPONSE_FINISH_REASONS] == ["error"]


def test_an_error_amid_a_stream_of_generate_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    failed = {"event_type": "stream-error", "is_finished": True, "finish_reason": "ERROR", "err": "no"}
    sent = [*exchanges_v1.GENERATED.chunks[:1], failed]
    api = Generate().api(answering(lambda: FIRST.event_stream(FIRST.events(sent))))
    list(Generate().stream(api, exchanges_v1.GENERATED.request))
    one_end(telemetry, "error", "error")


def test_a_client_made_before_is_recorded_too(telemetry: Telemetry) -> None:
    """It binds some of its methods when it is made."""
    api = FIRST.api(answering(FIRST.answer(exchanges_v1.PLAIN, streamed=True)))
    telemetry.instrument()
    assert len(list(FIRST.stream(api, exchanges_v1.PLAIN.request))) == len(exchanges_v1.PLAIN.chunks)
    assert one_end(telemetry, "completed")[names.RESPONSE_ID] == "re-1"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own, when it puts batches together
def test_each_batch_of_an_embed_is_a_request_of_its_own(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(answering(WIRE.answer(EMBEDDED, streamed=False)), cohere.Client).client
    api.embed(**{**EMBEDDED.request, "texts": ["Hello."] * 97})
    telemetry.ended(2)
    assert sorted(str(span.attributes[names.INPUT_MESSAGES]).count("Hello.") for span in telemetry.spans()) == [1, 96]


async def test_a_question_to_rerank_is_content(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(WIRE.answer(RERANKED, streamed=False)))
    assert (await call("reply", "rerank", api, RERANKED.request)).results[0].index == 1
    found = telemetry.attributes()
    assert found[names.RETRIEVAL_TOP_K] == 2
    assert not {names.RETRIEVAL_QUERY_TEXT, names.RETRIEVAL_DOCUMENTS} & found.keys()


@pytest.mark.parametrize("way", ["reply", "stream", "raw stream"])
async def test_a_trace_header_goes_where_the_owner_allowed_it(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument(trace_hosts=frozenset({"api.cohere.com"}))
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers)
        return (streaming() if way.endswith("stream") else answering(lambda: WIRE.body(HELLO)))(request)

    api, own = client(handler), {"additional_headers": {"x-own": "1"}}
    await call(way, "chat", api._replace(options={"request_options": own}), ASKED)
    context = telemetry.span().context
    assert sent[0]["traceparent"].startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")
    assert (sent[0]["x-own"], own) == ("1", {"additional_headers": {"x-own": "1"}})


def test_usage_that_was_not_counted_is_not_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(lambda: WIRE.body({**HELLO, "usage": None}))).client.chat(**ASKED)
    found = telemetry.attributes()
    assert not {names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS} & found.keys()
    assert found[names.RESPONSE_ID] == RECORDED[names.RESPONSE_ID]


CLOUDS = [
    ("BedrockClient", "aws.bedrock", "bedrock-runtime.eu-west-1.amazonaws.com"),
    ("SagemakerClient", "cohere", "runtime.sagemaker.eu-west-1.amazonaws.com"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the client's own
@pytest.mark.parametrize("counted", [True, False])
@pytest.mark.parametrize(("kind", "provider", "host"), CLOUDS)
def test_other_clouds_are_named_and_counts_that_they_do_not_tell_are_not_recorded(
    telemetry: Telemetry, kind: str, provider: str, host: str, counted: bool
) -> None:
    telemetry.instrument()
    told = {"x-amzn-bedrock-input-token-count": "11", "x-amzn-bedrock-output-token-count": "7"} if counted else {}
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.url.host)
        return http.Response(200, json={**exchanges_v1.SAID, "meta": None}, headers=told)

    api = getattr(cohere, kind)(aws_access_key="a", aws_secret_key="s", aws_region="eu-west-1")
    api._client_wrapper.httpx_client.httpx_client._transport = http.MockTransport(handler)
    assert api.chat(model="m", message="Say hello.").text == "Hello."
    found = telemetry.attributes()
    assert [found[names.SERVER_ADDRESS]] == sent == [host]
    assert (found[names.PROVIDER_NAME], found[names.SERVER_PORT]) == (provider, 443)
    usage = (found.get(names.USAGE_INPUT_TOKENS), found.get(names.USAGE_OUTPUT_TOKENS))
    assert usage == ((11, 7) if counted else (None, None))


def test_other_endpoints_are_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(lambda: WIRE.body({"models": []}))).client
    assert api.models.list().models == []
    assert not telemetry.spans()
