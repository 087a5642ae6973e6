"""What only botocore's clients for Bedrock have: bodies read later, retries of two kinds, other services, stubs."""

from __future__ import annotations

import gc
import io
import json
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.eventstream import NoInitialResponseError
from botocore.exceptions import (
    IncompleteReadError,
    ParamValidationError,
    ResponseStreamingError,
)
from botocore.response import StreamingBody
from botocore.stub import Stubber
from instrumentation.bedrock_client.bodies import BODIES, CLAUDE, HELLO_ANTHROPIC
from instrumentation.bedrock_client.bodies import PLAIN as INVOKED
from instrumentation.bedrock_client.exchanges import ASKED, GENERATE, HELLO, HELLO_CHUNKS, HOST, PLAIN, RECORDED
from instrumentation.bedrock_client.transport import (
    HEADERS,
    Api,
    event_stream,
    events,
    failure,
    response,
    whole,
)
from instrumentation.bedrock_client.wire import Bedrock, InvokeModel
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.instrumentation.utils import suppress_instrumentation
from throughline import ContentMode, drivers, names
from throughline.adapters import bedrock_bodies as bodies
from throughline.adapters.bedrock_blocks import block_part

RUNTIME = "bedrock-runtime"
COUNTS = {"x_amzn_bedrock_input_token_count": "12", "x_amzn_bedrock_output_token_count": "8"}
CONVERSE = answering(lambda: whole(HELLO))
INVOKE = answering(lambda: whole(CLAUDE, **COUNTS))


def client(handler: Any, service: str = RUNTIME, **options: Any) -> Any:
    return Api(handler, service, **options).ready()


@pytest.fixture
def no_collector() -> Any:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_attempts_are_seen_with_the_time_between_them(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    telemetry.instrument()
    clock, slept = [1_000.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(drivers, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=sleep))
    throttled, unavailable = failure("ThrottlingException", 429), failure("ServiceUnavailableException", 503)
    handler = answering(throttled, unavailable, Bedrock().unreachable(), lambda: whole(HELLO))
    client(handler, retries=4, mode=mode).converse(**ASKED)
    found = [plain(event.attributes or {}) for event in telemetry.span().events]
    assert [one.get(names.HTTP_RESPONSE_STATUS_CODE) for one in found] == [429, 503, None]
    assert found[2][names.ERROR_TYPE] == "EndpointConnectionError"
    assert [one[names.ATTEMPT_DELAY] for one in found] == pytest.approx(slept)
    assert telemetry.attributes()[names.ATTEMPT_COUNT] == 4


def test_who_gives_up_has_one_attempt_less_than_failures(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception, match="no"):
        client(answering(failure("ThrottlingException", 429)), retries=2).converse(**ASKED)
    assert len(telemetry.span().events) == 2
    assert telemetry.attributes()[names.ERROR_TYPE] == "ThrottlingException"


CALLS = [
    ("s3", "list_buckets", {}),
    ("s3", "get_object", {"Bucket": "b", "Key": "k"}),
    (
        RUNTIME,
        "apply_guardrail",
        {"guardrailIdentifier": "g", "guardrailVersion": "1", "source": "INPUT", "content": []},
    ),
    ("bedrock", "list_foundation_models", {}),
]


@pytest.mark.parametrize(("service", "name", "arguments"), CALLS, ids=[call[1] for call in CALLS])
def test_other_calls_to_aws_pass(telemetry: Telemetry, service: str, name: str, arguments: Any) -> None:
    telemetry.instrument()
    content = b"<ListAllMyBucketsResult/>" if service == "s3" else {}
    assert getattr(client(answering(lambda: whole(content)), service), name)(**arguments)
    assert not telemetry.spans()
    assert not telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)


def known(name: str) -> bool:
    """Whether the installed version knows this operation or shape of Bedrock's."""
    model = client(CONVERSE).meta.service_model
    return name in model.operation_names or name in model.shape_names


@pytest.mark.skipif(not known("CountTokens"), reason="this version cannot count")
def test_counting_tokens_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    asked = {"modelId": "m", "input": {"converse": {"messages": ASKED["messages"]}}}
    assert client(answering(lambda: whole({"inputTokens": 3}))).count_tokens(**asked)["inputTokens"] == 3
    assert not telemetry.spans()


