"""Searches of a collection, Milvus's replies by gRPC, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply")
VECTOR = [0.125 * number for number in range(16)]


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`."""
    return {
        **({names.RETRIEVAL_QUERY_TEXT: query} if query else {}),
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: "vectors.example",
        names.SERVER_PORT: 19530,
        **more,
    }


def answered(*texts: str, queries: int = 1) -> dict[str, Any]:
    """A reply as JSON says the message: a column for each field, in it a row for each hit of each query."""
    rows = [*texts] * queries
    return {
        "status": {},
        "results": {
            "numQueries": str(queries),
            "topK": str(len(texts)),
            "fieldsData": [
                {"type": "VarChar", "fieldName": "text", "scalars": {"stringData": {"data": rows}}},
                {
                    "type": "JSON",
                    "fieldName": "$meta",
                    "isDynamic": True,
                    "scalars": {"jsonData": {"data": ["eyJ0aXRsZSI6IlRpZGVzIn0=" for _ in rows]}},
                },
            ],
            "outputFields": ["text", "title"],
            "scores": [0.875, 0.5][: len(texts)] * queries,
            "ids": {"intId": {"data": [str(number) for number, _ in enumerate(rows, 7)]}},
            "topks": [str(len(texts))] * queries,
            "primaryFieldName": "id",
        },
    }


MOON, SUN = "The moon pulls.", "So does the sun."
DOCUMENTS = [
    {"id": "7", "distance": 0.875, "content": {"text": MOON, "title": "Tides"}},
    {"id": "8", "distance": 0.5, "content": {"text": SUN, "title": "Tides"}},
]
TEXT_QUERY = Exchange(
    request={"collection_name": "articles", "data": ["What makes tides?"], "limit": 2, "output_fields": ["text"]},
    reply=answered(MOON, SUN),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
VECTOR_QUERY = Exchange(
    request={"collection_name": "articles", "data": [VECTOR], "limit": 2},
    reply=answered(MOON, SUN),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
HYBRID_QUERY = Exchange(
    request={"collection_name": "articles", "reqs": ["What makes tides?", VECTOR], "limit": 2},
    reply=answered(MOON),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS[:1]},
    ways=WAYS,
)
NO_HITS = Exchange(
    request={"collection_name": "articles", "data": ["What makes snow?"], "limit": 2},
    reply={"status": {}, "results": {"numQueries": "1", "topks": ["0"]}},
    chunks=(),
    recorded={**recorded("What makes snow?"), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "hybrid query": HYBRID_QUERY,
    "no hits": NO_HITS,
}
