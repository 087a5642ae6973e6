"""Weaviate from memory, and real clients of any supported version that talk to its gRPC stub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

import grpc
import weaviate
from google.protobuf.json_format import ParseDict
from grpc.aio import AioRpcError, Metadata
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from instrumentation.weaviate_client.exchanges import EXCHANGES
from throughline.adapters import weaviate as weaviate_adapter
from weaviate.connect import ConnectionParams
from weaviate.proto.v1 import search_get_pb2
from weaviate.util import _ServerVersion

UNREAD = "gRPC tells no HTTP status, and the client's function that tries again calls itself: nothing sees it wait"


class RefusedError(AioRpcError):
    """What channels of both kinds raise: a sync one raises another subclass of the same class."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code, Metadata(), Metadata(), details="no")


def client(handler: Handler, *, asynchronous: bool = False) -> Any:
    params = ConnectionParams.from_params(
        http_host="objects.example", http_port=8080, http_secure=False,
        grpc_host="objects.example", grpc_port=50051, grpc_secure=False,
    )  # fmt: skip
    cls = weaviate.WeaviateAsyncClient if asynchronous else weaviate.WeaviateClient
    api = cls(connection_params=params, skip_init_checks=True)
    connection: Any = api._connection
    connection._connected, connection._weaviate_version = True, _ServerVersion(1, 30, 0)

    async def search_later(request: Any, **_options: Any) -> Any:
        answer = handler(request)
        return await answer if isawaitable(answer) else answer

    def search(request: Any, **_options: Any) -> Any:
        return handler(request)

    connection._grpc_stub = SimpleNamespace(Search=search_later if asynchronous else search)
    return api.collections.use("Articles")


def reply(body: Any) -> Any:
    return ParseDict(body, search_get_pb2.SearchReply(), ignore_unknown_fields=True)


def failure(code: grpc.StatusCode) -> Callable[[], Any]:
    def refuse() -> Any:
        raise RefusedError(code)

    return refuse


class Weaviate(Store):
    """The fixtures of the shared scenarios."""

    name = "weaviate"
    cannot = {
        "test_retries_are_seen": UNREAD,
        "test_a_connection_that_failed_is_an_attempt_too": UNREAD,
        "test_one_shot_iterators_in_the_request_arrive": "the client refuses what is no list",
    }
    adapter = weaviate_adapter.Weaviate()
    reader = weaviate_adapter.Retrieval()
    exchanges = EXCHANGES
    refusals = {
        "bad query": (failure(grpc.StatusCode.INVALID_ARGUMENT), "WeaviateQueryError"),
        "no such collection": (failure(grpc.StatusCode.NOT_FOUND), "WeaviateQueryError"),
        "forbidden": (failure(grpc.StatusCode.PERMISSION_DENIED), "InsufficientPermissionsError"),
        "time-out": (failure(grpc.StatusCode.DEADLINE_EXCEEDED), "WeaviateQueryError"),
        "unavailable": (failure(grpc.StatusCode.UNAVAILABLE), "WeaviateQueryError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return client(handler, asynchronous=asynchronous)

    def body(self, reply_: Any) -> Any:
        return reply(reply_)

    def sent(self, request: Any) -> Any:
        return request.SerializeToString(deterministic=True)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "query": text}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        arguments = {name: value for name, value in request.items() if name != "method"}
        result = getattr(api.query, request["method"])(**arguments)
        answer = await result if way.startswith("async") else result
        return type(answer), repr(answer.objects)  # two answers are never equal
