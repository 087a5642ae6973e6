"""Pinecone's client, sync and async, by REST and gRPC: the calls that rank records. Neither writes nor look-ups by id.

Recorded as retrievals are `query`, `query_namespaces`, `search` of records that Pinecone embeds, and the `search` of
documents. What they ask is an index, which requests do not name: its name is what its host begins with, and a host of
another shape, such as an emulator's, tells none. A namespace is none of it, as applications keep one for each tenant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.retrieved import document
from throughline.operation import Operation, fitting
from throughline.parts import get, items, member
from throughline.servers import server

_HTTP = "pinecone._internal.http_client"
_DEFAULT_TOP_K = 10  # which the client itself asks several namespaces for where the caller says nothing


class Asked(NamedTuple):
    """One call: the index, how many records it wants, and the texts that it looks for."""

    source: str | None
    top_k: Any
    texts: list[str]


class Retrieval(Reader):
    """Every call that ranks records."""

    operation = "retrieval"

    def request(self, op: Operation, body: Asked) -> None:
        op.data_source, op.retrieval_top_k = body.source, fitting(body.top_k, int)

    def request_content(self, op: Operation, body: Asked) -> None:
        op.query = "\n".join(dict.fromkeys(body.texts)) or None

    def response_content(self, op: Operation, body: Any) -> None:
        content = getattr(body, "content", None)
        found = json.loads(content) if isinstance(content, bytes) else body
        hits = [
            document(member(hit, "_id"), member(hit, "_score"), get(hit, "fields"))
            for hit in items(found, "result.hits")
        ]
        op.documents = hits or [_match(match) for match in items(found, "matches")]


def _match(match: Any) -> dict[str, Any]:
    if isinstance(match, dict) and "_id" in match:
        return document(match["_id"], match.get("_score"), _own_fields(match))
    return document(member(match, "id"), member(match, "score"), member(match, "metadata"))


def _own_fields(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an application keeps in a document, beside what Pinecone says of it."""
    return {name: value for name, value in found.items() if name not in ("_id", "_score")}


def _status(call: Call) -> int:
    status: int = call.args[1].status_code
    return status


class Pinecone(Adapter):
    """Every request by REST passes one method; what is sent by gRPC passes none that is written in Python.

    The client imports its parts only when they are asked for.
    """

    coarse = frozenset({"ApiError"})
    patches = (
        Patch(f"{_HTTP}:HTTPClient.post", late=True),
        Patch(f"{_HTTP}:AsyncHTTPClient.post", late=True),
        Patch("pinecone.index:Index.query_namespaces", late=True),
        Patch("pinecone.async_client.async_index:AsyncIndex.query_namespaces", late=True),
        Patch("pinecone.grpc:GrpcIndex.query", late=True),
        Patch("pinecone.grpc:GrpcIndex.query_namespaces", late=True),
        Patch(f"{_HTTP}:_compute_backoff", "retry", late=True),
        Patch(f"{_HTTP}:_compute_retry_after_delay", "retry", late=True, failed=_status),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        if not call.point.endswith(".post"):
            default = _DEFAULT_TOP_K if call.point.endswith("namespaces") else None
            return self._asked(call.instance.host, call.kwargs.get("top_k") or default, [])
        path = call.named("path")["path"]
        if path == "/query":
            return self._asked(call.instance._config.host, get(call.kwargs, "json.topK"), [])
        if not path.endswith("/search") or not path.startswith(("/records/", "/namespaces/")):
            return None
        body = call.kwargs["json"]
        top_k = get(body, "query.top_k") or body.get("top_k")
        return self._asked(call.instance._config.host, top_k, list(_texts(body)))

    def _asked(self, host: str, top_k: Any, texts: list[str]) -> Route:
        address, port = server(host)
        name = address.partition(".")[0].rpartition("-")[0] if address and ".svc." in address else None
        return Route(self.reader, Asked(name or None, top_k, texts), None, address, port)


def _texts(body: Mapping[str, Any]) -> Iterator[str]:
    """What Pinecone is to embed, or to look for as words."""
    for text in (get(body, "query.inputs.text"), *(member(clause, "query") for clause in items(body, "score_by"))):
        if isinstance(text, str):
            yield text
