"""What only Anthropic's client has: other clouds, its own tracing, the tool runner, beta messages, token counting."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
import throughline
from instrumentation.anthropic_client.exchanges import ASKED, CALLED, HELLO, HELLO_CHUNKS, RECORDED, TOOLS
from instrumentation.anthropic_client.wire import Anthropic, client, event_stream, events, http
from instrumentation.aws_frames import aws_event
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.telemetry import Telemetry
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from throughline import ContentMode, names

traces_itself = pytest.mark.skipif(
    not hasattr(anthropic._base_client, "start_api_call_span"), reason="this version has no tracing of its own"
)


def replying(body: Any = HELLO) -> Any:
    return answering(lambda: http.Response(200, json=body))


def streaming() -> Any:
    return answering(lambda: event_stream(events(HELLO_CHUNKS)))


BEDROCK = {"aws_access_key": "a", "aws_secret_key": "s", "aws_region": "eu-west-1"}
VERTEX = {"region": "europe-west1", "project_id": "p", "access_token": "t"}
CLOUDS = [
    ("AnthropicBedrock", BEDROCK, "aws.bedrock", "bedrock-runtime.eu-west-1.amazonaws.com"),
    ("AnthropicVertex", VERTEX, "gcp.vertex_ai", "europe-west1-aiplatform.googleapis.com"),
]


@pytest.mark.parametrize(("kind", "options", "provider", "host"), CLOUDS)
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_other_clouds_are_named_and_keep_the_model(
    telemetry: Telemetry, kind: str, options: dict[str, Any], provider: str, host: str, asynchronous: bool
) -> None:
    telemetry.instrument()
    api = client(replying(), getattr(anthropic, f"Async{kind}" if asynchronous else kind), **options)
    result = api.messages.create(**ASKED)
    assert (await result if asynchronous else result).id == "msg_1"
    expected = {**RECORDED, names.PROVIDER_NAME: provider, names.SERVER_ADDRESS: host}
    assert without_time(telemetry.attributes(), chunks=False) == {**expected, names.END_REASON: "completed"}


@pytest.mark.parametrize("helper", [False, True])
def test_a_stream_of_bedrock_is_read_in_its_own_frames(telemetry: Telemetry, helper: bool) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    frames = [aws_event(chunk) for chunk in HELLO_CHUNKS]
    handler = answering(lambda: event_stream(frames, "application/vnd.amazon.eventstream"))
    messages = client(handler, anthropic.AnthropicBedrock, **BEDROCK).messages
    if helper:
        with messages.stream(**ASKED) as stream:
            assert stream.get_final_message().content[0].text == "Hello."
    else:
        assert len(list(messages.create(**ASKED, stream=True))) == len(HELLO_CHUNKS)
    found = without_time(telemetry.attributes(), chunks=True)
    assert content_of(found)[names.OUTPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Hello."}]
    assert (found[names.USAGE_INPUT_TOKENS], found[names.USAGE_OUTPUT_TOKENS]) == (11, 7)
    assert found[names.END_REASON] == "completed"


def global_tracing(monkeypatch: pytest.MonkeyPatch, provider: TracerProvider) -> None:
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(trace, "get_tracer", lambda *args, **_: provider.get_tracer(*args[:2]))


@traces_itself
@pytest.mark.parametrize("way", ["reply", "stream", "helper", "raw stream"])
async def test_the_clients_own_tracing_doubles_nothing_and_tells_the_provider_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    global_tracing(monkeypatch, telemetry.tracer_provider)
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers)
        return (replying() if way == "reply" else streaming())(request)

    await Anthropic().call(way, client(handler), ASKED)
    assert [span.instrumentation_scope.name for span in telemetry.spans()] == ["com.anthropic.sdk.python"]
    assert "traceparent" in sent[0]
    telemetry.span_exporter.clear()
    telemetry.instrument()
    await Anthropic().call(way, client(handler), ASKED)
    assert telemetry.span().instrumentation_scope.name == "throughline"
    assert "traceparent" not in sent[1]
    telemetry.span_exporter.clear()
    throughline.uninstrument()
    await Anthropic().call(way, client(handler), ASKED)
    assert [span.instrumentation_scope.name for span in telemetry.spans()] == ["com.anthropic.sdk.python"]


@pytest.mark.parametrize("way", ["beta reply", "beta stream", "async beta reply", "beta helper"])
async def test_beta_messages_are_messages(telemetry: Telemetry, way: str) -> None:
    if "helper" in way and not hasattr(anthropic.Anthropic(api_key="k").beta.messages, "stream"):
        pytest.skip("this version has no helper for beta streams")
    telemetry.instrument()
    handler = replying() if way.endswith("reply") else streaming()
    cls = anthropic.AsyncAnthropic if way.startswith("async") else anthropic.Anthropic
    await Anthropic().call(way, client(handler, cls), ASKED)
    streamed = {} if way.endswith("reply") else {names.REQUEST_STREAM: True}
    found = without_time(telemetry.attributes(), chunks=bool(streamed))
    assert found == {**RECORDED, **streamed, names.END_REASON: "completed"}


@pytest.mark.skipif(not hasattr(anthropic, "beta_tool"), reason="this version has no tool runner")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_turn_of_the_tool_runner_is_an_operation(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather.

        Args:
            city: Where.
        """
        return f"Rain in {city}."

    handler = answering(lambda: http.Response(200, json=CALLED), lambda: http.Response(200, json=HELLO))
    runner = client(handler).beta.messages.tool_runner(**ASKED, tools=[weather])
    assert runner.until_done().content[0].text == "Hello."
    first, second = telemetry.spans()
    assert [span.attributes[names.RESPONSE_FINISH_REASONS] for span in (first, second)] == [("tool_call",), ("stop",)]
    assert json.loads(first.attributes[names.OUTPUT_MESSAGES]) == TOOLS.content[names.OUTPUT_MESSAGES]
    *before, answered = json.loads(second.attributes[names.INPUT_MESSAGES])
    assert "Rain in Oslo." in json.dumps(answered["parts"])
    if not before:  # the newest versions let the server keep the conversation, and name the reply they continue
        assert second.attributes[names.REQUEST_PREVIOUS_RESPONSE_ID] == "msg_1"


def test_counting_tokens_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    counted = client(replying({"input_tokens": 3})).messages.count_tokens(model="m", messages=ASKED["messages"])
    assert counted.input_tokens == 3
    assert not telemetry.spans()
    assert not telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)


def test_an_error_in_a_stream_read_as_bytes_is_an_error(telemetry: Telemetry) -> None:
    telemetry.instrument()
    failed = {"type": "error", "error": {"type": "overloaded_error", "message": "no"}}
    handler = answering(lambda: event_stream(events([*HELLO_CHUNKS[:3], failed])))
    with client(handler).messages.with_streaming_response.create(**ASKED, stream=True) as response:
        list(response.iter_bytes())
    found = telemetry.attributes()
    assert (found[names.ERROR_TYPE], found[names.END_REASON]) == ("overloaded_error", "error")
    assert found[names.RESPONSE_ID] == "msg_1"


def test_an_early_close_of_a_helper_keeps_what_came(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with client(streaming()).messages.stream(**ASKED) as stream:
        assert next(iter(stream.text_stream)) == "Hel"
    found = without_time(telemetry.attributes(), chunks=True)
    assert content_of(found)[names.OUTPUT_MESSAGES] == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Hel"}], "finish_reason": "closed"}
    ]
    assert found[names.END_REASON] == "closed"
