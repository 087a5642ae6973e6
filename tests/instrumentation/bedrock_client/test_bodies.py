"""What only InvokeModel has: bodies that are read later, in part or never, and a family of models behind each."""

from __future__ import annotations

import gc
import io
import json
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError, ResponseStreamingError
from botocore.response import StreamingBody
from instrumentation.bedrock_client.bodies import BODIES, CLAUDE, HELLO_ANTHROPIC
from instrumentation.bedrock_client.bodies import PLAIN as INVOKED
from instrumentation.bedrock_client.transport import (
    HEADERS,
    Api,
    event_stream,
    failure,
    response,
    whole,
)
from instrumentation.bedrock_client.wire import InvokeModel
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names
from throughline.adapters import bedrock_bodies as bodies

COUNTS = {"x_amzn_bedrock_input_token_count": "12", "x_amzn_bedrock_output_token_count": "8"}
INVOKE = answering(lambda: whole(CLAUDE, **COUNTS))


def client(handler: Any) -> Any:
    return Api(handler, "bedrock-runtime").ready()


@pytest.fixture
def no_collector() -> Any:
    gc.disable()
    yield
    gc.enable()


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
