"""Streams that are a client's own class, patched at its steps: the caller gets the very object that the client made."""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry import context

from throughline import endings
from throughline.contained import contained
from throughline.identity import RUNNING

if TYPE_CHECKING:
    from throughline.recording import Recording

Method = Callable[..., Any]
_OWN = "_throughline_recording"


def own(stream: Any, recording: Recording) -> None:
    """The steps of this stream are those of `recording`, which ends with it."""
    vars(stream)[_OWN] = recording
    weakref.finalize(stream, recording.dropped).atexit = False
    endings.opened(recording)


def _open(stream: Any) -> Recording | None:
    recording: Recording | None = getattr(stream, "__dict__", {}).get(_OWN)
    return None if recording is None or recording.done else recording


def step_driver(original: Method) -> Method:
    """`original` is a stream's `__next__` or `__anext__`: each step is made inside the stream's operation."""
    if inspect.iscoroutinefunction(original):
        return _async_step_driver(original)

    @functools.wraps(original)
    def driven(stream: Any) -> Any:
        recording = _open(stream)
        if recording is None:
            return original(stream)
        token = context.attach(recording.inside())
        try:
            item = original(stream)
        except BaseException as error:
            context.detach(token)
            _ended(recording, error)
            raise
        context.detach(token)
        _seen(recording, item)
        return item

    return driven


def _async_step_driver(original: Method) -> Method:
    @functools.wraps(original)
    async def driven(stream: Any) -> Any:
        recording = _open(stream)
        if recording is None:
            return await original(stream)
        token = context.attach(recording.inside())
        try:
            item = await original(stream)
        except GeneratorExit:  # thrown in by whoever freed the coroutine, in his context
            raise
        except BaseException as error:
            context.detach(token)
            _ended(recording, error)
            raise
        context.detach(token)
        _seen(recording, item)
        return item

    return driven


def _seen(recording: Recording, item: Any) -> None:
    recording.times.append(perf_counter())
    contained(recording.fold, recording.whole, item)


def _ended(recording: Recording, error: BaseException) -> None:
    if isinstance(error, (StopIteration, StopAsyncIteration)):
        recording.finish()
    else:
        recording.fail(error)


def close_driver(original: Method) -> Method:
    """`original` closes a stream. What the client closes by itself, amid a step, is not the caller's doing."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def driven_async(stream: Any, *args: Any, **kwargs: Any) -> Any:
            contained(_closed, stream)
            return await original(stream, *args, **kwargs)

        return driven_async

    @functools.wraps(original)
    def driven(stream: Any, *args: Any, **kwargs: Any) -> Any:
        contained(_closed, stream)
        return original(stream, *args, **kwargs)

    return driven


def _closed(stream: Any) -> None:
    recording = _open(stream)
    if recording is not None and context.get_current().get(RUNNING) is not recording:
        recording.closed()
