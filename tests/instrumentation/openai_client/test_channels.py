"""What goes to a span and what to a record, and which record is whose."""

from __future__ import annotations

from typing import Any

import openai
import pytest
import throughline
from instrumentation.openai_client.wire import MESSAGES, answering, chat_reply, client, json_response
from instrumentation.telemetry import Telemetry
from opentelemetry import context, trace
from throughline import ContentMode, names
from throughline.instruments import SECONDS, TOKENS

REFUSAL = {"error": {"message": "CANARY is not a valid prompt", "code": "invalid"}}


def _call(handler: Any = None) -> None:
    said = client(handler or answering(json_response(chat_reply())))
    said.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def _ids(telemetry: Telemetry) -> list[str]:
    return [r.attributes[names.RECORD_ID] for r in telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)]


@pytest.mark.parametrize(
    ("content", "on_span", "on_event"),
    [
        (ContentMode.NO_CONTENT, False, False),
        (ContentMode.SPAN_ONLY, True, False),
        (ContentMode.EVENT_ONLY, False, True),
        (ContentMode.SPAN_AND_EVENT, True, True),
    ],
)
def test_an_error_message_goes_where_content_goes(
    telemetry: Telemetry, content: ContentMode, on_span: bool, on_event: bool
) -> None:
    telemetry.instrument(content=content)
    with pytest.raises(openai.BadRequestError):
        _call(answering(json_response(REFUSAL, 400)))
    (exception,) = telemetry.events(names.CLIENT_OPERATION_EXCEPTION)
    assert (
        "CANARY" in (telemetry.span().status.description or "") if on_span else not telemetry.span().status.description
    )
    assert (names.EXCEPTION_MESSAGE in exception.attributes) is on_event


def test_no_events_means_none_of_an_exception_either(telemetry: Telemetry) -> None:
    telemetry.instrument(emit_records=False)
    with pytest.raises(openai.BadRequestError):
        _call(answering(json_response(REFUSAL, 400)))
    assert not telemetry.log_exporter.get_finished_logs()


def test_calls_under_a_remote_parent_keep_their_records_apart_where_nobody_makes_spans(telemetry: Telemetry) -> None:
    throughline.instrument(tracer_provider=trace.NoOpTracerProvider(), logger_provider=telemetry.logger_provider)
    remote = trace.NonRecordingSpan(trace.SpanContext(0xABC, 0xDEF, is_remote=True))
    token = context.attach(trace.set_span_in_context(remote))
    _call()
    _call()
    context.detach(token)
    assert len(set(_ids(telemetry))) == 2


@pytest.mark.complains
def test_two_calls_under_one_span_of_another_tracer_keep_their_records_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    foreign = telemetry.tracer_provider.get_tracer("opentelemetry.instrumentation.openai.v1")
    with foreign.start_as_current_span("chat", attributes={names.REQUEST_MODEL: "gpt-4o"}):
        _call()
        _call()
    assert len(set(_ids(telemetry))) == 2


@pytest.mark.parametrize(
    ("scope", "operation"),
    [("opentelemetry.instrumentation.openai_agents", None), ("openlit.otel.tracing", "invoke_agent")],
)
def test_an_agent_of_another_tracer_is_no_model_call(telemetry: Telemetry, scope: str, operation: str | None) -> None:
    telemetry.instrument()
    marks = {names.REQUEST_MODEL: "gpt-4o", **({names.OPERATION_NAME: operation} if operation else {})}
    with telemetry.tracer_provider.get_tracer(scope).start_as_current_span("agent", attributes=marks):
        _call()
        _call()
    assert [span.name for span in telemetry.spans()] == ["chat gpt-4o", "chat gpt-4o", "agent"]


def test_no_trace_is_sent_on_where_there_is_none(telemetry: Telemetry) -> None:
    seen: list[Any] = []

    def handler(request: Any) -> Any:
        seen.append(request.headers.get("traceparent"))
        return json_response(chat_reply())

    settings = throughline.Settings(trace_hosts=frozenset({"api.openai.com"}))
    throughline.instrument(settings=settings, tracer_provider=trace.NoOpTracerProvider())
    _call(handler)
    assert seen == [None]


def test_records_can_be_turned_off(telemetry: Telemetry) -> None:
    telemetry.instrument(emit_records=False, content=ContentMode.EVENT_ONLY)
    _call()
    assert telemetry.span()
    assert not telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)


def test_buckets_are_those_of_the_conventions() -> None:
    assert SECONDS == (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
    assert TOKENS[:4] == (1, 4, 16, 64)
    assert TOKENS[-1] == 67108864
