"""Mistral's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from instrumentation.endings import ABANDONED, ABANDONED_ASYNC, aclosed, closed_twice
from instrumentation.httpx_wire import events
from instrumentation.mistral_client.exchanges import AGENT, EMBEDDED, EXCHANGES, FILL_IN
from instrumentation.scenarios import Client, Handler, read, streamed
from throughline import names
from throughline.adapters import mistral

from instrumentation import httpx_wire

mistralai: Any = importlib.import_module("mistralai")
if not hasattr(mistralai, "Mistral"):  # from 2.x on, the package has a client for each place, beside each other
    mistralai = importlib.import_module("mistralai.client")
BASE = mistralai.__name__
for endpoint in ("chat", "agents", "fim", "embeddings"):  # newer versions import them only when they are used
    importlib.import_module(f"{BASE}.{endpoint}")
http = httpx_wire.library_in(importlib.import_module(f"{BASE}.basesdk"))
event_stream = partial(httpx_wire.event_stream, http)
utils = importlib.import_module(f"{BASE}.utils")
closable = hasattr(importlib.import_module(f"{BASE}.utils.eventstreaming").EventStream, "close")


def failure(status: int, headers: dict[str, str] | None = None) -> Any:
    return lambda: http.Response(status, json={"object": "error", "message": "no"}, headers=headers or {})


def client(handler: Handler, kind: Any = None, *, retries: int = 0, **options: Any) -> Any:
    backoff = utils.BackoffStrategy(1, 1, 1.0, 60_000 if retries else 0)
    return (kind or mistralai.Mistral)(
        **(options or {"api_key": "key"}),
        client=httpx_wire.http_client(http, handler, asynchronous=False),
        async_client=httpx_wire.http_client(http, handler, asynchronous=True),
        retry_config=utils.RetryConfig("backoff", backoff, retry_connection_errors=True) if retries else None,
    )


class Api(NamedTuple):
    """A client, which is sync and async at once, and which of the two a scenario means."""

    client: Any
    asynchronous: bool


def _midway() -> str:
    """Versions differ in what they make of a chunk that is an error."""
    try:
        handler = lambda _: event_stream(events([{"object": "error", "message": "no"}]))  # noqa: E731
        list(client(handler).chat.stream(model="m", messages=[]))
    except Exception as error:
        return type(error).__qualname__
    return ""


MIDWAY = _midway()


class Mistral(Client):
    """The fixtures of the shared scenarios."""

    name = "mistralai"
    adapter = mistral.Mistral()
    reader = mistral.Completion()
    exchanges = EXCHANGES
    http = http
    overloaded = failure(503, {"retry-after": "0.001"}), 503
    refusals = {
        "no such model": (failure(404), "404"),
        "too many": (failure(429), "429"),
        "overloaded": (failure(503), "503"),
        "time-out": (http.ReadTimeout("slow"), "ReadTimeout"),
        "no connection": (http.ConnectError("refused"), "ConnectError"),
    }
    abandoned = None if closable else [way for way in ABANDONED if way[0] is not closed_twice]
    abandoned_async = None if closable else [way for way in ABANDONED_ASYNC if way[0] is not aclosed]
    endpoint = "chat"

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return Api(client(handler, retries=retries), asynchronous)

    def refused_midway(self) -> tuple[Any, str]:
        return {"object": "error", "message": "no"}, MIDWAY

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        resource = getattr(api.client, self.endpoint)
        return (resource.stream_async if api.asynchronous else resource.stream)(**request)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        resource = getattr(api.client, self.endpoint)
        method = ("stream" if streamed(way) else "complete") + ("_async" if way.startswith("async") else "")
        return await read(way, getattr(resource, method)(**request))


class FillIn(Mistral):
    """What comes between a beginning and an end."""

    reader = mistral.FillIn()
    exchanges = {"reply": FILL_IN}
    wanted = frozenset({"reply"})
    endpoint = "fim"


class Agents(Mistral):
    """A chat with an agent, which has the model."""

    reader = mistral.Agents()
    exchanges = {"reply": AGENT}
    wanted = frozenset({"reply"})
    endpoint = "agents"
    untold = frozenset({names.REQUEST_MODEL})


class Embeddings(Mistral):
    """Vectors of texts."""

    reader = mistral.Embeddings()
    exchanges = {"reply": EMBEDDED}
    wanted = frozenset({"reply"})
    offers = frozenset({"async"})

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        resource = api.client.embeddings
        return await resource.create_async(**request) if way.startswith("async") else resource.create(**request)
