"""Qdrant's client, sync and async, for a server by REST or gRPC and for its local mode: the calls that rank points.

Recorded as retrievals are `query_points`, `query_batch_points`, `query_points_groups` and what older versions have in
their place: `query`, `search`, `recommend`, `discover`, their batches and groups. A query that ranks nothing is none:
a filter alone, and `OrderByQuery`, `SampleQuery`, a fusion or a formula, unless what they prefetch is ranked. Nor are
`scroll`, `retrieve`, `count`, `facet` and the distance matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.retrieved import document, several
from throughline.operation import Operation, fitting
from throughline.parts import member
from throughline.servers import default_port

_CLIENTS = ("qdrant_client.qdrant_client:QdrantClient", "qdrant_client.async_qdrant_client:AsyncQdrantClient")
_MIXINS = (
    "qdrant_client.qdrant_fastembed:QdrantFastembedMixin",
    "qdrant_client.async_qdrant_fastembed:AsyncQdrantFastembedMixin",
)
_QUERIES = ("query_points", "query_batch_points", "query_points_groups")
_OLDER = ("search", "search_batch", "search_groups", "recommend", "recommend_batch", "recommend_groups", "discover",
          "discover_batch")  # fmt: skip
_OLDER_OF_MIXINS = ("query", "query_batch")
_POSITIONS = {  # method → names of the arguments that callers may give by position
    "query_points": ("collection_name", "query", "using", "prefetch", "query_filter", "search_params", "limit"),
    "query_points_groups": ("collection_name", "group_by", "query", "using", "prefetch"),
    "query_batch_points": ("collection_name", "requests"),
    "query": ("collection_name", "query_text", "query_filter", "limit"),
    "query_batch": ("collection_name", "query_texts", "query_filter", "limit"),
    "search": ("collection_name", "query_vector", "query_filter", "search_params", "limit"),
}
_DEFAULT_LIMIT = 10  # which the client itself asks for where the caller says nothing
_OF_WHAT_IS_PREFETCHED = ("formula", "fusion", "order_by", "rrf", "sample")
"""Queries that only order anew what was found before; where nothing was, all points there are."""


class Asked(NamedTuple):
    """One call: the collection, each of its queries with what it prefetches, and how many points it wants."""

    collection: Any
    queries: list[Any]
    limits: set[Any]
    model: str | None


class Retrieval(Reader):
    """Every call that ranks points. Where the client embeds by another one that is recorded, that is its step."""

    operation = "retrieval"
    apart = frozenset({"embeddings"})

    def request(self, op: Operation, body: Asked) -> None:
        op.data_source = fitting(body.collection, str)
        if len(body.limits) == 1:
            op.retrieval_top_k = fitting(next(iter(body.limits)), int)
        models = (member(asked, "model") for asked in _asked(body.queries))
        op.model = next((model for model in models if isinstance(model, str)), body.model)

    def request_content(self, op: Operation, body: Asked) -> None:
        texts = [text for asked in _asked(body.queries) if (text := _text(asked))]
        op.query = "\n".join(dict.fromkeys(texts)) or None  # a hybrid query embeds the same text twice

    def scores(self, body: Any) -> list[Any]:
        return [member(point, "score") for point in _points(body)]

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(point) for point in _points(body)]


def _asked(queries: Iterable[Any]) -> Iterator[Any]:
    """What is searched for: texts, documents to embed, vectors; those that are prefetched first."""
    for query in queries:
        yield from _asked(several(member(query, "prefetch")))
        inner = member(query, "query")
        nearest = member(inner, "nearest")
        yield inner if nearest is None else nearest


def _text(asked: Any) -> str | None:
    """The text that is to be embedded; vectors and ids have none."""
    text = asked.text if isinstance(asked, _Words) else member(asked, "text") or member(asked, "object")
    return text if isinstance(text, str) else None


class _Words(NamedTuple):
    """A text that an older version of the client embeds without being told how."""

    text: str


def _ranks(query: Any) -> bool:
    """Whether points are found by how near they are, by the query itself or by what it prefetches."""
    inner = member(query, "query")
    if inner is None or any(member(inner, kind) is not None for kind in _OF_WHAT_IS_PREFETCHED):
        return any(map(_ranks, several(member(query, "prefetch"))))
    return True


def _points(found: Any) -> Iterator[Any]:
    """The points of a reply, which may hold several replies, or groups of points."""
    if isinstance(found, (list, tuple)):
        for inner in found:
            yield from _points(inner)
        return
    inner = next((value for name in ("points", "hits", "groups") if (value := member(found, name)) is not None), None)
    if inner is None:
        yield found
    else:
        yield from _points(list(inner))


def _document(point: Any) -> dict[str, Any]:
    payload = member(point, "payload")
    return document(
        member(point, "id"), member(point, "score"), member(point, "document") if payload is None else payload
    )


class Qdrant(Adapter):
    """Patched where the application calls, because only there is the text that a vector was made of."""

    coarse = frozenset({"UnexpectedResponse"})
    patches = (
        *(Patch(f"{client}.{name}") for client in _CLIENTS for name in _QUERIES),
        *(Patch(f"{client}.{name}", optional=True) for client in _CLIENTS for name in _OLDER),
        *(Patch(f"{mixin}.{name}", optional=True) for mixin in _MIXINS for name in _OLDER_OF_MIXINS),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        method = call.point.rpartition(".")[2]
        given = call.named(*_POSITIONS.get(method, ("collection_name",)))
        asked = _read(method, given, call.instance)
        if method in _QUERIES and not any(map(_ranks, asked.queries)):
            return None
        remote = vars(call.instance._client)
        port = "_grpc_port" if remote.get("_prefer_grpc") else "_port"
        return Route(
            self.reader, asked, None, remote.get("_host"), remote.get(port) or default_port(remote.get("_scheme", ""))
        )


def _read(method: str, given: Mapping[str, Any], client: Any) -> Asked:
    """The queries of a call. One-shot iterators of requests are left alone, and so is what they hold."""
    collection, limit = given.get("collection_name"), given.get("limit", _DEFAULT_LIMIT)
    if method.endswith("batch") or method == "query_batch_points":
        requests = several(given.get("requests"))
        if (texts := given.get("query_texts")) is not None:
            return Asked(collection, _worded(texts), {limit}, _own_model(client))
        return Asked(collection, requests, {member(request, "limit") for request in requests}, None)
    if method == "query":
        return Asked(collection, _worded([given.get("query_text")]), {limit}, _own_model(client))
    return Asked(collection, [given], {limit}, None)


def _worded(texts: Any) -> list[dict[str, Any]]:
    return [{"query": _Words(text)} for text in several(texts) if isinstance(text, str)]


def _own_model(client: Any) -> str | None:
    """The model that the client embeds by; where it was not chosen, it is loaded only by the call."""
    model = vars(client).get("_embedding_model_name")
    return model if isinstance(model, str) else None
