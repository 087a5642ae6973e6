"""A retrieval that the application does by itself, recorded as the conventions' retrieval operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from throughline.adapter import Reader
from throughline.by_hand import recorded
from throughline.operation import Operation
from throughline.parts import get, items


@dataclass(slots=True)
class Retrieved:
    """What a retrieval asked for and found; the application fills `documents`."""

    data_source: str
    query: str | None
    top_k: int | None
    documents: list[dict[str, Any]] = field(default_factory=list)
    """Found documents: `id` and `score` at least; recorded only where content is captured."""
    counted: bool = True
    """Whether they are all that was found, so that their number and highest score are recorded, also without content;
    an application that does not say what it found sets False, as it found not nothing."""


class _Retrieval(Reader):
    operation = "retrieval"
    by_hand = True
    params = {"data_source": "data_source", "retrieval_top_k": "top_k"}

    def request_content(self, op: Operation, body: Any) -> None:
        op.query = get(body, "query")

    def scores(self, body: Any) -> list[Any] | None:
        return [get(found, "score") for found in items(body, "documents")] if get(body, "counted") else None

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = get(body, "documents") or None  # none of them say nothing of themselves: `scores` does


_READER = _Retrieval()


@contextmanager
def retrieval(
    data_source: str, *, query: str | None = None, top_k: int | None = None, provider: str | None = None
) -> Iterator[Retrieved]:
    """Record what runs inside as one retrieval from `data_source`; spans made inside become its children.

    Retrievals that a client makes inside are part of it; other calls of models, such as embeddings, are its steps.
    `query` is recorded only where content is captured. An exception ends the retrieval as failed and passes unchanged.
    """
    found = Retrieved(data_source, query, top_k)
    with recorded(_READER, found, provider):
        yield found
