"""Searches of a collection, Weaviate's replies by gRPC, and all that is to be recorded of them. Data only."""

from __future__ import annotations

import base64
from typing import Any
from uuid import UUID

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply")
VECTOR = [0.125 * number for number in range(16)]
NAMES = [UUID("5c56c793-69f3-4fbf-87e6-c4bf54c28c26"), UUID("5c56c793-69f3-4fbf-87e6-c4bf54c28c27")]


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`."""
    return {
        **({names.RETRIEVAL_QUERY_TEXT: query} if query else {}),
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "Articles",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: "objects.example",
        names.SERVER_PORT: 50051,
        **more,
    }


def result(number: int, text: str, **metadata: Any) -> dict[str, Any]:
    """One object as JSON says the message."""
    identity = {"id": str(NAMES[number]), "idAsBytes": base64.b64encode(NAMES[number].bytes).decode()}
    fields = {"title": {"textValue": "Tides"}, "text": {"textValue": text}}
    return {
        "metadata": {**identity, **metadata},
        "properties": {"targetCollection": "Articles", "nonRefProps": {"fields": fields}},
    }


def near(number: int, distance: float, text: str) -> dict[str, Any]:
    return result(number, text, distance=distance, distancePresent=True)


def scored(number: int, score: float, text: str) -> dict[str, Any]:
    return result(number, text, score=score, scorePresent=True)


def documents(**relevance: list[float]) -> list[dict[str, Any]]:
    """The two objects as they are recorded."""
    ((kind, values),) = relevance.items()
    texts = ("The moon pulls.", "So does the sun.")
    return [
        {"id": str(name), kind: value, "content": {"title": "Tides", "text": text}}
        for name, value, text in zip(NAMES, values, texts, strict=False)
    ]


NEAR = [near(0, 0.125, "The moon pulls."), near(1, 0.5, "So does the sun.")]
SCORED = [scored(0, 0.875, "The moon pulls."), scored(1, 0.5, "So does the sun.")]

TEXT_QUERY = Exchange(
    request={"method": "near_text", "query": "What makes tides?", "limit": 2},
    reply={"took": 0.01, "results": NEAR},
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: documents(distance=[0.125, 0.5])},
    ways=WAYS,
)
VECTOR_QUERY = Exchange(
    request={"method": "near_vector", "near_vector": VECTOR, "limit": 2},
    reply={"took": 0.01, "results": NEAR},
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: documents(distance=[0.125, 0.5])},
    ways=WAYS,
)
HYBRID_QUERY = Exchange(
    request={"method": "hybrid", "query": "What makes tides?", "vector": VECTOR, "alpha": 0.5, "limit": 2},
    reply={"took": 0.01, "results": SCORED},
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: documents(score=[0.875, 0.5])},
    ways=WAYS,
)
WORDS = Exchange(
    request={"method": "bm25", "query": "tides", "limit": 2},
    reply={"took": 0.01, "results": SCORED[:1]},
    chunks=(),
    recorded=recorded("tides"),
    content={names.RETRIEVAL_DOCUMENTS: documents(score=[0.875])},
    ways=WAYS,
)
NO_HITS = Exchange(
    request={"method": "near_text", "query": ["What makes snow?"], "limit": 2},
    reply={"took": 0.01},
    chunks=(),
    recorded={**recorded("What makes snow?"), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "hybrid query": HYBRID_QUERY,
    "words": WORDS,
    "no hits": NO_HITS,
}
