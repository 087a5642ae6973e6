"""A way to Elasticsearch on which things go wrong: slow, refusing, or losing the answer after the work was done."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
from serving import Serving
from starlette.requests import Request
from starlette.responses import Response

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
PASSED_ON = ("content-type", "x-elastic-product")


class Proxy:
    """Passes requests on, until `fault` says otherwise: `slow`, `429`, `503` or `lost answer`."""

    def __init__(self, target: str) -> None:
        self.fault: str | None = None
        self.met: Counter[str] = Counter()
        """How many requests met each fault."""
        self._target = target
        self._serving = Serving(self._pass_on, METHODS)
        self.url = f"http://{self._serving.address}"
        self.close = self._serving.close

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
