"""The server interceptor around every handler: deadline in, statuses out; knows no service."""

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from throughline_services.runtime import deadline, tracing
from throughline_services.runtime.failures import ServiceError, trailers

logger = logging.getLogger(__name__)

STANDARD = ("/grpc.health.", "/grpc.reflection.")

Unary = Callable[[Any, Any], Awaitable[Any]]
Stream = Callable[[Any, Any], AsyncGenerator[Any, None]]


class Boundary(grpc.aio.ServerInterceptor):  # type: ignore[misc]  # grpc ships no types
    """Handlers see no deadline arithmetic and no status; callers see no exception of ours."""

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], details: Any) -> Any:
        handler = await continuation(details)
        if handler is None or details.method.startswith(STANDARD):
            return handler
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.unary_unary:
            return grpc.unary_unary_rpc_method_handler(_unary(handler.unary_unary, details.method), *codec)
        return grpc.unary_stream_rpc_method_handler(_stream(handler.unary_stream, details.method), *codec)


def _unary(behaviour: Unary, method: str) -> Unary:
    async def answer(request: Any, context: Any) -> Any:
        with deadline.within(context.time_remaining()), tracing.cancellation_recorded():
            try:
                return await behaviour(request, context)
            except Exception as error:
                failure = _failure(error, method)
        return await _abort(context, failure)

    return answer


def _stream(behaviour: Stream, method: str) -> Stream:
    async def answer(request: Any, context: Any) -> AsyncGenerator[Any, None]:
        """Writes instead of yielding: a cancellation then always strikes in here and all below is closed at once.

        A generator suspended at its yield would be left to the garbage collector, in another context; see the README.
        """
        failure = None
        with deadline.within(context.time_remaining()), tracing.cancellation_recorded():
            try:
                await _write_all(behaviour(request, context), context)
            except Exception as error:
                failure = _failure(error, method)
        if failure is not None:
            await _abort(context, failure)
        # The instrumentation iterates over what it is given: this makes it iterable, and empty.
        for message in tuple[Any]():
            yield message

    return answer


async def _write_all(messages: AsyncGenerator[Any, None], context: Any) -> None:
    async with aclosing(messages):
        async for message in messages:
            await _write(message, context)


async def _write(message: Any, context: Any) -> None:
    """A write that fails because the caller has gone is a cancellation, which grpc itself tells only while idle."""
    try:
        await context.write(message)
    except Exception as error:
        raise asyncio.CancelledError from error


def _failure(error: Exception, method: str) -> ServiceError:
    """What was not foreseen is logged by type and place, as its message may quote content."""
    if isinstance(error, ServiceError):
        return error
    place = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("%s failed: %s at %s:%s", method, type(error).__name__, place.filename, place.lineno)
    return ServiceError(grpc.StatusCode.INTERNAL, "UNEXPECTED", "unexpected error; the service's log names its place")


async def _abort(context: Any, failure: ServiceError) -> None:
    await context.abort(failure.code, failure.message, trailers(failure))
