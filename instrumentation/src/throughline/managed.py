"""Operations that last as long as an `async with`, and later parts of one: these run inside it, its body does not."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from opentelemetry import context
from opentelemetry.context import Context

from throughline import endings
from throughline.adapter import Adapter, Call
from throughline.contained import contained
from throughline.recorder import running, within
from throughline.recording import Recording

Method = Callable[..., Any]


def makes_manager(function: Method) -> bool:
    """Whether `asynccontextmanager` made it of an async generator function."""
    own = getattr(getattr(function, "__code__", None), "co_qualname", "")
    return bool(own == "asynccontextmanager.<locals>.helper")


async def _step(inside: Context, step: Method, *args: Any, **kwargs: Any) -> Any:
    token = context.attach(inside)
    try:
        given = await step(*args, **kwargs)
    except GeneratorExit:  # thrown in by whoever freed the coroutine, in his context
        raise
    except BaseException:
        context.detach(token)
        raise
    context.detach(token)
    return given


class _Held:
    """The generator below an `async with`, each of whose steps runs inside the operation that it makes of them."""

    __slots__ = ("_adapter", "_began", "_begin", "_recording", "_source")

    def __init__(self, source: Any, begin: Callable[[], Recording | None], adapter: Adapter) -> None:
        self._source, self._begin, self._adapter = source, begin, adapter
        self._recording: Recording | None = None
        self._began = False

    async def __anext__(self) -> Any:
        if self._recording is not None:
            return await self._told(self._recording, self._source.__anext__)
        if self._began:  # as part of what was running then; it may have ended since
            return await self._source.__anext__()
        self._began, self._recording = True, (recording := self._begin())
        if recording is None:
            return await self._source.__anext__()
        endings.opened(recording)
        given = await self._told(recording, self._source.__anext__)
        return recording.deliver(self._adapter, given)

    async def athrow(self, *error: Any) -> Any:
        if self._recording is None:
            return await self._source.athrow(*error)
        return await self._told(self._recording, self._source.athrow, *error)

    async def aclose(self) -> None:
        await self._source.aclose()

    async def _told(self, recording: Recording, step: Method, *args: Any) -> Any:
        try:
            return await _step(recording.inside(), step, *args)
        except StopAsyncIteration:
            recording.finish()
            raise
        except GeneratorExit:
            recording.dropped()
            raise
        except BaseException as error:
            recording.fail(error)
            raise

    def __del__(self) -> None:
        if self._recording is not None:
            self._recording.dropped()


def manager_driver(original: Method, begin: Method, adapter: Adapter) -> Method:
    """`original` makes an `async with`, which is the operation from when it is entered until it is left."""

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        manager = original(*args, **kwargs)
        manager.gen = _Held(manager.gen, functools.partial(begin, args, kwargs), adapter)
        return manager

    return driven


async def _stepping(source: Any, entered: Context) -> Any:
    async with aclosing(source):
        while True:
            try:
                item = await _step(entered, source.__anext__)
            except StopAsyncIteration:
                return
            yield item


def inside_driver(original: Method, adapter: Adapter, point: str, *, method: bool) -> Method:
    """`original`, asynchronous, is a later part of an operation that began before: what it does belongs to that.

    The caller's context is his own after each step, also where the client forgets to give it back.
    """

    def inside(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Context | None:
        call = Call(args[0], args[1:], kwargs, point) if method else Call(None, args, kwargs, point)
        current = context.get_current()
        found = contained(adapter.inside, call)
        known = isinstance(found, Recording) and not found.done and running(current) is not found
        return within(found, current) if known else current

    if inspect.isasyncgenfunction(original):

        @functools.wraps(original)
        def driven_steps(*args: Any, **kwargs: Any) -> Any:
            source, entered = original(*args, **kwargs), contained(inside, args, kwargs)
            return source if entered is None else _stepping(source, entered)

        return driven_steps

    @functools.wraps(original)
    async def driven(*args: Any, **kwargs: Any) -> Any:
        entered = contained(inside, args, kwargs)
        return await (original(*args, **kwargs) if entered is None else _step(entered, original, *args, **kwargs))

    return driven
