"""Chroma's client, in the process itself and over HTTP, sync and async: `Collection.query` and `Collection.search`.

`query` always looks for what is near; a `search` is a retrieval where something in its rank is a `Knn`. `get` and
`peek` only look up. Chroma tells distances, the smaller the nearer, so they are recorded as such and not as scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.retrieved import document
from throughline.operation import Operation, fitting
from throughline.parts import member
from throughline.servers import server

_SYNC = "chromadb.api.models.Collection:Collection"
_ASYNC = "chromadb.api.models.AsyncCollection:AsyncCollection"
_QUERY = ("query_embeddings", "query_texts")  # what callers may give by position
_DEFAULT_RESULTS = 10  # which the client itself asks for where the caller says nothing
_MODEL = ("model_name", "_model_name", "model")  # where embedding functions keep the name of their model
_DEEPEST = 32  # ranks inside ranks


class Asked(NamedTuple):
    """One call: the collection, the texts it is asked for, how many documents for each, and who embeds the texts."""

    collection: Any
    texts: list[str]
    limits: set[Any]
    embedding: Any


class Retrieval(Reader):
    """Both calls. Where the collection embeds by another client that is recorded, that is its step."""

    operation = "retrieval"
    apart = frozenset({"embeddings"})

    def request(self, op: Operation, body: Asked) -> None:
        op.data_source = fitting(body.collection, str)
        if len(body.limits) == 1:
            op.retrieval_top_k = fitting(next(iter(body.limits)), int)
        if body.texts and body.embedding is not None:
            own = vars(body.embedding)
            op.model = next((own[name] for name in _MODEL if isinstance(own.get(name), str)), None)

    def request_content(self, op: Operation, body: Asked) -> None:
        op.query = "\n".join(dict.fromkeys(body.texts)) or None

    def scores(self, body: Any) -> list[Any]:
        asked = zip_longest(_list(member(body, "ids")), _list(member(body, "scores")))
        return [score for row in asked for _, score in zip_longest(*map(_list, row))]

    def response_content(self, op: Operation, body: Any) -> None:
        rows = ("ids", "distances", "scores", "documents", "metadatas")
        asked = zip_longest(*(_list(member(body, name)) for name in rows))
        op.documents = [_document(*found) for row in asked for found in zip_longest(*map(_list, row))]


def _document(name: Any, distance: Any, score: Any, text: Any, metadata: Any) -> dict[str, Any]:
    found = document(name, score, metadata if text is None else text)
    return {**found, "distance": distance} if isinstance(distance, (int, float)) else found


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


class Chroma(Adapter):
    """Patched where the application calls, because only there is the text that a vector was made of."""

    patches = (
        Patch(f"{_SYNC}.query"),
        Patch(f"{_ASYNC}.query"),
        Patch(f"{_SYNC}.search", optional=True),
        Patch(f"{_ASYNC}.search", optional=True),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        collection = call.instance
        asked = _queried(call) if call.point.endswith(".query") else _searched(call)
        if asked is None:
            return None
        url = getattr(collection._client, "_api_url", None)
        return Route(self.reader, asked, None, *server(url if isinstance(url, str) else ""))


def _queried(call: Call) -> Asked:
    given = call.named(*_QUERY)
    texts = _texts(given.get("query_texts"))
    limit = given.get("n_results", _DEFAULT_RESULTS)
    return Asked(call.instance.name, texts, {limit}, call.instance._embedding_function)


def _searched(call: Call) -> Asked | None:
    """Several searches in one call are one retrieval, if any of them is; None: none is."""
    searches = call.named("searches").get("searches")
    searches = searches if isinstance(searches, list) else [searches]
    near = [knn for search in searches for knn in _knns(member(search, "_rank"), _DEEPEST)]
    if not near:
        return None
    limits = {member(member(search, "_limit"), "limit") for search in searches}
    texts = [text for knn in near for text in _texts(knn.query)]
    return Asked(call.instance.name, texts, limits, call.instance._embedding_function)


def _knns(rank: Any, depth: int) -> Iterator[Any]:
    """What looks for neighbours in a rank, which may compute with several."""
    parts = getattr(rank, "__dict__", {})
    if "query" in parts:
        yield rank
    elif depth:
        for part in parts.values():
            for inner in part if isinstance(part, list) else [part]:
                yield from _knns(inner, depth - 1)


def _texts(value: Any) -> list[str]:
    """One text or several."""
    return [text for text in (value if isinstance(value, (list, tuple)) else [value]) if isinstance(text, str)]
