"""Statements that look for neighbours, the rows they find, and all that is to be recorded of them. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "async reply")
VECTOR = str([0.125 * number for number in range(16)])
ROWS = [[1, "The moon pulls."], [2, "So does the sun."]]


def recorded(**more: Any) -> dict[str, Any]:
    return {
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "articles",
        names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: "rows.example",
        names.SERVER_PORT: 5432,
        **more,
    }


def exchange(query: str, params: Any, rows: Any = ROWS) -> Exchange:
    told = recorded(**{names.RETRIEVAL_COUNT: len(rows)})
    return Exchange(request={"query": query, "params": params}, reply=rows, chunks=(), recorded=told, ways=WAYS)


EXCHANGES = {
    "vector query": exchange("SELECT id, text FROM articles ORDER BY embedding <=> %s LIMIT 2", [VECTOR]),
    "named distance": exchange(
        "SELECT articles.id, articles.embedding <=> %(embedding_1)s AS distance \n"
        "FROM articles ORDER BY distance ASC \n LIMIT %(param_1)s",
        {"embedding_1": VECTOR, "param_1": 2},
    ),
    "no hits": exchange("SELECT id FROM articles ORDER BY embedding <-> %s::vector LIMIT %s", (VECTOR, 2), []),
}
