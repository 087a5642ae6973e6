"""What takes a patched method's place: a driver for sync calls, one for async ones, and one for each other kind."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

from opentelemetry import context

from throughline.adapter import Adapter, Call
from throughline.contained import contained, lost
from throughline.recorder import Recorder, running

Method = Callable[..., Any]


def call_driver(recorder: Recorder, adapter: Adapter, original: Method) -> Method:
    """`original` with its calls recorded. Its result, type, exception and context are the caller's as before."""

    def begin(instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return recorder.begin(adapter, Call(instance, args, kwargs))
        except Exception as error:
            lost(recorder.begin, error)
            return None

    @functools.wraps(original)
    def driven(self: Any, *args: Any, **kwargs: Any) -> Any:
        recording = begin(self, args, kwargs)
        if recording is None:
            return original(self, *args, **kwargs)
        token = context.attach(recording.inside())
        try:
            result = original(self, *args, **kwargs)
        except BaseException as error:
            recording.fail(error)
            raise
        finally:
            context.detach(token)
        recording.deliver(adapter, result)
        return result

    @functools.wraps(original)
    async def driven_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        recording = begin(self, args, kwargs)
        if recording is None:
            return await original(self, *args, **kwargs)
        token = context.attach(recording.inside())
        try:
            result = await original(self, *args, **kwargs)
        except BaseException as error:
            recording.fail(error)
            if not isinstance(error, GeneratorExit):  # thrown in by whoever freed the coroutine, in his context
                context.detach(token)
            raise
        context.detach(token)
        recording.deliver(adapter, result)
        return result

    return driven_async if inspect.iscoroutinefunction(original) else driven


def retry_driver(original: Method) -> Method:
    """`original` computes how long a client waits before it tries again, while it handles the attempt's error."""

    @functools.wraps(original)
    def driven(self: Any, *args: Any, **kwargs: Any) -> Any:
        delay = original(self, *args, **kwargs)
        contained(_note_attempt, sys.exc_info()[1], delay)
        return delay

    return driven


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
    def driven(self: Any, response: Any, *args: Any, **kwargs: Any) -> Any:
        contained(_note_refusal, response)
        return original(self, response, *args, **kwargs)

    return driven


def _note_refusal(response: Any) -> None:
    recording = running(context.get_current())
    if recording is not None:
        recording.refused = response.status_code


def native_driver(original: Method) -> Method:
    """`original` opens the client's own span for a call; there is none where the call is recorded already."""

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        return None if contained(running, context.get_current()) else original(*args, **kwargs)

    return driven