def test_an_operation_of_the_same_name_elsewhere_is_none(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.instrument()
    api = client(CONVERSE)
    monkeypatch.setattr(api.meta.service_model, "service_name", "elsewhere")
    assert api.converse(**ASKED)
    assert not telemetry.spans()


def abandoned(telemetry: Telemetry, reason: str) -> None:
    found = telemetry.attributes()
    assert found[names.END_REASON] == reason
    assert (found[names.USAGE_INPUT_TOKENS], found[names.USAGE_OUTPUT_TOKENS]) == (12, 8)  # the headers said so
    assert names.RESPONSE_FINISH_REASONS not in found


@pytest.mark.usefixtures("no_collector")
class TestBodiesReadLater:
    """The operation goes on as long as the caller may read, and no longer."""

    def body(self, telemetry: Telemetry) -> Any:
        telemetry.instrument()
        return client(INVOKE).invoke_model(**INVOKED.request)["body"]

    def test_a_body_never_read_is_dropped(self, telemetry: Telemetry) -> None:
        body = self.body(telemetry)
        assert not telemetry.spans()
        del body
        abandoned(telemetry, "dropped")

    def test_a_body_half_read_is_dropped(self, telemetry: Telemetry) -> None:
        body = self.body(telemetry)
        assert body.read(5)
        del body
        abandoned(telemetry, "dropped")

    def test_a_body_closed_is_closed_once(self, telemetry: Telemetry) -> None:
        body = self.body(telemetry)
        body.close()
        abandoned(telemetry, "closed")
        body.close()
        del body
        abandoned(telemetry, "closed")

    def test_a_block_around_it_closes_it(self, telemetry: Telemetry) -> None:
        with self.body(telemetry):
            assert not telemetry.spans()
        abandoned(telemetry, "closed")

    def test_what_is_left_of_it_can_still_be_read(self, telemetry: Telemetry) -> None:
        read = self.body(telemetry).read
        assert not telemetry.spans()
        assert json.loads(read()) == CLAUDE
        assert telemetry.attributes()[names.END_REASON] == "completed"
        assert read() == b""
        assert telemetry.span()

    def test_it_stays_the_clients_own(self, telemetry: Telemetry) -> None:
        body = self.body(telemetry)
        assert type(body) is StreamingBody
        assert body.readable()
        assert json.loads(body.read()) == CLAUDE
        assert body.tell() == len(json.dumps(CLAUDE))

    def test_its_length_read_is_all_of_it(self, telemetry: Telemetry) -> None:
        body = self.body(telemetry)
        assert len(body.read(len(json.dumps(CLAUDE)))) > 9
        assert telemetry.attributes()[names.RESPONSE_ID] == "msg_1"


def breaking() -> Any:
    yield b'{"id": '
    raise ConnectionResetError("lost")


CUT = {**HEADERS, "content-length": "100"}
BROKEN = [
    (lambda: response(breaking(), {**HEADERS, "transfer-encoding": "chunked"}), ResponseStreamingError),
    (lambda: whole(b"{}", content_length="100"), (IncompleteReadError, ResponseStreamingError)),
]


@pytest.mark.parametrize(("answer", "error"), BROKEN)
def test_a_body_that_breaks_fails_with_what_its_reader_gets(telemetry: Telemetry, answer: Any, error: Any) -> None:
    telemetry.instrument()
    body = client(answering(answer)).invoke_model(**INVOKED.request)["body"]
    with pytest.raises(error) as caught:
        body.read()
    found = telemetry.attributes()
    assert (found[names.END_REASON], found[names.ERROR_TYPE]) == ("error", type(caught.value).__qualname__)


def test_a_file_to_send_is_left_to_the_client(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.body.read())
        return whole(CLAUDE)

    body = io.BytesIO(json.dumps(HELLO_ANTHROPIC).encode())
    client(handler).invoke_model(modelId="anthropic.claude-9", body=body)["body"].read()
    assert sent == [body.getvalue()]
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.RESPONSE_ID]) == ("chat", "msg_1")
    assert names.REQUEST_MAX_TOKENS not in found
    assert names.INPUT_MESSAGES not in found


