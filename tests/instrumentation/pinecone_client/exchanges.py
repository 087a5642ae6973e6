"""Queries of an index, Pinecone's replies by REST, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply")
HOST = "articles-en-abc1234.svc.aped-4627-b74a.pinecone.io"
VECTOR = [0.125 * number for number in range(16)]
NAMESPACE = "tenant-1"


def recorded(query: str | None = None, **more: Any) -> dict[str, Any]:
    """`query`: plain text, unlike other content, which is in `content`."""
    return {
        **({names.RETRIEVAL_QUERY_TEXT: query} if query else {}),
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles-en",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: HOST,
        names.SERVER_PORT: 443,
        **more,
    }


def matched(*matches: dict[str, Any]) -> dict[str, Any]:
    """A reply of `/query`."""
    return {"matches": list(matches), "namespace": NAMESPACE, "usage": {"readUnits": 5}}


def hit(*hits: dict[str, Any]) -> dict[str, Any]:
    """A reply of the search for records."""
    return {"result": {"hits": list(hits)}, "usage": {"read_units": 5, "embed_total_tokens": 4}}


MOON = {"id": "a1", "score": 0.875, "values": VECTOR, "metadata": {"title": "Tides", "text": "The moon pulls."}}
SUN = {"id": "a2", "score": 0.5, "values": [], "metadata": {"title": "Tides", "text": "So does the sun."}}
HITS = [{"_id": point["id"], "_score": point["score"], "fields": point["metadata"]} for point in (MOON, SUN)]
DOCUMENTS = [{"id": point["id"], "score": point["score"], "content": point["metadata"]} for point in (MOON, SUN)]

TEXT_QUERY = Exchange(
    request={"namespace": NAMESPACE, "top_k": 2, "inputs": {"text": "What makes tides?"}},
    reply=hit(*HITS),
    chunks=(),
    recorded=recorded("What makes tides?"),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=("reply", "async reply", "alias reply", "older reply"),
)
VECTOR_QUERY = Exchange(
    request={"namespace": NAMESPACE, "top_k": 2, "vector": VECTOR, "include_metadata": True},
    reply=matched(MOON, SUN),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
HYBRID_QUERY = Exchange(
    request={"top_k": 2, "vector": VECTOR, "sparse_vector": {"indices": [1, 42], "values": [0.25, 0.75]}},
    reply=matched(MOON),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS[:1]},
    ways=WAYS,
)
SEVERAL_NAMESPACES = Exchange(
    request={"namespaces": [NAMESPACE], "metric": "cosine", "top_k": 2, "vector": VECTOR, "include_metadata": True},
    reply=matched(MOON, SUN),
    chunks=(),
    recorded=recorded(),
    content={names.RETRIEVAL_DOCUMENTS: DOCUMENTS},
    ways=WAYS,
)
NO_HITS = Exchange(
    request={"namespace": NAMESPACE, "top_k": 2, "inputs": {"text": "What makes snow?"}},
    reply=hit(),
    chunks=(),
    recorded={**recorded("What makes snow?"), names.RETRIEVAL_COUNT: 0},
    ways=WAYS,
)

EXCHANGES = {
    "text query": TEXT_QUERY,
    "vector query": VECTOR_QUERY,
    "hybrid query": HYBRID_QUERY,
    "several namespaces": SEVERAL_NAMESPACES,
    "no hits": NO_HITS,
}
