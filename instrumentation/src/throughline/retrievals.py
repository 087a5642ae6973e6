"""A retrieval that the application does by itself, recorded as the conventions' retrieval operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import context

from throughline import instrumentor
from throughline.adapter import Reader, Route
from throughline.contained import contained
from throughline.operation import Operation
from throughline.parts import get


@dataclass(slots=True)
class Retrieved:
    """What a retrieval asked for and found; the application fills `documents`."""

    data_source: str
    query: str | None
    top_k: int | None
    documents: list[dict[str, Any]] = field(default_factory=list)
    """Found documents: `id` and `score` at least; recorded only where content is captured."""


class _Retrieval(Reader):
    operation = "retrieval"
    by_hand = True
    params = {"data_source": "data_source", "retrieval_top_k": "top_k"}

    def request_content(self, op: Operation, body: Any) -> None:
        op.query = get(body, "query")

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = get(body, "documents")


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
    active = instrumentor.recorder()
    if active is None:
        yield found
        return
    recording = contained(active.start, Route(_READER, found, provider))
    if recording is None:
        yield found
        return
    token = context.attach(recording.inside())
    try:
        yield found
    except BaseException as error:
        recording.fail(error)
        raise
    finally:
        context.detach(token)
        recording.finish(found)
