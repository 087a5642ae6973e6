"""A small real HTTP server in a thread of the test's own process; what it answers, its owner says."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


class Serving:
    """Serves every path on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]], methods: list[str]) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        application = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
        self._server = uvicorn.Server(uvicorn.Config(application, log_level="critical", lifespan="off"))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _serve(self) -> None:
        with suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])
