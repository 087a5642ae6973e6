"""What each data stream takes of the disk, what it holds and keeps, as reports; it removes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from elasticsearch import Elasticsearch

from throughline import names
from throughline.store.queries import TIME
from throughline.store.reports import Report
from throughline.store.retention import Retention, streams
from throughline.store.templates import KINDS, Kind


def storage(client: Elasticsearch, retention: Retention) -> Iterator[Report]:
    """One for each of our data streams: bytes with all replicas, documents, and the time of the oldest of these."""
    days = asdict(retention)
    for stream in streams(client, ",".join(kind.pattern for kind in KINDS)):
        if (kind := _kind(stream)) is not None:
            yield _report(client, stream, days[kind.name])


def _kind(stream: str) -> Kind | None:
    """The kind whose template it was made by: of several that match, the one with the highest priority."""
    matching = [kind for kind in KINDS if fnmatchcase(stream, kind.pattern)]
    return max(matching, key=lambda kind: kind.priority, default=None)


def _report(client: Elasticsearch, stream: str, days: int) -> Report:
    found = client.indices.stats(index=stream, metric=["docs", "store"])["_all"]
    return Report(
        names.STORAGE,
        {
            names.STORAGE_STREAM: stream,
            names.STORAGE_BYTES: found["total"]["store"]["size_in_bytes"],
            names.STORAGE_DOCUMENTS: found["primaries"]["docs"]["count"],
            names.STORAGE_OLDEST_UNIX_NANO: _oldest(client, stream),
            names.STORAGE_RETENTION_DAYS: days,
        },
    )


def _oldest(client: Elasticsearch, stream: str) -> int | None:
    """When its oldest document was made, in nanoseconds since the epoch; None where there is none."""
    order: Any = [{TIME: {"order": "asc", "numeric_type": "date_nanos"}}]
    hits = client.search(index=stream, sort=order, size=1, source=False)["hits"]["hits"]
    return int(hits[0]["sort"][0]) if hits else None
