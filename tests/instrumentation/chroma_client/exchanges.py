"""Queries of a collection, Chroma's replies, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply")
VECTOR = [0.125 * number for number in range(16)]
MODEL = "tiny-embedder-1"


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`; the collection embeds it by its own model."""
    texts = {names.RETRIEVAL_QUERY_TEXT: query, names.REQUEST_MODEL: MODEL} if query else {}
    return {
        **texts,
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: "chroma.example",
        names.SERVER_PORT: 8000,
        **more,
    }


def answered(*rows: list[tuple[str, float, str]]) -> dict[str, Any]:
    """A reply of `/query`, which holds a column for each kind of value and in it a row for each text or vector."""
    return {
        "ids": [[name for name, _, _ in row] for row in rows],
        "distances": [[distance for _, distance, _ in row] for row in rows],
        "documents": [[text for _, _, text in row] for row in rows],
        "metadatas": [[{"title": "Tides"} for _ in row] for row in rows],
        "embeddings": None,
        "uris": None,
        "include": ["metadatas", "documents", "distances"],
    }


MOON, SUN = ("a1", 0.25, "The moon pulls."), ("a2", 0.5, "So does the sun.")
DOCUMENTS = [
    {"id": "a1", "distance": 0.25, "content": "The moon pulls."},
    {"id": "a2", "distance": 0.5, "content": "So does the sun."},
]
TEXT_QUERY = Exchange(
    request={"query_texts": "What makes tides?", "n_results": 2},
    reply=answered([MOON, SUN]),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
VECTOR_QUERY = Exchange(
    request={"query_embeddings": [VECTOR], "n_results": 2},
    reply=answered([MOON, SUN]),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
SEVERAL_TEXTS = Exchange(
    request={"query_texts": ["What makes tides?", "Spring tide"], "n_results": 2},
    reply=answered([MOON], [SUN]),
    chunks=(),
    recorded=recorded("What makes tides?\nSpring tide"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
NO_HITS = Exchange(
    request={"query_texts": ["What makes snow?"], "n_results": 2},
    reply=answered([]),
    chunks=(),
    recorded={**recorded("What makes snow?"), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "several texts": SEVERAL_TEXTS,
    "no hits": NO_HITS,
}
