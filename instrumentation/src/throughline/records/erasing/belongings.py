"""Where one person's things are in each store, as queries over a trail; it runs none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from throughline import names
from throughline.records.erasing.person import Trail
from throughline.records.streams import USER, Query, batches

JAEGER: Final = "jaeger-span-*"
"""Where Jaeger keeps spans of its own, where Elasticsearch is its storage."""
_TRACES_AT_ONCE: Final = 50


def by_record(trail: Trail) -> Iterator[Query]:
    """Records, and their content, which has the same ids."""
    return (ids(batch) for batch in batches(sorted(trail.records)))


def by_trace(trail: Trail) -> Iterator[Query]:
    """Spans and logs as the Collector stores them."""
    yield from _inside(trail, "trace_id", "span_id")
    yield named(trail)


def in_jaeger(trail: Trail) -> Iterator[Query]:
    """Spans as Jaeger stores them; who is named in them it cannot be asked."""
    return _inside(trail, "traceID", "spanID")


def rejected(trail: Trail) -> Iterator[Query]:
    """What could not be stored as it was."""
    yield from (ids(batch) for batch in batches(sorted(trail.rejected)))
    for batch in batches(sorted(trail.records)):
        yield {"terms": {f"attributes.{names.RECORD_ID}": batch}}
    yield from by_trace(trail)


def named(trail: Trail) -> Query:
    """What names him."""
    bounds = [{"range": {"@timestamp": {"lte": trail.until}}}] if trail.until else []
    return {"bool": {"filter": [{"term": {USER: trail.user}}, *bounds]}}


def ids(batch: list[str]) -> Query:
    return {"ids": {"values": batch}}


def _inside(trail: Trail, trace: str, span: str) -> Iterator[Query]:
    for batch in batches(sorted(trail.traces)):
        yield {"terms": {trace: batch}}
    for pairs in batches(sorted(trail.shared.items()), _TRACES_AT_ONCE):
        both = [{"bool": {"filter": [{"term": {trace: one}}, {"terms": {span: sorted(its)}}]}} for one, its in pairs]
        yield {"bool": {"should": both, "minimum_should_match": 1}}
