"""Pinecone from memory, and real clients of any supported version that talk to it by REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
from instrumentation.pinecone_client.exchanges import EXCHANGES, HOST
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from pinecone import AsyncIndex, Index, RetryConfig
from pinecone._internal import http_client
from throughline.adapters import pinecone as pinecone_adapter


def retries_of(count: int) -> RetryConfig:
    return RetryConfig(max_retries=count, backoff_factor=0, max_wait=0)


def client(handler: Handler, *, asynchronous: bool = False, retries: int = 0, host: str = HOST) -> Any:
    """An index on the client's own transports, which ask `handler` in the place of a server."""
    if (budgets := getattr(http_client, "_budget_registry", None)) is not None:
        budgets._reset()  # the process's, which forbids to try again after many failures
    index = (AsyncIndex if asynchronous else Index)(host=host, api_key="key")
    transport = http_client._AsyncRetryTransport if asynchronous else http_client._RetryTransport
    inner = index._http._ensure_client() if asynchronous else index._http._client
    inner._transport = transport(transport=httpx.MockTransport(handler), retry_config=retries_of(retries))
    return index


def failure(status: int, headers: Mapping[str, str] | None = None) -> Callable[[], Any]:
    body = {"code": 3, "message": "no", "details": []}
    return lambda: httpx.Response(status, json=body, headers=headers)


class Pinecone(Store):
    """The fixtures of the shared scenarios."""

    name = "pinecone"
    cannot = {"test_one_shot_iterators_in_the_request_arrive": "the client encodes none"}
    adapter = pinecone_adapter.Pinecone()
    reader = pinecone_adapter.Retrieval()
    exchanges = EXCHANGES
    http = httpx
    overloaded = failure(503), 503
    refusals = {
        "no such index": (failure(404), "NotFoundError"),
        "bad query": (failure(400), "400"),
        "too many": (failure(429, {"retry-after": "1"}), "RateLimitError"),
        "time-out": (httpx.ReadTimeout("slow"), "PineconeTimeoutError"),
        "no connection": (httpx.ConnectError("refused"), "PineconeConnectionError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, asynchronous=asynchronous, retries=retries)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "inputs": {"text": text}}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        match way:
            case "alias reply":
                return api.search_records(**request)
            case "older reply":
                query = {name: value for name, value in request.items() if name != "namespace"}
                return api.search(namespace=request["namespace"], query=query)
        method = "query_namespaces" if "namespaces" in request else "query"
        result = getattr(api, "search" if "inputs" in request else method)(**request)
        return await result if way.startswith("async") else result
