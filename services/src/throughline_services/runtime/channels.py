"""A called service: its channel, TLS, limits, deadlines and failures; knows no contract."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import grpc
import grpc.aio

from throughline_services.runtime import deadline
from throughline_services.runtime.failures import ServiceError, from_rpc
from throughline_services.runtime.server import message_limits
from throughline_services.runtime.settings import ClientSettings


class Remote:
    """Calls get what is left of the incoming deadline, less the margin; statuses come back as `ServiceError`."""

    def __init__(self, target: str, settings: ClientSettings, timeout: float) -> None:
        options = message_limits(settings.max_message_bytes)
        if settings.tls_ca is None:
            self.channel = grpc.aio.insecure_channel(target, options=options)
        else:
            credentials = grpc.ssl_channel_credentials(settings.tls_ca.read_bytes())
            self.channel = grpc.aio.secure_channel(target, credentials, options=options)
        self._timeout = timeout
        self._margin = settings.deadline_margin

    async def call(self, method: Any, request: Any) -> Any:
        """One reply."""
        try:
            return await method(request, timeout=self._allowance())
        except grpc.aio.AioRpcError as error:
            raise from_rpc(error) from error

    @asynccontextmanager
    async def stream(self, method: Any, request: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """Replies one by one; leaving the block early cancels the call."""
        call = method(request, timeout=self._allowance())
        try:
            yield _messages(call)
        finally:
            await _cancelled(call)

    async def close(self) -> None:
        await self.channel.close()

    def _allowance(self) -> float:
        allowance = deadline.remaining(self._timeout, self._margin)
        if allowance == 0.0:
            raise ServiceError(grpc.StatusCode.DEADLINE_EXCEEDED, "NO_TIME_LEFT", "no time left for the next service")
        return allowance


async def _cancelled(call: Any) -> None:
    """Also read to its end: only there does the instrumentation end the span of the call."""
    task = asyncio.current_task()
    asked = task.cancelling() if task else 0
    call.cancel()
    with suppress(grpc.aio.AioRpcError, asyncio.CancelledError):
        async for _ in call:
            pass
    if task and task.cancelling() > asked:  # it was this task that was cancelled, not only the call
        raise asyncio.CancelledError


async def _messages(call: Any) -> AsyncIterator[Any]:
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise from_rpc(error) from error
