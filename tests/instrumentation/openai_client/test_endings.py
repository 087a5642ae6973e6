"""How operations end: abandoned streams, errors, cancelled tasks, retries; one span and one record each time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
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
    http,
    json_response,
    stream_response,
)
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import StatusCode
from throughline import ContentMode, names

ARGUMENTS: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}


class OurError(Exception):
    """What an application may raise while it reads a stream."""


def streams(*words: str) -> Any:
    return answering(lambda: stream_response(event_stream(chat_chunks(*words))))


def one_end(telemetry: Telemetry, reason: str) -> dict[str, Any]:
    """The attributes of the only span, which must agree with the only record."""
    span, record = telemetry.span(), telemetry.record()
    assert span.attributes[names.END_REASON] == record.attributes[names.END_REASON] == reason
    assert (span.context.trace_id, span.context.span_id) == (record.trace_id, record.span_id)
    return telemetry.attributes()


def broken_off(stream: Any) -> None:
    for _ in stream:
        break
    del stream


def with_block(stream: Any) -> None:
    with stream:
        next(iter(stream))


def closed(stream: Any) -> None:
    next(stream)
    stream.close()


def closed_twice(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def http_closed(stream: Any) -> None:
    next(stream)
    stream.response.close()


def never_read(stream: Any) -> None:
    del stream


def consumer_raises(stream: Any) -> None:
    with pytest.raises(OurError), stream:
        for _ in stream:
            raise OurError


def drained_and_closed(stream: Any) -> None:
    with stream:
        for _ in stream:
            pass


@pytest.mark.parametrize(
    ("abandon", "reason", "read"),
    [
        (broken_off, "dropped", True),
        (with_block, "closed", True),
        (closed, "closed", True),
        (closed_twice, "closed", True),
        (http_closed, "closed", True),
        (never_read, "dropped", False),
        (consumer_raises, "closed", True),
        (drained_and_closed, "completed", True),
    ],
)
def test_a_sync_stream_ends_once(telemetry: Telemetry, abandon: Callable[[Any], None], reason: str, read: bool) -> None:
    gc.disable()  # a dropped stream ends at once, not when the collector comes by
    try:
        telemetry.instrument()
        abandon(client(streams("a", "b")).chat.completions.create(**ARGUMENTS, stream=True))
        found = one_end(telemetry, reason)
    finally:
        gc.enable()
    assert (found.get(names.RESPONSE_ID) == "chatcmpl-1") is read
    assert (names.USAGE_INPUT_TOKENS in found) is (reason == "completed")
    assert telemetry.span().status.status_code is StatusCode.UNSET


async def abroken_off(stream: Any) -> None:
    async for _ in stream:
        break
    del stream


async def awith_block(stream: Any) -> None:
    async with stream:
        await anext(aiter(stream))


async def aclosed(stream: Any) -> None:
    await anext(stream)
    await stream.close()


async def anever_read(stream: Any) -> None:
    del stream


async def aconsumer_raises(stream: Any) -> None:
    with pytest.raises(OurError):
        async with stream:
            async for _ in stream:
                raise OurError


async def adrained_and_closed(stream: Any) -> None:
    async with stream:
        async for _ in stream:
            pass


@pytest.mark.parametrize(
    ("abandon", "reason"),
    [
        (abroken_off, "dropped"),
        (awith_block, "closed"),
        (aclosed, "closed"),
        (anever_read, "dropped"),
        (aconsumer_raises, "closed"),
        (adrained_and_closed, "completed"),
    ],
)
async def test_an_async_stream_ends_once(telemetry: Telemetry, abandon: Callable[[Any], Any], reason: str) -> None:
    telemetry.instrument()
    api = client(streams("a", "b"), openai.AsyncOpenAI)
    await abandon(await api.chat.completions.create(**ARGUMENTS, stream=True))
    for _ in range(10):  # the event loop itself closes an async generator that was let go
        await asyncio.sleep(0)
    one_end(telemetry, reason)


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


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_stream_that_breaks_keeps_what_came(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)

    def breaking() -> Any:
        yield from list(event_stream(chat_chunks("a", "b", "c"), done=False))[:3]
        raise http.ReadError("connection lost")

    handler = answering(lambda: stream_response(breaking()))
    raised = openai.APIConnectionError, http.ReadError
    with pytest.raises(raised) as caught:
        if kind == "sync":
            list(client(handler).chat.completions.create(**ARGUMENTS, stream=True))
        else:
            api = client(handler, openai.AsyncOpenAI)
            _ = [chunk async for chunk in await api.chat.completions.create(**ARGUMENTS, stream=True)]
    found = one_end(telemetry, "error")
    assert found[names.ERROR_TYPE] == type(caught.value).__qualname__
    assert '"content":"ab"' in found[names.OUTPUT_MESSAGES]


ERRORS: list[tuple[Any, type[BaseException], str]] = [
    (lambda: json_response({"error": {"message": "no such model"}}, 404), openai.NotFoundError, "NotFoundError"),
    (lambda: json_response({"error": {"message": "slow down"}}, 429), openai.RateLimitError, "RateLimitError"),
    (lambda: json_response({"error": {"message": "oops"}}, 500), openai.InternalServerError, "InternalServerError"),
    (http.ReadTimeout("slow"), openai.APITimeoutError, "APITimeoutError"),
    (http.ConnectError("refused"), openai.APIConnectionError, "APIConnectionError"),
]


@pytest.mark.parametrize(("answer", "error", "name"), ERRORS)
@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_a_failed_call_says_so_everywhere(
    telemetry: Telemetry, answer: Any, error: type[BaseException], name: str, kind: str
) -> None:
    telemetry.instrument()
    with pytest.raises(error):
        if kind == "sync":
            client(answering(answer), max_retries=0).chat.completions.create(**ARGUMENTS)
        else:
            await client(answering(answer), openai.AsyncOpenAI, max_retries=0).chat.completions.create(**ARGUMENTS)
    assert one_end(telemetry, "error")[names.ERROR_TYPE] == name
    assert telemetry.span().status.status_code is StatusCode.ERROR
    assert telemetry.record().attributes[names.ERROR_TYPE] == name
    (point,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert point.attributes[names.ERROR_TYPE] == name
    (exception,) = telemetry.events(names.CLIENT_OPERATION_EXCEPTION)
    assert plain(exception.attributes) == {names.EXCEPTION_TYPE: name}
    assert exception.severity_number.value == 13


def test_the_callers_own_error_is_his_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    error = OurError("from a transport")

    def raising(_request: Any) -> Any:
        raise error

    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is depends on the client's version
        client(raising, max_retries=0).chat.completions.create(**ARGUMENTS)
    assert caught.value is error or caught.value.__cause__ is error
    one_end(telemetry, "error")


async def test_a_cancelled_call_is_no_success(telemetry: Telemetry) -> None:
    telemetry.instrument()
    asked = asyncio.Event()

    async def never(_request: Any) -> Any:
        asked.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(client(never, openai.AsyncOpenAI).chat.completions.create(**ARGUMENTS))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one_end(telemetry, "cancelled")[names.ERROR_TYPE] == "CancelledError"
    assert telemetry.span().status.status_code is StatusCode.ERROR


async def test_a_task_cancelled_while_it_reads_is_no_success(telemetry: Telemetry) -> None:
    telemetry.instrument()
    asked = asyncio.Event()

    class Endless(http.AsyncByteStream):
        async def __aiter__(self) -> Any:
            yield next(iter(event_stream(chat_chunks("a"), done=False)))
            asked.set()
            await asyncio.Event().wait()

    def endless(_request: Any) -> Any:
        return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Endless())

    async def read() -> None:
        api = client(endless, openai.AsyncOpenAI)
        async for _ in await api.chat.completions.create(**ARGUMENTS, stream=True):
            pass

    task = asyncio.create_task(read())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert one_end(telemetry, "cancelled")[names.ERROR_TYPE] == "CancelledError"


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_operation_too(telemetry: Telemetry, error: type[BaseException]) -> None:
    telemetry.instrument()

    def interrupted(_request: Any) -> Any:
        raise error

    with pytest.raises(error):
        client(interrupted).chat.completions.create(**ARGUMENTS)
    assert one_end(telemetry, "error")[names.ERROR_TYPE] == error.__name__


async def test_thousand_streams_abandoned_across_tasks_leave_no_complaint(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    telemetry.instrument()
    api = client(streams("a", "b"), openai.AsyncOpenAI)

    async def begin() -> Any:
        stream = await api.chat.completions.create(**ARGUMENTS, stream=True)
        await anext(stream)
        return stream

    async def abandon(stream: Any, how: int) -> None:
        if how == 0:
            await stream.close()

    begun = [await asyncio.create_task(begin()) for _ in range(1000)]
    await asyncio.gather(*(abandon(begun.pop(), number % 2) for number in range(1000)))
    gc.collect()
    await asyncio.sleep(0)
    assert len(telemetry.spans()) == 1000
    assert not [line for line in caplog.messages if "detach" in line.lower() or "different context" in line.lower()]


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_each_attempt_is_visible_with_its_delay(telemetry: Telemetry, kind: str) -> None:
    telemetry.instrument()
    limited = json_response({"error": {"message": "slow down"}}, 429, {"retry-after-ms": "5"})
    handler = answering(limited, http.ConnectError("refused"), json_response(chat_reply()))
    if kind == "sync":
        client(handler).chat.completions.create(**ARGUMENTS)
    else:
        await client(handler, openai.AsyncOpenAI).chat.completions.create(**ARGUMENTS)
    first, second = telemetry.span().events
    assert first.name == second.name == "throughline.attempt"
    assert dict(first.attributes) == {
        names.ATTEMPT_NUMBER: 1,
        names.HTTP_RESPONSE_STATUS_CODE: 429,
        names.ATTEMPT_DELAY: pytest.approx(0.005),
    }
    assert (second.attributes[names.ATTEMPT_NUMBER], second.attributes[names.ERROR_TYPE]) == (2, "ConnectError")
    assert second.attributes[names.ATTEMPT_DELAY] > 0
    assert one_end(telemetry, "completed")[names.ATTEMPT_COUNT] == 3


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
