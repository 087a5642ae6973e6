"""Milvus's client, sync and async, and its older collections: `search` and `hybrid_search`. Nothing that only looks up.

Each batch of a search iterator is a search, so each is a retrieval. One that gives a future, which older collections
offer (`_async=True`), is left alone: nothing tells when it ends. What Milvus calls a distance, for every metric, is
recorded as that and not as a score.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.retrieved import document
from throughline.operation import Operation, fitting
from throughline.parts import member

_SYNC = "pymilvus.client.grpc_handler:GrpcHandler"
_ASYNC = "pymilvus.client.async_grpc_handler:AsyncGrpcHandler"
_CLIENT = "pymilvus.milvus_client.async_milvus_client:AsyncMilvusClient"
_SEARCHES = ("search", "hybrid_search")
_DEFAULT_LIMIT = 10  # which the client itself asks for where the caller says nothing


class Asked(NamedTuple):
    """One call: the collection, how many entities it wants, and the texts, if Milvus itself makes them vectors."""

    collection: Any
    limit: Any
    texts: list[str]


class Retrieval(Reader):
    """Both calls. Several queries in one are one retrieval."""

    operation = "retrieval"

    def request(self, op: Operation, body: Asked) -> None:
        op.data_source, op.retrieval_top_k = fitting(body.collection, str), fitting(body.limit, int)

    def request_content(self, op: Operation, body: Asked) -> None:
        op.query = "\n".join(dict.fromkeys(body.texts)) or None

    def scores(self, body: Any) -> list[None]:
        return [None] * sum(map(len, body))  # hits stay as lazy as they came

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(hit) for hits in body for hit in hits]


def _document(hit: Any) -> dict[str, Any]:
    found = document(hit.id, None, hit.fields)
    return {**found, "distance": hit.distance} if isinstance(hit.distance, (int, float)) else found


class Milvus(Adapter):
    """Patched where all sync searches pass; async ones are where only the client's own method is a coroutine function
    in every version."""

    patches = (
        *(Patch(f"{_SYNC}.{name}") for name in _SEARCHES),
        *(Patch(f"{_CLIENT}.{name}") for name in _SEARCHES),
        *(Patch(f"{handler}._execute_{name}", "attempt") for handler in (_SYNC, _ASYNC) for name in _SEARCHES),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        given = call.named("collection_name")
        if given.get("_async"):
            return None
        limit = given.get("limit", next((value for value in call.args[1:] if type(value) is int), _DEFAULT_LIMIT))
        asked = Asked(given.get("collection_name"), limit, list(_texts(call, given)))
        address, _, port = _server(call.instance).rpartition("@")[2].rpartition(":")  # before it may be a password
        remote = port.isdigit()  # a file of Milvus Lite is asked through a socket in the file system
        return Route(self.reader, asked, None, address if remote else None, int(port) if remote else None)


def _texts(call: Call, given: dict[str, Any]) -> Iterator[str]:
    """The texts among what is searched for. Versions have it, or the requests, in different positions, but as a list;
    before it come only names."""
    named = (given.get(name) for name in ("data", "reqs"))
    lists = (value for value in (*named, *call.args) if isinstance(value, list))
    for item in next(lists, ()):
        inner = member(item, "_data")
        yield from (text for text in (inner if isinstance(inner, list) else [item]) if isinstance(text, str))


def _server(client: Any) -> str:
    config = getattr(client, "_config", None)
    if config is not None:
        return str(config.address)
    connection = client._get_connection() if hasattr(client, "_get_connection") else client
    return str(connection.server_address)
