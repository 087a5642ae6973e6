"""Searches, their replies, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply", "body reply", "options reply", "bare reply", "async bare reply")
VECTOR = [0.125 * number for number in range(16)]


def hit(name: str, score: float | None, text: str) -> dict[str, Any]:
    source = {"title": "Tides", "text": text, "embedding": VECTOR}
    return {"_index": "articles", "_id": name, "_score": score, "_source": source}


def found(*hits: dict[str, Any], **more: Any) -> dict[str, Any]:
    total = {"value": len(hits), "relation": "eq"}
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    best = max((hit["_score"] for hit in hits), default=None)
    return {"took": 3, "timed_out": False, "_shards": shards,
            "hits": {"total": total, "max_score": best, "hits": list(hits)}, **more}  # fmt: skip


MOON, SUN = hit("a1", 7.25, "The moon pulls."), hit("a2", 3.5, "So does the sun.")
DOCUMENTS = [
    {"id": "a1", "score": 7.25, "content": {"title": "Tides", "text": "The moon pulls."}},
    {"id": "a2", "score": 3.5, "content": {"title": "Tides", "text": "So does the sun."}},
]


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`."""
    return {
        **({names.RETRIEVAL_QUERY_TEXT: query} if query else {}),
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles",
        names.RETRIEVAL_TOP_K: 3,
        names.SERVER_ADDRESS: "search.example",
        names.SERVER_PORT: 9200,
        **more,
    }


TEXT_QUERY = Exchange(
    request={"index": "articles", "query": {"match": {"text": "What makes tides?"}}, "size": 3},
    reply=found(MOON, SUN),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
VECTOR_QUERY = Exchange(
    request={"index": "articles", "knn": {"field": "embedding", "query_vector": VECTOR, "k": 3, "num_candidates": 50}},
    reply=found(MOON, SUN),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
HYBRID_QUERY = Exchange(
    request={
        "index": "articles",
        "size": 3,
        "retriever": {
            "rrf": {
                "rank_window_size": 50,
                "retrievers": [
                    {"standard": {"query": {"multi_match": {"query": "What makes tides?", "fields": ["text"]}}}},
                    {"knn": {"field": "embedding", "query_vector": VECTOR, "k": 50, "num_candidates": 99}},
                ],
            }
        },
    },
    reply=found(MOON, SUN),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=("reply", "async reply"),
)
EMBEDDED_BY_THE_SERVER = Exchange(
    request={
        "index": "articles",
        "size": 3,
        "knn": {
            "field": "embedding",
            "k": 10,
            "num_candidates": 50,
            "query_vector_builder": {
                "text_embedding": {"model_id": "multilingual-e5", "model_text": "What makes tides?"}
            },
        },
    },
    reply=found(MOON),
    chunks=(),
    recorded=recorded("What makes tides?", **{names.REQUEST_MODEL: "multilingual-e5"}),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS[:1]},
    ways=("reply", "async reply"),
)
NO_HITS = Exchange(
    request={"index": "articles", "query": {"semantic": {"field": "text", "query": "What makes snow?"}}, "size": 3},
    reply=found(),
    chunks=(),
    recorded={**recorded("What makes snow?"), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)
SEVERAL_SEARCHES = Exchange(
    request={
        "searches": [
            {"index": "articles"},
            {"query": {"match": {"text": "What makes tides?"}}, "size": 3},
            {"index": "articles"},
            {"query": {"match_phrase": {"title": {"query": "Spring tide"}}}, "size": 3},
        ]
    },
    reply={"took": 5, "responses": [found(MOON, status=200), found(SUN, status=200)]},
    chunks=(),
    recorded=recorded("What makes tides?\nSpring tide"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=("reply", "async reply"),
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "hybrid query": HYBRID_QUERY,
    "embedded by the server": EMBEDDED_BY_THE_SERVER,
    "several searches": SEVERAL_SEARCHES,
    "no hits": NO_HITS,
}
