"""An HTTP server that ends as gracefully as the gRPC ones, and server-sent events; knows no service."""

import asyncio
import json
import logging
import math
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from throughline_services.runtime.command import StartupError
from throughline_services.runtime.server import stop_signal
from throughline_services.runtime.settings import ServiceSettings
from throughline_services.runtime.tracing import without_message_spans

logger = logging.getLogger(__name__)

Push = Callable[[str], Awaitable[None]]


class _Uvicorn(uvicorn.Server):
    """Signals are the runtime's, so that HTTP and gRPC processes end alike, with exit code 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """One listening server."""

    def __init__(self, settings: ServiceSettings, address: str, application: Starlette) -> None:
        host, _, port = address.rpartition(":")
        self._listener = _listener(host.strip("[]"), int(port))
        self.port = int(self._listener.getsockname()[1])
        self._server = _Uvicorn(
            uvicorn.Config(
                without_message_spans(application),
                access_log=False,
                log_config=None,
                timeout_graceful_shutdown=math.ceil(settings.shutdown_grace),
            )
        )

    def start(self) -> asyncio.Task[None]:
        """The task ends when the server has stopped."""
        self._running = asyncio.create_task(self._server.serve(sockets=[self._listener]))
        return self._running

    async def stop(self) -> None:
        """New requests are refused, running ones get their grace."""
        self._server.should_exit = True
        await self._running


async def serve_http(settings: ServiceSettings, name: str, address: str, application: Starlette) -> None:
    """Until SIGTERM or SIGINT, then until running requests are done."""
    stopping = asyncio.create_task(stop_signal().wait())
    server = HttpServer(settings, address, application)
    running = server.start()
    logger.info("%s listens on http://%s:%d", name, address.rpartition(":")[0], server.port)
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await server.stop()


def _listener(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise StartupError(f"cannot listen on {host}:{port}: {error.strerror}") from error


class Abandoned(Exception):  # noqa: N818  # not an error: what is meant to happen
    """Raised by a producer that wants the connection closed in the middle of the answer."""


class PushedStream(Response):
    """A body pushed by a coroutine, which is cancelled when the reader goes away.

    Pushed, not generated: nothing that the coroutine attaches to the context lives across a yield.
    """

    def __init__(
        self,
        produce: Callable[[Push], Awaitable[None]],
        headers: Mapping[str, str],
        media_type: str = "text/event-stream",
    ) -> None:
        super().__init__(headers={**headers, "cache-control": "no-store"}, media_type=media_type)
        del self.headers["content-length"]
        self._produce = produce

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI's signature
        async def push(text: str) -> None:
            await send({"type": "http.response.body", "body": text.encode(), "more_body": True})

        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        if await completed_before_reader_left(self._produce(push), receive):
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def server_sent_event(event: str, data: Any) -> str:
    """JSON has no line breaks outside its escapes, so one data line is enough."""
    return f"event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def completed_before_reader_left(work: Awaitable[None], receive: Receive) -> bool:
    """Runs the work until it is done or nobody reads; then it is cancelled, and has ended when this returns."""
    running = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_reader_gone(receive))
    try:
        await asyncio.wait({running, gone}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        gone.cancel()
        running.cancel()
        await asyncio.wait({running, gone})
    try:
        running.result()
    except (asyncio.CancelledError, Abandoned):
        return False
    return True


async def _reader_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
