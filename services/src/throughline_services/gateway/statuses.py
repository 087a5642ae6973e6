"""Failures as HTTP answers with a reason and what to do next; never a stack trace, never content."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from throughline_services.runtime import ServiceError, tracing

logger = logging.getLogger(__name__)

Handle = Callable[[Request], Awaitable[Response]]
Code = grpc.StatusCode

HTTP_STATUS = {
    Code.INVALID_ARGUMENT: 400,
    Code.NOT_FOUND: 404,
    Code.OUT_OF_RANGE: 413,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.FAILED_PRECONDITION: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


def refusal(error: Exception) -> tuple[int, dict[str, Any]]:
    """HTTP status and body. What was not foreseen is logged by type and place: its message may quote content."""
    if isinstance(error, ServiceError):
        return HTTP_STATUS.get(error.code, 502), _body(error.reason, error.message)
    place = traceback.extract_tb(error.__traceback__)[-1]
    logger.error("unexpected %s at %s:%s", type(error).__name__, place.filename, place.lineno)
    return 500, _body("UNEXPECTED", "unexpected error; the gateway's log names its place")


def failed(status: int, reason: str, message: str) -> Response:
    return JSONResponse(_body(reason, message), status_code=status)


def answered(handle: Handle) -> Handle:
    """Starlette's own handler for any exception would raise it again, and its trace and message reach the log."""

    async def handled(request: Request) -> Response:
        try:
            return await handle(request)
        except Exception as error:
            return _refused(error)

    return handled


async def no_route(_request: Request, error: Exception) -> Response:
    """Starlette's handler of unknown paths and methods."""
    status, detail = (error.status_code, error.detail) if isinstance(error, HTTPException) else (500, "")
    return failed(status, "NO_SUCH_ROUTE", f"{detail}: the routes are listed in the README of services")


def _refused(error: Exception) -> Response:
    status, body = refusal(error)
    ids = tracing.current_ids()
    headers = {"traceparent": ids.traceparent} if ids else {}
    if status in {429, 503}:
        headers["retry-after"] = "1"
    return JSONResponse({**body, "trace_id": ids and ids.trace_id}, status_code=status, headers=headers)


def _body(reason: str, message: str) -> dict[str, Any]:
    return {"error": {"reason": reason, "message": message}}
