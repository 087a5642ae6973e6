"""Chroma's server from memory, and collections of any supported version of the real client that ask it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import chromadb
import httpx
from chromadb.api.async_fastapi import AsyncFastAPI
from chromadb.api.fastapi import FastAPI
from chromadb.api.models.AsyncCollection import AsyncCollection
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings, System
from instrumentation.chroma_client.exchanges import EXCHANGES, MODEL, VECTOR
from instrumentation.httpx_wire import http_client
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from throughline.adapters import chroma as chroma_adapter

ONCE = "the client makes each request once"
SETTINGS = {"chroma_server_host": "chroma.example", "chroma_server_http_port": 8000, "anonymized_telemetry": False}


class Embedder(chromadb.EmbeddingFunction[Any]):
    """Gives every text the same vector."""

    def __init__(self, model_name: str = MODEL) -> None:
        self.model_name = model_name

    def __call__(self, input: Any) -> Any:  # noqa: A002 - the client asks for this name
        return [VECTOR for _ in input]

    @staticmethod
    def name() -> str:
        return "embedder"

    def get_config(self) -> dict[str, Any]:
        return {"model_name": self.model_name}

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> Embedder:
        return Embedder(**config)

    @staticmethod
    def is_legacy() -> bool:
        return False


@cache
def _server(cls: type) -> Any:
    return cls(System(Settings(**SETTINGS)))


def model() -> Any:
    """The collection as the server describes it."""
    known = {"name": "articles", "tenant": "t", "database": "d", "version": 0, "log_position": 0}
    empty = {"metadata": None, "dimension": None, "schema": None, "configuration_json": {}}
    return chromadb.types.Collection.from_json({"id": str(UUID(int=1)), **known, **empty})


def collection(handler: Handler, *, asynchronous: bool = False, embedding: Any = None) -> Any:
    server = copy.copy(_server(AsyncFastAPI if asynchronous else FastAPI))
    client = http_client(httpx, handler, asynchronous=asynchronous)
    if asynchronous:
        server._get_client = lambda: client
    else:
        server._session = client
    cls = AsyncCollection if asynchronous else Collection
    return cls(client=server, model=model(), embedding_function=embedding or Embedder())


def failure(status: int, kind: str) -> Callable[[], Any]:
    return lambda: httpx.Response(status, json={"error": kind, "message": "no"})


class Chroma(Store):
    """The fixtures of the shared scenarios."""

    name = "chromadb"
    cannot = {
        "test_retries_are_seen": ONCE,
        "test_a_connection_that_failed_is_an_attempt_too": ONCE,
        "test_one_shot_iterators_in_the_request_arrive": "the client refuses what is no list",
    }
    wanted = frozenset({"text query", "vector query", "no hits"})  # its hybrid one is `search`, of other replies
    adapter = chroma_adapter.Chroma()
    reader = chroma_adapter.Retrieval()
    exchanges = EXCHANGES
    http = httpx
    overloaded = failure(503, "unavailable"), 503
    refusals = {
        "bad query": (failure(400, "InvalidArgumentError"), "InvalidArgumentError"),
        "no such collection": (failure(404, "NotFoundError"), "NotFoundError"),
        "unavailable": (failure(503, "?"), "Exception"),
        "time-out": (httpx.ReadTimeout("slow"), "ReadTimeout"),
        "no connection": (httpx.ConnectError("refused"), "ConnectError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return collection(handler, asynchronous=asynchronous)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {"query_texts": [text], "n_results": 2}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        return await api.query(**request) if way.startswith("async") else api.query(**request)
