"""What takes a patched function's place: a driver for each way to call, sync and async, and one for each other kind."""

from __future__ import annotations

import functools
import inspect
import sys
import weakref
from collections.abc import Callable
from contextlib import aclosing
from time import perf_counter
from typing import Any

from opentelemetry import context

from throughline.adapter import Adapter, Call
from throughline.contained import contained, lost
from throughline.managed import makes_manager, manager_driver
from throughline.recorder import Recorder, running

Method = Callable[..., Any]
_HTTP_STATUSES = range(100, 600)


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

    if makes_manager(original):
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


def retry_driver(original: Method, failed: Method | None) -> Method:
    """`original` computes how long a client waits before it tries again, while it handles the attempt's error.

    `failed`: finds in its call the HTTP status of an attempt that raised nothing; what it asks in turn may note it.
    """

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        if failed:
            contained(_note_status, failed, Call(None, args, kwargs))
        delay = original(*args, **kwargs)
        contained(_note_attempt, None if failed else sys.exc_info()[1], delay)
        return delay

    return driven


def _note_status(failed: Method, call: Call) -> None:
    recording = running(context.get_current())
    if recording is not None:
        recording.refused = failed(call)


def _note_attempt(error: BaseException | None, delay: float) -> None:
    recording = running(context.get_current())
    if recording is None:
        return
    status, recording.refused = recording.refused, None
    status = status or getattr(getattr(error, "response", None), "status_code", None)
    if status or error:
        recording.attempt_failed(status or type(error).__qualname__, float(delay))


def verdict_driver(original: Method) -> Method:
    """`original` judges a response that failed: newer clients raise nothing before they try again."""

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        contained(_note_refusal, kwargs["response"] if "response" in kwargs else args[-1])
        return original(*args, **kwargs)

    return driven


def _note_refusal(response: Any) -> None:
    recording = running(context.get_current())
    if recording is not None:
        recording.refused = response.status_code


def attempt_driver(original: Method, failed: Method | None) -> Method:
    """`original` makes one attempt. Where another one follows in the same operation, the client waited in between.

    `failed`: finds the failure in a result, for a client that raises it only when it gives up.
    """
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def driven_async(*args: Any, **kwargs: Any) -> Any:
            contained(_note_another)
            try:
                result = await original(*args, **kwargs)
            except BaseException as error:
                contained(_note_failed, error)
                raise
            contained(_note_result, failed, result)
            return result

        return driven_async

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        contained(_note_another)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            contained(_note_failed, error)
            raise
        contained(_note_result, failed, result)
        return result

    return driven


def _note_result(failed: Method | None, result: Any) -> None:
    what, recording = failed(result) if failed else None, running(context.get_current())
    if what and recording is not None and recording.is_whole:
        recording.failed = (what if isinstance(what, int) else type(what).__qualname__, perf_counter())


def _note_another() -> None:
    recording = running(context.get_current())
    if recording is not None and recording.is_whole and recording.failed is not None:
        what, when = recording.failed
        recording.failed = None
        recording.attempt_failed(what, perf_counter() - when)


def _note_failed(error: BaseException) -> None:
    recording = running(context.get_current())
    if recording is not None and recording.is_whole:
        told = (getattr(getattr(error, "response", None), "status_code", None), getattr(error, "code", None))
        status = next((code for code in told if isinstance(code, int) and code in _HTTP_STATUSES), None)
        recording.failed = (status or type(error).__qualname__, perf_counter())


def failure_driver(original: Method, failed: Method | None) -> Method:
    """`original` is given an attempt's error, which `failed` finds in the call. Another attempt may follow, or not."""

    def note(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recording, what = running(context.get_current()), failed(Call(None, args, kwargs)) if failed else None
        if what and recording is not None and recording.is_whole:
            recording.failed = (what if isinstance(what, int) else type(what).__qualname__, perf_counter())

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        contained(note, args, kwargs)
        return original(*args, **kwargs)

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
