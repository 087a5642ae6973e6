"""What takes the place of a patched function that is an operation, or tells of one. Attempts are `attempts.py`'s."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from opentelemetry import context

from throughline.adapter import Adapter, Call
from throughline.contained import contained, lost
from throughline.managed import makes_manager, manager_driver
from throughline.recorder import Recorder, running

Method = Callable[..., Any]


def call_driver(recorder: Recorder, adapter: Adapter, original: Method, point: str, *, method: bool) -> Method:
    """`original` with its calls recorded. Its result, type, exception and context are the caller's as before.

    `method`: its first argument is the instance.
    """

    def begin(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            call = Call(args[0], args[1:], kwargs, point) if method else Call(None, args, kwargs, point)
            return recorder.begin(adapter, call)
        except Exception as error:
            lost(recorder.begin, error)
            return None

    if adapter.holds_managers and makes_manager(original):
        return manager_driver(original, begin, adapter)
    if inspect.isasyncgenfunction(original):
        return _async_generator_driver(original, begin)
    if inspect.isgeneratorfunction(original):
        return _generator_driver(original, begin)
    if inspect.iscoroutinefunction(original):
        return _async_driver(original, begin, adapter)
    return _sync_driver(original, begin, adapter)


def _sync_driver(original: Method, begin: Method, adapter: Adapter) -> Method:
    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        recording = begin(args, kwargs)
        if recording is None:
            return original(*args, **kwargs)
        token = context.attach(recording.inside())
        try:
            result = original(*recording.given(args), **kwargs)
        except BaseException as error:
            recording.fail(error)
            raise
        finally:
            context.detach(token)
        return recording.deliver(adapter, result)

    return driven


def _async_driver(original: Method, begin: Method, adapter: Adapter) -> Method:
    @functools.wraps(original)
    async def driven(*args: Any, **kwargs: Any) -> Any:
        recording = begin(args, kwargs)
        if recording is None:
            return await original(*args, **kwargs)
        token = context.attach(recording.inside())
        try:
            result = await original(*recording.given(args), **kwargs)
        except BaseException as error:
            recording.fail(error)
            if not isinstance(error, GeneratorExit):  # thrown in by whoever freed the coroutine, in his context
                context.detach(token)
            raise
        context.detach(token)
        return recording.deliver(adapter, result)

    return driven


class _HandedOut:
    """A generator in the caller's hands: letting go of it ends what began with its first step."""

    __slots__ = ("recording",)

    def __init__(self) -> None:
        self.recording: Any = None

    def dropped(self) -> None:
        if self.recording is not None:
            self.recording.dropped()

    def watch(self, generator: Any) -> Any:
        weakref.finalize(generator, self.dropped).atexit = False
        return generator


def _generator_driver(original: Method, begin: Method) -> Method:
    """As lazy as `original`: nothing is asked of anybody, and so nothing begins, before the first step."""

    def stepping(args: tuple[Any, ...], kwargs: dict[str, Any], handed_out: _HandedOut) -> Any:
        recording = begin(args, kwargs)
        if recording is None:
            return (yield from original(*args, **kwargs))
        handed_out.recording = recording
        return (yield from recording.replaced(original(*recording.given(args), **kwargs)))

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        handed_out = _HandedOut()
        return handed_out.watch(stepping(args, kwargs, handed_out))

    return driven


def _async_generator_driver(original: Method, begin: Method) -> Method:
    async def stepping(args: tuple[Any, ...], kwargs: dict[str, Any], handed_out: _HandedOut) -> Any:
        recording = begin(args, kwargs)
        source = original(*(recording.given(args) if recording else args), **kwargs)
        if recording is not None:
            handed_out.recording, source = recording, recording.replaced(source)
        async with aclosing(source):
            async for item in source:
                yield item

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        handed_out = _HandedOut()
        return handed_out.watch(stepping(args, kwargs, handed_out))

    return driven


def seen_driver(original: Method, adapter: Adapter, point: str, *, method: bool) -> Method:
    """`original` is no operation, but what it gives tells the adapter something."""

    def note(args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        call = Call(args[0], args[1:], kwargs, point) if method else Call(None, args, kwargs, point)
        recording = running(context.get_current())
        adapter.saw(call, result, recording if recording is not None and recording.adapter is adapter else None)

    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def driven_async(*args: Any, **kwargs: Any) -> Any:
            result = await original(*args, **kwargs)
            contained(note, args, kwargs, result)
            return result

        return driven_async

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        contained(note, args, kwargs, result)
        return result

    return driven


def native_driver(original: Method, adapter: Adapter, instead: Method | None) -> Method:
    """`original` opens the client's own span for a call; there is none where the call is recorded already."""

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        recording = contained(running, context.get_current())
        if recording is None or recording.adapter is not adapter:
            return original(*args, **kwargs)
        given: Any = NotImplemented
        try:
            given = instead(*args, **kwargs) if instead else None
        except Exception as error:
            lost(driven, error)
        return original(*args, **kwargs) if given is NotImplemented else given

    return driven
