"""Scenarios of how operations end, for every client: abandoned, broken, refused, cancelled or tried again, but once."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, ClassVar

import pytest
from instrumentation.scenarios import Client, answering, check_record, needs
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import StatusCode
from throughline import ContentMode, names


class OurError(Exception):
    """What an application may raise while it reads a stream."""


def says(error: BaseException) -> set[str]:
    """What may be its `error.type`: its class, or the HTTP status of a class that stands for all refusals."""
    told = [error, getattr(error, "response", None)]
    statuses = {str(getattr(one, name, None)) for one in told for name in ("status_code", "code")}
    return {type(error).__qualname__, *statuses}


def one_end(telemetry: Telemetry, reason: str, error: str | None = None) -> dict[str, Any]:
    """The attributes of the only span, which ended for this reason and error and agrees with the only record."""
    found = telemetry.attributes()
    assert (found[names.END_REASON], found.get(names.ERROR_TYPE)) == (reason, error)
    assert telemetry.span().status.status_code is (StatusCode.ERROR if error else StatusCode.UNSET)
    (duration,) = telemetry.points()["gen_ai.client.operation.duration"]
    assert (duration.count, duration.attributes.get(names.ERROR_TYPE)) == (1, error)
    exceptions = telemetry.events(names.CLIENT_OPERATION_EXCEPTION)
    assert [event.attributes[names.EXCEPTION_TYPE] for event in exceptions] == ([error] if error else [])
    check_record(telemetry, telemetry.attributes())
    return found


def broken_off(stream: Any) -> None:
    for _ in stream:
        break


def with_block(stream: Any) -> None:
    with stream:
        next(iter(stream))


def closed_twice(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def never_read(stream: Any) -> None:
    del stream


def consumer_raises(stream: Any) -> None:
    with pytest.raises(OurError), stream:
        for _ in stream:
            raise OurError


def drained(stream: Any) -> None:
    with stream:
        for _ in stream:
            pass


ABANDONED = [(broken_off, "dropped"), (with_block, "closed"), (closed_twice, "closed"), (never_read, "dropped"),
             (consumer_raises, "closed"), (drained, "completed")]  # fmt: skip


async def abroken_off(stream: Any) -> None:
    async for _ in stream:
        break


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


async def adrained(stream: Any) -> None:
    async with stream:
        async for _ in stream:
            pass


ABANDONED_ASYNC = [(abroken_off, "dropped"), (awith_block, "closed"), (aclosed, "closed"), (anever_read, "dropped"),
                   (aconsumer_raises, "closed"), (adrained, "completed")]  # fmt: skip


class Endings:
    """One span and one record however a call ends, with what came until then."""

    client: ClassVar[Client]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "refusal" in metafunc.fixturenames:
            metafunc.parametrize("refusal", list(self.client.refusals))
        if "abandon" in metafunc.fixturenames:
            asynchronous = "async" in metafunc.function.__name__
            own = self.client.abandoned_async if asynchronous else self.client.abandoned
            ways = (ABANDONED_ASYNC if asynchronous else ABANDONED) if own is None else own
            metafunc.parametrize(("abandon", "reason"), ways)

    def api(self, *answers: Any, asynchronous: bool = False, retries: int = 0) -> Any:
        return self.client.api(answering(*answers), asynchronous=asynchronous, retries=retries)

    def streams(self) -> Any:
        return self.client.answer(self.client.exchange, streamed=True)

    async def read(self, api: Any, *, asynchronous: bool) -> None:
        if asynchronous:
            _ = [chunk async for chunk in await self.client.stream(api, self.client.exchange.request)]
        else:
            list(self.client.stream(api, self.client.exchange.request))

    @needs("stream")
    def test_a_stream_ends_once(self, telemetry: Telemetry, abandon: Any, reason: str) -> None:
        telemetry.instrument()
        gc.disable()  # a dropped stream ends at once, not when the collector comes by
        try:
            abandon(self.client.stream(self.api(self.streams()), self.client.exchange.request))
            found = one_end(telemetry, reason)
        finally:
            gc.enable()
        told = names.RESPONSE_FINISH_REASONS in self.client.exchange.recorded
        assert (names.RESPONSE_FINISH_REASONS in found) is (told and reason == "completed")

    @needs("stream", "async")
    async def test_an_async_stream_ends_once(self, telemetry: Telemetry, abandon: Any, reason: str) -> None:
        telemetry.instrument()
        api = self.api(self.streams(), asynchronous=True)
        await abandon(await self.client.stream(api, self.client.exchange.request))
        for _ in range(10):  # the event loop itself closes an async generator that was let go
            await asyncio.sleep(0)
        one_end(telemetry, reason)

    @needs("stream", "async")
    async def test_streams_left_in_other_tasks_leave_no_complaint(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        api = self.api(self.streams(), asynchronous=True)
        ways = self.client.abandoned_async or ABANDONED_ASYNC

        async def begin() -> Any:
            return await self.client.stream(api, self.client.exchange.request)

        begun = [await asyncio.create_task(begin()) for _ in range(60)]
        while begun:
            await asyncio.create_task(ways[len(begun) % len(ways)][0](begun.pop()))
        for _ in range(10):
            await asyncio.sleep(0)
        telemetry.ended(60)  # and the log, in which OpenTelemetry says what it cannot detach, stays empty
        assert len(telemetry.spans()) == 60

    @needs("stream")
    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_a_stream_that_breaks_keeps_what_came(self, telemetry: Telemetry, asynchronous: bool) -> None:
        telemetry.instrument(content=ContentMode.SPAN_ONLY)
        broken = self.client.breaking(self.client.lost(), after=len(self.client.exchange.chunks) - 2)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is depends on the client's version
            await self.read(self.api(broken, asynchronous=asynchronous), asynchronous=asynchronous)
        found = telemetry.attributes()
        assert (found[names.END_REASON], found[names.ERROR_TYPE]) == ("error", type(caught.value).__qualname__)
        whole = self.client.exchange.content[names.OUTPUT_MESSAGES][0]["parts"][0]["content"]
        assert f'"content":"{whole}"' in found[names.OUTPUT_MESSAGES]

    @needs("stream")
    @pytest.mark.parametrize("asynchronous", [False, True])
    async def test_the_providers_error_amid_a_stream(self, telemetry: Telemetry, asynchronous: bool) -> None:
        telemetry.instrument()
        chunk, error = self.client.refused_midway()
        chunks = [*self.client.exchange.chunks[:2], chunk]
        api = self.api(lambda: self.client.event_stream(self.client.events(chunks)), asynchronous=asynchronous)
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
            await self.read(api, asynchronous=asynchronous)
        assert error in says(caught.value)
        one_end(telemetry, "error", error)

    @pytest.mark.parametrize("way", ["reply", "stream", "async reply", "async stream"])
    async def test_a_refused_call_says_so_everywhere(self, telemetry: Telemetry, refusal: str, way: str) -> None:
        answer, error = self.client.refusals[refusal]
        telemetry.instrument()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - each client has its own
            api = self.api(answer, asynchronous=way.startswith("async"))
            await self.client.call(way, api, self.client.exchange.request)
        assert error in says(caught.value)
        one_end(telemetry, "error", error)

    @needs("stream")
    def test_the_callers_own_error_is_his_own(self, telemetry: Telemetry) -> None:
        error = OurError("from a transport")
        telemetry.instrument()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - some clients wrap it
            self.client.stream(self.api(error), self.client.exchange.request)
        assert error in (caught.value, caught.value.__cause__)
        one_end(telemetry, "error", type(caught.value).__qualname__)

    @needs("stream")
    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    def test_an_interrupt_ends_the_operation_too(self, telemetry: Telemetry, interrupt: type[BaseException]) -> None:
        telemetry.instrument()
        with pytest.raises(interrupt):
            self.client.stream(self.api(interrupt()), self.client.exchange.request)
        one_end(telemetry, "error", interrupt.__name__)

    @needs("async")
    async def test_a_cancelled_call_is_no_success(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        asked = asyncio.Event()

        async def never(_request: Any) -> Any:
            asked.set()
            await asyncio.Event().wait()

        api = self.client.api(never, asynchronous=True)
        await self.cancelled(self.client.call("async reply", api, self.client.exchange.request), asked)
        one_end(telemetry, "cancelled", "CancelledError")

    @needs("stream", "async")
    async def test_a_task_cancelled_while_it_reads_is_no_success(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        asked, first = asyncio.Event(), list(self.client.events(self.client.exchange.chunks[:1]))

        api = self.api(lambda: self.client.endless(first, asked), asynchronous=True)
        await self.cancelled(self.read(api, asynchronous=True), asked)
        one_end(telemetry, "cancelled", "CancelledError")

    async def cancelled(self, work: Any, asked: asyncio.Event) -> None:
        task = asyncio.create_task(work)
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    @pytest.mark.parametrize("way", ["reply", "async reply"])
    async def test_retries_are_seen(self, telemetry: Telemetry, way: str) -> None:
        telemetry.instrument()
        overloaded, status = self.client.overloaded
        answers = (overloaded, overloaded, self.client.answer(self.client.exchange, streamed=False))
        api = self.api(*answers, asynchronous=way.startswith("async"), retries=2)
        try:
            raise OurError  # noqa: TRY301 - what the application handles meanwhile is not why it is tried again
        except OurError:
            await self.client.call(way, api, self.client.exchange.request)
        events = [(event.name, plain(event.attributes or {})) for event in telemetry.span().events]
        delays = [attributes.pop(names.ATTEMPT_DELAY) for _, attributes in events]
        assert all(delay >= 0 for delay in delays)
        assert events == [
            ("throughline.attempt", {names.ATTEMPT_NUMBER: number, names.HTTP_RESPONSE_STATUS_CODE: status})
            for number in (1, 2)
        ]
        assert one_end(telemetry, "completed")[names.ATTEMPT_COUNT] == 3

    async def test_a_connection_that_failed_is_an_attempt_too(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        api = self.api(self.client.unreachable(), self.client.answer(self.client.exchange, streamed=False), retries=1)
        await self.client.call("reply", api, self.client.exchange.request)
        (event,) = telemetry.span().events
        assert names.ERROR_TYPE in (event.attributes or {})
        assert one_end(telemetry, "completed")[names.ATTEMPT_COUNT] == 2
