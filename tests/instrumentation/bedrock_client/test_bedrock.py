"""What only botocore's clients for Bedrock have: retries of every mode, other services, streams left and resumed."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.eventstream import NoInitialResponseError
from botocore.exceptions import ClientError, ParamValidationError
from botocore.response import StreamingBody
from botocore.stub import Stubber
from instrumentation.bedrock_client.bodies import CLAUDE
from instrumentation.bedrock_client.bodies import PLAIN as INVOKED
from instrumentation.bedrock_client.exchanges import ASKED, GENERATE, HELLO, HELLO_CHUNKS, HOST, PLAIN, RECORDED
from instrumentation.bedrock_client.transport import (
    Api,
    event_stream,
    events,
    failure,
    whole,
)
from instrumentation.bedrock_client.wire import Bedrock
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.instrumentation.utils import suppress_instrumentation
from throughline import ContentMode, attempts, names
from throughline.adapters.bedrock_blocks import block_part

RUNTIME = "bedrock-runtime"
CONVERSE = answering(lambda: whole(HELLO))


def client(handler: Any, service: str = RUNTIME, **options: Any) -> Any:
    return Api(handler, service, **options).ready()


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
def test_attempts_are_seen_with_the_time_between_them(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    telemetry.instrument()
    clock, slept = [1_000.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(attempts, "perf_counter", lambda: clock[0])
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


@pytest.mark.parametrize(("method", "arguments"), [("converse", ASKED), ("invoke_model", INVOKED.request)])
def test_a_refusal_has_the_id_by_which_aws_finds_it(telemetry: Telemetry, method: str, arguments: Any) -> None:
    telemetry.instrument()
    with pytest.raises(ClientError):
        getattr(client(answering(failure("ValidationException", 400))), method)(**arguments)
    assert telemetry.attributes()[names.AWS_REQUEST_ID] == "r-1"


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


def test_where_it_went_is_what_the_client_was_told(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(CONVERSE).converse(**ASKED)
    found = without_time(telemetry.attributes(), chunks=False)
    assert found == {**RECORDED, names.END_REASON: "completed"}
    assert found[names.SERVER_ADDRESS] == HOST
