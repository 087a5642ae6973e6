"""Queries of points, Qdrant's replies, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from qdrant_client import models
from throughline import names

WAYS = ("reply", "async reply")
VECTOR = [0.125 * number for number in range(16)]
MODEL = "sentence-transformers/all-minilm-l6-v2"


def point(name: int | str, score: float, text: str) -> dict[str, Any]:
    return {"id": name, "version": 3, "score": score, "payload": {"title": "Tides", "text": text, "copy": VECTOR}}


def answered(result: Any) -> dict[str, Any]:
    return {"result": result, "status": "ok", "time": 0.001}


MOON, SUN = point(1, 0.875, "The moon pulls."), point("5c56c793-69f3-4fbf-87e6-c4bf54c28c26", 0.5, "So does the sun.")
DOCUMENTS = [
    {"id": "1", "score": 0.875, "content": {"title": "Tides", "text": "The moon pulls."}},
    {"id": SUN["id"], "score": 0.5, "content": {"title": "Tides", "text": "So does the sun."}},
]


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`."""
    return {
        **({names.RETRIEVAL_QUERY_TEXT: query} if query else {}),
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: "points.example",
        names.SERVER_PORT: 6333,
        **more,
    }


def words(text: str = "What makes tides?") -> models.Document:
    return models.Document(text=text, model=MODEL)


TEXT_QUERY = Exchange(
    request={"collection_name": "articles", "query": words(), "limit": 2},
    reply=answered({"points": [MOON, SUN]}),
    chunks=(),
    recorded=recorded("What makes tides?", **{names.REQUEST_MODEL: MODEL}),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
VECTOR_QUERY = Exchange(
    request={"collection_name": "articles", "query": VECTOR, "limit": 2},
    reply=answered({"points": [MOON, SUN]}),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
HYBRID_QUERY = Exchange(
    request={
        "collection_name": "articles",
        "prefetch": [
            models.Prefetch(query=words(), using="dense", limit=50),
            models.Prefetch(query=models.SparseVector(indices=[1, 42], values=[0.25, 0.75]), using="sparse", limit=50),
        ],
        "query": models.FusionQuery(fusion=models.Fusion.RRF),
        "limit": 2,
    },
    reply=answered({"points": [MOON]}),
    chunks=(),
    recorded=recorded("What makes tides?", **{names.REQUEST_MODEL: MODEL}),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS[:1]},
    ways=WAYS,
)
NO_HITS = Exchange(
    request={
        "collection_name": "articles",
        "query": models.NearestQuery(nearest=words("What makes snow?")),
        "limit": 2,
    },
    reply=answered({"points": []}),
    chunks=(),
    recorded={**recorded("What makes snow?", **{names.REQUEST_MODEL: MODEL}), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)
BATCH = Exchange(
    request={
        "collection_name": "articles",
        "requests": [
            models.QueryRequest(query=words(), limit=2, with_payload=True),
            models.QueryRequest(query=words("Spring tide"), limit=2, with_payload=True),
        ],
    },
    reply=answered([{"points": [MOON]}, {"points": [SUN]}]),
    chunks=(),
    recorded=recorded("What makes tides?\nSpring tide", **{names.REQUEST_MODEL: MODEL}),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
GROUPS = Exchange(
    request={"collection_name": "articles", "group_by": "title", "query": words(), "limit": 2, "group_size": 1},
    reply=answered({"groups": [{"id": "Tides", "hits": [MOON, SUN]}]}),
    chunks=(),
    recorded=recorded("What makes tides?", **{names.REQUEST_MODEL: MODEL}),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "hybrid query": HYBRID_QUERY,
    "batch": BATCH,
    "groups": GROUPS,
    "no hits": NO_HITS,
}
