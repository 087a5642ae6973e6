"""Qdrant from memory, and real clients of any supported version that talk to it by REST."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import qdrant_client
from instrumentation.qdrant_client.exchanges import EXCHANGES, words
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from throughline.adapters import qdrant as qdrant_adapter

URL = "http://points.example:6333"
ONCE = "the client makes each request once"


def client(handler: Handler, *, asynchronous: bool = False, **options: Any) -> Any:
    cls = qdrant_client.AsyncQdrantClient if asynchronous else qdrant_client.QdrantClient
    options = {"url": URL, "cloud_inference": True, "check_compatibility": False, **options}
    return cls(transport=httpx.MockTransport(handler), **options)


def failure(status: int, headers: Mapping[str, str] | None = None) -> Callable[[], Any]:
    body = {"status": {"error": "no"}, "time": 0.001}
    return lambda: httpx.Response(status, json=body, headers=headers)


class Qdrant(Store):
    """The fixtures of the shared scenarios."""

    name = "qdrant"
    cannot = {
        "test_retries_are_seen": ONCE,
        "test_a_connection_that_failed_is_an_attempt_too": ONCE,
        "test_one_shot_iterators_in_the_request_arrive": "query_points takes none; test_qdrant.py tries the batch's",
    }
    adapter = qdrant_adapter.Qdrant()
    reader = qdrant_adapter.Retrieval()
    exchanges = EXCHANGES
    http = httpx
    overloaded = failure(503), 503
    refusals = {
        "no such collection": (failure(404), "404"),
        "bad query": (failure(400), "400"),
        "too many": (failure(429, {"retry-after": "1"}), "ResourceExhaustedResponse"),
        "time-out": (httpx.ReadTimeout("slow"), "ResponseHandlingException"),
        "no connection": (httpx.ConnectError("refused"), "ResponseHandlingException"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return client(handler, asynchronous=asynchronous)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "query": words(text)}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        method = "query_batch_points" if "requests" in request else "query_points"
        result = getattr(api, "query_points_groups" if "group_by" in request else method)(**request)
        return await result if way.startswith("async") else result
