"""Milvus from memory, and real clients of any supported version that ask it through channels from memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import isawaitable, iscoroutinefunction
from types import SimpleNamespace
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from instrumentation.pymilvus_client.exchanges import EXCHANGES
from instrumentation.scenarios import Handler
from instrumentation.stores import Store
from pymilvus import AnnSearchRequest, AsyncMilvusClient, MilvusClient, RRFRanker
from pymilvus.client.async_grpc_handler import AsyncGrpcHandler
from pymilvus.client.grpc_handler import GrpcHandler
from pymilvus.grpc_gen import milvus_pb2
from throughline.adapters import pymilvus as pymilvus_adapter

ADDRESS = "vectors.example:19530"


class RefusedError(grpc.RpcError):
    """What channels raise."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self._code = code

    def code(self) -> grpc.StatusCode:
        return self._code

    def details(self) -> str:
        return "no"


class Channel:
    """A channel whose searches `handler` answers."""

    def __init__(self, handler: Handler, *, asynchronous: bool) -> None:
        self.handler, self.asynchronous = handler, asynchronous

    def unary_unary(self, path: str, **_options: Any) -> Any:
        if not path.endswith("Search"):
            return None

        async def later(request: Any, **_options: Any) -> Any:
            answer = self.handler(request)
            return await answer if isawaitable(answer) else answer

        return later if self.asynchronous else lambda request, **_options: self.handler(request)

    def stream_unary(self, *_arguments: Any, **_options: Any) -> None:
        return None

    unary_stream = stream_stream = stream_unary

    def close(self) -> None:
        return None


def handler_of(handler: Handler, *, asynchronous: bool = False) -> Any:
    cls = AsyncGrpcHandler if asynchronous else GrpcHandler
    made: Any = cls(uri=f"http://{ADDRESS}", channel=Channel(handler, asynchronous=asynchronous))  # type: ignore[arg-type]
    made._is_channel_ready = True
    return made


def client(handler: Handler, *, asynchronous: bool = False) -> Any:
    """A client that has connected."""
    cls: Any = AsyncMilvusClient if asynchronous else MilvusClient
    api = cls.__new__(cls)
    api._handler, api._closed = handler_of(handler, asynchronous=asynchronous), False
    if iscoroutinefunction(AsyncMilvusClient._get_connection):
        api._config = SimpleNamespace(address=ADDRESS, db_name="")
    if not iscoroutinefunction(cls._get_connection):
        api._get_connection = lambda: api._handler
    return api


def reply(body: Any) -> Any:
    """The message; an odd number of hits is bounded, as the client takes memory for as many as it is told."""
    message = ParseDict(body, milvus_pb2.SearchResults(), ignore_unknown_fields=True)
    message.results.topks[:] = [min(hits, 1000) for hits in message.results.topks]
    return message


def failure(code: int) -> Callable[[], Any]:
    return lambda: reply({"status": {"code": code, "reason": "no"}})


def broken(code: grpc.StatusCode) -> Callable[[], Any]:
    def refuse() -> Any:
        raise RefusedError(code)

    return refuse


def requests(asked: list[Any]) -> list[Any]:
    return [AnnSearchRequest([each], f"field{number}", {}, limit=50) for number, each in enumerate(asked)]


class Milvus(Store):
    """The fixtures of the shared scenarios."""

    name = "pymilvus"
    cannot = {
        "test_retries_are_seen": "gRPC tells no HTTP status; test_pymilvus.py counts attempts",
        "test_one_shot_iterators_in_the_request_arrive": "the client refuses what is no list",
    }
    adapter = pymilvus_adapter.Milvus()
    reader = pymilvus_adapter.Retrieval()
    exchanges = EXCHANGES
    refusals = {
        "no such collection": (failure(100), "MilvusException"),
        "bad query": (failure(1100), "MilvusException"),
        "time-out": (broken(grpc.StatusCode.DEADLINE_EXCEEDED), "RefusedError"),
        "forbidden": (broken(grpc.StatusCode.PERMISSION_DENIED), "RefusedError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        del retries  # it tries again for long, unless a call tells it how often
        return client(handler, asynchronous=asynchronous)

    def body(self, reply_: Any) -> Any:
        return reply(reply_)

    def sent(self, request: Any) -> Any:
        return request.SerializeToString(deterministic=True)

    def unreachable(self) -> BaseException:
        return RefusedError(grpc.StatusCode.UNAVAILABLE)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "data": [text]}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        request = {"retry_times": 2, **request}  # by itself it would try 75 times where a reply says that it may
        if "reqs" in request:
            result = api.hybrid_search(**{**request, "reqs": requests(request["reqs"]), "ranker": RRFRanker()})
        else:
            result = api.search(**request)
        answer = await result if way.startswith("async") else result
        return type(answer).__name__, [[dict(hit.items()) for hit in hits] for hits in answer]
