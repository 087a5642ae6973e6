"""The evidence's streams in Elasticsearch, and every document of a query, however many; it asks nothing by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from throughline import names
from throughline.store.queries import CONTENTS, REJECTED, SPANS

__all__ = ["AUDIT", "CONTENTS", "LOGS", "NAMING", "RECORDS", "REJECTED", "SPANS", "USER", "batches", "hits"]

Query = dict[str, Any]
Hit = dict[str, Any]
T = TypeVar("T")

RECORDS: Final = "logs-genai.record.otel-*,logs-genai.operation.otel-*,logs-genai.evaluation.otel-*"
"""Streams of chained records, which stay."""
AUDIT: Final = "logs-genai.audit.otel-*"
LOGS: Final = "logs-*.otel-*,-logs-genai.*"
NAMING: Final = f"{LOGS},{RECORDS},{SPANS}"
"""Where somebody may be named. What a pattern leaves out, it leaves out of those before it."""
BATCH: Final = 500
_WHOLE: Final = 50  # documents at once, where they come whole and may be large
USER: Final = f"attributes.{names.USER_ID}"
"""The field that names him."""


def batches(items: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def hits(client: Elasticsearch, index: str, query: Query, source: Sequence[str] | bool = True) -> Iterator[Hit]:
    """Every document that matches, in no order."""
    body = {"query": query, "_source": source if isinstance(source, bool) else list(source)}
    size = _WHOLE if source is True else BATCH
    return iter(scan(client, index=index, query=body, ignore_unavailable=True, size=size))
