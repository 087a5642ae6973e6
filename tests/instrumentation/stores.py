"""What the scenarios of retrievals have in common: stores that are asked and answer, and stream nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from instrumentation.scenarios import Client
from throughline import names


class Store(Client):
    """A client of a store of documents."""

    offers = frozenset({"async"})
    wanted = frozenset({"text query", "vector query", "hybrid query", "no hits"})
    asked_in: ClassVar[str] = names.RETRIEVAL_QUERY_TEXT

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        raise AssertionError(chunks)

    def event_stream(self, blocks: Any) -> Any:
        raise AssertionError(blocks)

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        raise AssertionError(api, request)

    def refused_midway(self) -> tuple[Any, str]:
        raise AssertionError
