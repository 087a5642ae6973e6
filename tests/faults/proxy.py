"""A way to Elasticsearch on which things go wrong: slow, refusing, or losing the answer after the work was done."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from contextlib import suppress

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
PASSED_ON = ("content-type", "x-elastic-product")


class Proxy:
    """Passes requests on, until `fault` says otherwise: `slow`, `429`, `503` or `lost answer`."""

    def __init__(self, target: str) -> None:
        self.fault: str | None = None
        self.met: Counter[str] = Counter()
        """How many requests met each fault."""
        self._target = target
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        routes = [Route("/{path:path}", self._pass_on, methods=METHODS)]
        configuration = uvicorn.Config(Starlette(routes=routes), log_level="critical", lifespan="off")
        self._server = uvicorn.Server(configuration)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()

    def _serve(self) -> None:
        with suppress(KeyboardInterrupt):
            self._server.run(sockets=[self._socket])

    async def _pass_on(self, request: Request) -> Response:
        fault, body = self.fault, await request.body()
        if fault:
            self.met[fault] += 1
        if fault in ("429", "503"):
            return Response(status_code=int(fault), headers={"x-elastic-product": "Elasticsearch"})
        if fault == "slow":
            await asyncio.sleep(3)
        answer = await self._ask(request, body)
        if fault == "lost answer":
            return Response(status_code=502)
        return answer

    async def _ask(self, request: Request, body: bytes) -> Response:
        url = f"{self._target}{request.url.path}" + (f"?{request.url.query}" if request.url.query else "")
        headers = {name: value for name, value in request.headers.items() if name not in ("host", "content-length")}
        headers["accept-encoding"] = "identity"
        try:
            async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
                found = await client.request(request.method, url, content=body, headers=headers)
        except httpx.HTTPError:
            return Response(status_code=502)
        passed = {name: value for name, value in found.headers.items() if name in PASSED_ON}
        return Response(found.content, found.status_code, passed)
