"""Streams that are bare generators, for every client: how they are left, and what holds from their first step on."""

from __future__ import annotations

from contextlib import aclosing, closing
from typing import Any, ClassVar

import pytest
from instrumentation.endings import OurError, one_end
from instrumentation.scenarios import Client, answering
from instrumentation.telemetry import Telemetry

LAZY = "a stream asks nothing of anybody before its first step; generators.FirstStep holds it from there"
CANNOT = {"test_the_callers_own_error_is_his_own": LAZY, "test_an_interrupt_ends_the_operation_too": LAZY}


def broken_off(stream: Any) -> None:
    for _ in stream:
        break


def closed_twice(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def consumer_raises(stream: Any) -> None:
    with pytest.raises(OurError), closing(stream):
        for _ in stream:
            raise OurError


def drained(stream: Any) -> None:
    for _ in stream:
        pass


async def abroken_off(stream: Any) -> None:
    async for _ in stream:
        break


async def aclosed_twice(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()
    await stream.aclose()


async def aconsumer_raises(stream: Any) -> None:
    with pytest.raises(OurError):
        async with aclosing(stream):
            async for _ in stream:
                raise OurError


async def adrained(stream: Any) -> None:
    async for _ in stream:
        pass


LEFT = [(broken_off, "dropped"), (closed_twice, "closed"), (consumer_raises, "closed"), (drained, "completed")]
LEFT_ASYNC = [(abroken_off, "dropped"), (aclosed_twice, "closed"), (aconsumer_raises, "closed"),
              (adrained, "completed")]  # fmt: skip


class FirstStep:
    """What the first step raises is the operation's."""

    client: ClassVar[Client]

    def begun(self, answer: Any) -> Any:
        return self.client.stream(self.client.api(answering(answer)), self.client.exchange.request)

    def test_the_callers_own_error_at_the_first_step_is_his_own(self, telemetry: Telemetry) -> None:
        error = OurError("from a transport")
        telemetry.instrument()
        with pytest.raises(Exception) as caught:  # noqa: PT011 - some clients wrap it
            next(self.begun(error))
        assert error in (caught.value, caught.value.__cause__)
        one_end(telemetry, "error", type(caught.value).__qualname__)

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
    def test_an_interrupt_at_the_first_step_ends_the_operation_too(
        self, telemetry: Telemetry, interrupt: type[BaseException]
    ) -> None:
        telemetry.instrument()
        with pytest.raises(interrupt):
            next(self.begun(interrupt()))
        one_end(telemetry, "error", interrupt.__name__)


class Lazy(FirstStep):
    """Of a generator function: without a first step there is no operation."""

    def test_a_stream_never_read_is_no_operation(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        stream = self.begun(OurError("it was asked"))
        del stream
        assert not telemetry.spans()