def test_a_stub_is_recorded_too(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = Api(CONVERSE, RUNTIME, retries=1).ready()
    content = json.dumps(CLAUDE).encode()
    with Stubber(api) as stub:
        body = StreamingBody(io.BytesIO(content), len(content))
        stub.add_response("invoke_model", {"body": body, "contentType": "application/json"})
        assert api.invoke_model(**INVOKED.request)["body"].read() == content
    assert telemetry.attributes()[names.RESPONSE_ID] == "msg_1"


def test_a_request_that_the_client_refuses_is_an_error(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(ParamValidationError):
        client(CONVERSE).converse(modelId="m", messages="no list")
    assert telemetry.attributes()[names.ERROR_TYPE] == "ParamValidationError"


def test_a_stream_left_and_taken_up_again_goes_on(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = client(answering(lambda: event_stream(events(HELLO_CHUNKS)))).converse_stream(**ASKED)["stream"]
    assert [next(iter(stream)), next(iter(stream)), *stream] == HELLO_CHUNKS
    assert telemetry.attributes()[names.END_REASON] == "completed"


def test_asking_for_an_initial_response_takes_the_first_event(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = client(answering(lambda: event_stream(events(HELLO_CHUNKS)))).converse_stream(**ASKED)["stream"]
    with pytest.raises(NoInitialResponseError):
        stream.get_initial_response()
    assert list(stream) == HELLO_CHUNKS[1:]
    assert telemetry.span()


def test_an_answer_from_a_knowledge_base_comes_in_a_stream(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(answering(lambda: event_stream(events(GENERATE.chunks))), "bedrock-agent-runtime")
    assert len(list(api.retrieve_and_generate_stream(**GENERATE.request)["stream"])) == 3
    found = without_time(telemetry.attributes(), chunks=True)
    (answer,) = content_of(found)[names.OUTPUT_MESSAGES]
    assert (answer["parts"], answer["finish_reason"]) == ([{"type": "text", "content": "Wet."}], "content_filter")
    assert found.pop(names.RESPONSE_FINISH_REASONS) == ["content_filter"]
    assert found == {**GENERATE.recorded, names.REQUEST_STREAM: True, names.END_REASON: "completed"}


FAMILIES = [
    ("us-gov.anthropic.claude-9", {"messages": []}, bodies.AnthropicBody),
    ("arn:aws:bedrock:x:1:application-inference-profile/abc", HELLO_ANTHROPIC, bodies.AnthropicBody),
    ("arn:aws:bedrock:x:1:provisioned-model/abc", {"messages": [{"content": [{"text": "a"}]}]}, bodies.NovaBody),
    ("amazon.nova-canvas-v1:0", {"taskType": "TEXT_IMAGE"}, bodies.OpaqueBody),
    ("arn:aws:bedrock:x:1:imported-model/abc", {"prompt": "a"}, bodies.CompletionBody),
    ("stability.sd3-large-v1:0", {"prompt": "a cat"}, bodies.OpaqueBody),
    ("deepseek.v9", {"messages": [{"role": "user", "content": "a"}]}, bodies.ChoicesBody),
    ("arn:aws:bedrock:x::foundation-model/amazon.titan-embed-text-v1", {"inputText": "a"}, bodies.EmbeddingsBody),
    ("arn:aws:bedrock:x:1:provisioned-model/abc", {"inputText": "a"}, bodies.EmbeddingsBody),
    ("amazon.titan-tg1-large", {"inputText": "a"}, bodies.CompletionBody),
    ("arn:aws:bedrock:x:1:provisioned-model/abc", {"message": "a"}, bodies.CommandRBody),
    ("cohere.rerank-v9", {"query": "a", "documents": []}, bodies.OpaqueBody),
]


@pytest.mark.parametrize(("model", "body", "reader"), FAMILIES)
def test_the_family_of_a_model_is_known_by_name_or_body(model: str, body: Any, reader: type) -> None:
    assert type(bodies.reader_of(model, body)) is reader


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[1]", "no", "", b""])
def test_a_body_that_is_no_object_is_the_models_to_refuse(telemetry: Telemetry, content: Any) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with pytest.raises(Exception, match="no"):
        client(answering(failure("ValidationException", 400))).invoke_model(modelId="m", body=content)
    assert telemetry.attributes()[names.ERROR_TYPE] == "ValidationException"


def test_a_guardrail_that_stepped_in_is_a_filter(telemetry: Telemetry) -> None:
    telemetry.instrument()
    reply = {**BODIES["titan"].reply, "amazon-bedrock-guardrailAction": "INTERVENED"}
    client(answering(lambda: whole(reply))).invoke_model(**BODIES["titan"].request)["body"].read()
    assert telemetry.attributes()[names.RESPONSE_FINISH_REASONS] == ["content_filter"]


ODD = {
    "cited": ({"citationsContent": {"content": [{"text": "4"}], "citations": [{"title": "Sums"}]}},
              {"type": "text", "content": "4", "citations": [{"title": "Sums"}]}),
    "new": ({"somethingNew": {"text": "a", "data": b"b"}}, {"type": "somethingNew", "content": {"text": "a"}}),
    "nothing": ({"cachePoint": {"type": "default"}}, None),
    "file": ({"image": {"format": "png", "source": {"bytes": io.BytesIO()}}}, {"type": "image", "source": "unread"}),
    "words": ({"document": {"format": "txt", "source": {"text": "a"}}}, {"type": "text", "content": "a"}),
    "parts": ({"document": {"source": {"content": [{"text": "a"}]}}},
              {"type": "document", "content": [{"type": "text", "content": "a"}]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(ODD))
def test_odd_blocks_are_parts_too(kind: str) -> None:
    block, part = ODD[kind]
    assert block_part(block) == part


@pytest.mark.skipif(not known("CitationsDelta"), reason="this version knows no citations")
def test_cited_text_of_a_stream_keeps_its_citations(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    cited = [{"contentBlockDelta": {"delta": {"text": "4"}, "contentBlockIndex": 0}},
             {"contentBlockDelta": {"delta": {"citation": {"title": "Sums"}}, "contentBlockIndex": 0}}]  # fmt: skip
    list(client(answering(lambda: event_stream(events(cited)))).converse_stream(**ASKED)["stream"])
    (answer,) = json.loads(telemetry.attributes()[names.OUTPUT_MESSAGES])
    assert answer["parts"] == [{"type": "text", "content": "4", "citations": [{"title": "Sums"}]}]


@pytest.mark.parametrize("exchange", [PLAIN, INVOKED])
def test_only_ones_own_proxy_is_told_of_the_trace(telemetry: Telemetry, exchange: Any) -> None:
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers.get("traceparent"))
        return whole(exchange.reply)

    telemetry.instrument(trace_hosts=frozenset({"proxy.example"}))
    proxied = client(handler, endpoint_url="http://proxy.example:8080")
    call = "converse" if exchange is PLAIN else "invoke_model"
    getattr(proxied, call)(**exchange.request)
    getattr(client(handler), call)(**exchange.request)
    with suppress_instrumentation():
        getattr(proxied, call)(**exchange.request)
    context = telemetry.spans()[0].context
    expected = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    assert [header and str(header, "ascii") for header in sent] == [expected, None, None]
    found = telemetry.spans()[0].attributes or {}
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("proxy.example", 8080)


def test_the_last_chunk_of_a_models_stream_counts_for_models_that_do_not(telemetry: Telemetry) -> None:
    telemetry.instrument()
    counted = {"amazon-bedrock-invocationMetrics": {
        "inputTokenCount": 2, "outputTokenCount": 3, "cacheReadInputTokenCount": 40}}  # fmt: skip
    frames = InvokeModel().events([{"outputs": [{"text": "a", "stop_reason": "stop"}], **counted}])
    api = client(answering(lambda: event_stream(frames)))
    list(api.invoke_model_with_response_stream(**BODIES["mistral"].request)["body"])
    found = telemetry.attributes()
    used = (names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS, names.USAGE_CACHE_READ_INPUT_TOKENS)
    assert [found[name] for name in used] == [42, 3, 40]


def test_where_it_went_is_what_the_client_was_told(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(CONVERSE).converse(**ASKED)
    assert telemetry.attributes() == {**RECORDED, names.END_REASON: "completed"}
    assert telemetry.attributes()[names.SERVER_ADDRESS] == HOST
