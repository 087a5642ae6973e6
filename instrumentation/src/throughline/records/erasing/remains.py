"""Whether anything readable of one person is left after an erasure, down to Elasticsearch's files; it erases nothing.

Elasticsearch keeps a deleted document's bytes until it merges the segment they are in; `expunge` makes it do that.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline.blobs import Store
from throughline.records.erasing import belongings
from throughline.records.erasing.erasure import SHORT, Blobs
from throughline.records.erasing.person import ERASED, Trail
from throughline.records.streams import CONTENTS, LOGS, NAMING, RECORDS, REJECTED, SPANS, hits

EVERYWHERE: Final = "logs-*,traces-*,metrics-*"
CHANGED: Final = f"{NAMING},{CONTENTS},{REJECTED},{belongings.JAEGER}"
_ALLOWED: Final = "index.merge.policy.expunge_deletes_allowed"
_TEXTS: Final = [
    "attributes.gen_ai.*",
    "attributes.exception.*",
    "attributes.throughline.*",
    "body.text",
    "status.message",
]
_SAMPLES: Final = 20
_SAMPLED_RECORDS: Final = 200
_LEAST, _MOST = 20, 200  # characters of a sample: enough to be his words, and few enough to be looked for as a phrase
_PAUSE: Final = 1.0
_LABELS: Final = frozenset({"id", "name", "type"})
"""Of a message's part, what is nobody's words: a tool's name and the id of its call stay on its record."""


def samples(client: Elasticsearch, trail: Trail) -> list[str]:
    """Some of what he said and was answered, to look for afterwards. Held in memory, shown to nobody."""
    found: dict[str, None] = {}
    for query in belongings.by_record(trail):
        reply = client.search(index=CONTENTS, query=query, size=_SAMPLED_RECORDS, ignore_unavailable=True)
        for hit in reply["hits"]["hits"]:
            for text in _texts(hit["_source"].get("attributes", {})):
                if len(text) >= _LEAST:
                    found[text[:_MOST]] = None
        if len(found) >= _SAMPLES:
            break
    return sorted(found, key=len, reverse=True)[:_SAMPLES]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        labels = _LABELS if "type" in value else ()
        for name, inner in value.items():
            if name not in labels and not name.startswith("throughline."):
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def expunge(client: Elasticsearch, seconds: float) -> list[str]:
    """Have deleted documents' bytes removed from the files; the indices where they are still there after so long.

    Elasticsearch keeps them for up to half a minute by itself, for copies of the index that may have to catch up.
    """
    indices = client.options(request_timeout=600).indices
    indices.refresh(index=CHANGED, ignore_unavailable=True)
    chosen = left = _with_deleted(client)
    deadline = time.monotonic() + seconds
    try:
        for index in chosen:
            indices.put_settings(index=index, settings={_ALLOWED: 0}, ignore_unavailable=True)
        while left:
            for index in left:
                indices.flush(index=index, force=True, wait_if_ongoing=True, ignore_unavailable=True)
                indices.forcemerge(index=index, only_expunge_deletes=True, ignore_unavailable=True)
            left = sorted({*_with_deleted(client)} & {*chosen})
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE if left else 0)
    finally:
        for index in chosen:
            indices.put_settings(index=index, settings={_ALLOWED: None}, ignore_unavailable=True)
    return left


def _with_deleted(client: Elasticsearch) -> list[str]:
    """Indices, by their own names, in which there are deleted documents."""
    found = client.indices.stats(index=CHANGED, metric="docs").body.get("indices", {})
    return sorted(name for name, stats in found.items() if stats["total"]["docs"]["deleted"])


def remains(
    client: Elasticsearch, trail: Trail, store: Store | None, blobs: Blobs, said: Iterable[str]
) -> Iterator[str]:
    """What is left of him, in words that do not repeat it; nothing where all is gone."""
    client.indices.refresh(index=CHANGED, ignore_unavailable=True)
    if named := _count(client, EVERYWHERE, belongings.named(trail)):
        yield f"{named} documents name him"
    for what, index, queries in (
        ("contents of his records", CONTENTS, belongings.by_record),
        ("his rejected documents", REJECTED, belongings.rejected),
        ("his spans of Jaeger's own", belongings.JAEGER, belongings.in_jaeger),
    ):
        if left := sum(_count(client, index, query) for query in queries(trail)):
            yield f"{left} {what}"
    yield from _in_records(client, trail)
    for index in (SPANS, LOGS):
        if left := sum(_has_something(hit["_source"], trail.user) for hit in _of_traces(client, trail, index)):
            yield f"{left} documents of {index} with content or his name"
    if left := sum(_is_his(hit, trail) for text in said for hit in _saying(client, text)):
        yield f"{left} documents with words of his, of those that were looked for"
    if left := sum(store.has(digest) for digest in blobs.alone) if store else 0:
        yield f"{left} contents in the store"


def _in_records(client: Elasticsearch, trail: Trail) -> Iterator[str]:
    """What is left on the records: by name what may not be, and where a proved attribute itself names him."""
    left: dict[str, int] = {}
    for query in belongings.by_record(trail):
        for hit in hits(client, RECORDS, query):
            attributes = hit["_source"].get("attributes", {})
            for name, value in attributes.items():
                if name in ERASED or _mentions(value, trail.user):
                    left[name] = left.get(name, 0) + 1
    for name, count in sorted(left.items()):
        why = "" if name in ERASED else ", which the chain proves and nobody may change"
        yield f"{count} records name him in {name}{why}"


def _has_something(source: dict[str, Any], user: str) -> bool:
    attributes = source.get("attributes", {})
    return (
        any(name in attributes for name in ERASED)
        or bool(source.get("status", {}).get("message") or source.get("body"))
        or _mentions(source, user)
    )


def _mentions(value: Any, user: str) -> bool:
    if isinstance(value, str):
        return value == user or (len(user) >= SHORT and user in value)
    return len(user) >= SHORT and json.dumps(user, ensure_ascii=False)[1:-1] in json.dumps(value, ensure_ascii=False)


def _of_traces(client: Elasticsearch, trail: Trail, index: str) -> Iterator[dict[str, Any]]:
    for query in belongings.by_trace(trail):
        yield from hits(client, index, query)


def _saying(client: Elasticsearch, text: str) -> list[dict[str, Any]]:
    query = {"multi_match": {"query": text, "type": "phrase", "fields": _TEXTS, "lenient": True}}
    reply = client.search(
        index=EVERYWHERE, query=query, size=1_000, source_includes=["trace_id"], ignore_unavailable=True
    )
    found: list[dict[str, Any]] = reply["hits"]["hits"]
    return found


def _is_his(hit: dict[str, Any], trail: Trail) -> bool:
    """Whether a document that has words of his is his own; others may have said the same, or been told it."""
    return hit["_id"] in trail.records or hit["_source"].get("trace_id") in trail.traces


def _count(client: Elasticsearch, index: str, query: dict[str, Any]) -> int:
    return int(client.count(index=index, query=query, ignore_unavailable=True)["count"])
