"""What takes the place of a function by which a client tries again: each attempt that failed is noted. No operation."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from opentelemetry import context

from throughline import names
from throughline.adapter import Call
from throughline.contained import contained
from throughline.recorder import running
from throughline.recording import Recording

Method = Callable[..., Any]
_HTTP_STATUSES = range(100, 600)


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
    recording.limits(getattr(getattr(error, "response", None), "headers", None))
    status, recording.refused = recording.refused, None
    status = status or getattr(getattr(error, "response", None), "status_code", None)
    if status or error:
        _again(recording, status or type(error).__qualname__, float(delay))


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
        recording.limits(response.headers)


def answer_driver(original: Method) -> Method:
    """`original` makes of an HTTP response what the caller gets, or gives the response: its headers are looked at."""
    if "response" in inspect.signature(original).parameters:

        @functools.wraps(original)
        def driven_with(*args: Any, **kwargs: Any) -> Any:  # a coroutine passes as it is
            contained(_note_limits, kwargs.get("response"))
            return original(*args, **kwargs)

        return driven_with
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def driven_async(*args: Any, **kwargs: Any) -> Any:
            result = await original(*args, **kwargs)
            contained(_note_limits, result)
            return result

        return driven_async

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        contained(_note_limits, result)
        return result

    return driven


def _note_limits(response: Any) -> None:
    recording = running(context.get_current())
    if recording is not None:
        recording.limits(getattr(response, "headers", None))


def attempt_driver(original: Method, failed: Method | None) -> Method:
    """`original` makes one attempt. Where another one follows in the same operation, the client waited in between.

    `failed`: finds the failure in a result, for a client that raises it only when it gives up.
    """
    if inspect.iscoroutinefunction(original):
        return _async_attempt_driver(original, failed)

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        contained(_note_another)
        try:
            result = original(*args, **kwargs)
        except BaseException as error:
            contained(_note_failed, error)
            raise
        contained(_note_found, failed, result)
        return result

    return driven


def _async_attempt_driver(original: Method, failed: Method | None) -> Method:
    @functools.wraps(original)
    async def driven(*args: Any, **kwargs: Any) -> Any:
        contained(_note_another)
        try:
            result = await original(*args, **kwargs)
        except BaseException as error:
            contained(_note_failed, error)
            raise
        contained(_note_found, failed, result)
        return result

    return driven


def _note_found(failed: Method | None, result: Any) -> None:
    recording = running(context.get_current())
    if recording is None or not recording.is_whole:
        return
    recording.limits(getattr(result, "headers", None))
    if what := failed(result) if failed else None:
        recording.failed = (what if isinstance(what, int) else type(what).__qualname__, perf_counter())


def _note_another() -> None:
    recording = running(context.get_current())
    if recording is not None and recording.is_whole and recording.failed is not None:
        what, when = recording.failed
        recording.failed = None
        _again(recording, what, perf_counter() - when, waited=True)


def _note_failed(error: BaseException) -> None:
    recording = running(context.get_current())
    if recording is not None and recording.is_whole:
        told = (getattr(getattr(error, "response", None), "status_code", None), getattr(error, "code", None))
        status = next((code for code in told if isinstance(code, int) and code in _HTTP_STATUSES), None)
        recording.failed = (status or type(error).__qualname__, perf_counter())


def failure_driver(original: Method, failed: Method | None) -> Method:
    """`original` is given an attempt's error, which `failed` finds in the call. Another attempt may follow, or not."""

    @functools.wraps(original)
    def driven(*args: Any, **kwargs: Any) -> Any:
        contained(_note_found, failed, Call(None, args, kwargs))
        return original(*args, **kwargs)

    return driven


def _again(recording: Recording, error: str | int, delay: float, *, waited: bool = False) -> None:
    """The client tries again `delay` seconds after this exception or HTTP status; `waited`: and does so now."""
    recording.attempts += 1
    recording.again = perf_counter() + (0.0 if waited else delay)
    what = names.HTTP_RESPONSE_STATUS_CODE if isinstance(error, int) else names.ERROR_TYPE
    if recording.span_is_ours:
        recording.span.add_event(
            names.ATTEMPT,
            {names.ATTEMPT_NUMBER: recording.attempts, what: error, names.ATTEMPT_DELAY: delay},
        )
