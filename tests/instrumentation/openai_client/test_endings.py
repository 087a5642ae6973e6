"""How operations end in ways that only this client has; the others are in the scenarios of every client."""

from __future__ import annotations

import gc
from typing import Any

import openai
import pytest
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    stream_response,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry._logs import SeverityNumber
from throughline import names

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


def streams(*words: str) -> Any:
    return answering(lambda: stream_response(event_stream(chat_chunks(*words))))


def one_end(telemetry: Telemetry, reason: str) -> dict[str, Any]:
    """The attributes of the only span, which must agree with the only record."""
    span, record = telemetry.span(), telemetry.record()
    assert span.attributes[names.END_REASON] == record.attributes[names.END_REASON] == reason
    assert (span.context.trace_id, span.context.span_id) == (record.trace_id, record.span_id)
    return telemetry.attributes()


def test_closing_the_http_response_closes_the_stream(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = client(streams("a", "b")).chat.completions.create(**ARGUMENTS, stream=True)
    next(stream)
    stream.response.close()
    assert one_end(telemetry, "closed")[names.RESPONSE_ID] == "chatcmpl-1"


def test_an_error_is_an_event_of_its_own_and_a_warning(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(openai.InternalServerError):
        client(answering(json_response({}, 500)), max_retries=0).chat.completions.create(**ARGUMENTS)
    (exception,) = telemetry.events(names.CLIENT_OPERATION_EXCEPTION)
    assert plain(exception.attributes) == {names.EXCEPTION_TYPE: "InternalServerError"}
    assert exception.severity_number is SeverityNumber.WARN


def test_a_delay_is_the_one_that_the_provider_asked_for(telemetry: Telemetry) -> None:
    telemetry.instrument()
    limited = json_response({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "5"})
    client(answering(limited, json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    (attempt,) = telemetry.span().events
    assert (attempt.attributes or {})[names.ATTEMPT_DELAY] == pytest.approx(0.005)


@pytest.mark.parametrize("kind", ["raw", "streaming"])
def test_an_unread_raw_stream_ends_once(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument()
    chat = client(streams("a", "b")).chat.completions
    if kind == "raw":
        response = chat.with_raw_response.create(**ARGUMENTS, stream=True)
        del response
        gc.collect()
        one_end(telemetry, "dropped")
    else:
        with chat.with_streaming_response.create(**ARGUMENTS, stream=True):
            pass
        one_end(telemetry, "closed")


def test_attempts_that_all_fail_are_counted(telemetry: Telemetry) -> None:
    telemetry.instrument()
    limited = json_response({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "1"})
    with pytest.raises(openai.RateLimitError):
        client(answering(limited), max_retries=2).chat.completions.create(**ARGUMENTS)
    assert len(telemetry.span().events) == 2
    assert one_end(telemetry, "error")[names.ATTEMPT_COUNT] == 3


def test_one_attempt_is_not_worth_mentioning(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(answering(json_response(chat_reply()))).chat.completions.create(**ARGUMENTS)
    assert names.ATTEMPT_COUNT not in one_end(telemetry, "completed")
