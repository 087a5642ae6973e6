"""Copies that a second delivery leaves where a stream was rolled over between the two: found and removed; no retention.

Elasticsearch refuses an id twice within one index of a stream, not within the stream. Only a record made before an
index began can have a copy in an earlier one, and there are few of these: a search by time finds all that may.
A later document that differs is no copy but evidence that somebody wrote to the store: it stays, and is reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final

from elasticsearch import Elasticsearch, NotFoundError
from elasticsearch.helpers import scan

from throughline.store.retention import streams

EVIDENCE: Final = "logs-genai.*.otel-*"
SKEW: Final = timedelta(minutes=10)
"""How far a sender's clock may be ahead of Elasticsearch's."""
AT_ONCE: Final = 500
ARRIVAL: Final = ("observed_timestamp",)
"""What tells when a document was delivered, and differs between deliveries."""

Document = dict[str, Any]


def remove_copies(client: Elasticsearch, pattern: str = EVIDENCE, *, since: datetime | None = None) -> list[str]:
    """Remove them from every index that took documents after `since`, None: from all; returns what it did, in words."""
    return [
        said
        for stream, indices in streams(client, pattern).items()
        for place, (index, began) in enumerate(indices)
        if place and (since is None or place == len(indices) - 1 or indices[place + 1][1] > since)
        for said in _of_index(client, stream, index, began, [earlier for earlier, _ in indices[:place]])
    ]


def _of_index(client: Elasticsearch, stream: str, index: str, began: datetime, earlier: list[str]) -> Iterator[str]:
    removed, differing = 0, list[str]()
    late = _made_before(client, index, began + SKEW)
    while identities := list(islice(late, AT_ONCE)):
        for identity, original in _present(client, earlier, identities).items():
            match _alike(client, identity, original, index):
                case True:
                    removed += 1
                case False:
                    differing.append(identity)
    if removed:
        yield f"removed {removed} copies from {stream}"
    for identity in differing:
        yield f"{identity} is in {stream} twice, and the later one differs: it stays for an examination"


def _made_before(client: Elasticsearch, index: str, moment: datetime) -> Iterator[str]:
    """Ids of the documents of this index whose time is earlier."""
    query = {"query": {"range": {"@timestamp": {"lt": moment.isoformat()}}}, "_source": False}
    return (hit["_id"] for hit in scan(client, index=index, query=query, size=AT_ONCE))


def _present(client: Elasticsearch, indices: list[str], identities: list[str]) -> dict[str, str]:
    """Which of these ids are in one of the indices, each with the earliest."""
    query = {"ids": {"values": identities}}
    found: dict[str, str] = {}
    for hit in scan(client, index=",".join(indices), query={"query": query, "_source": False}, size=AT_ONCE):
        known = found.setdefault(hit["_id"], hit["_index"])
        found[hit["_id"]] = min(known, hit["_index"], key=indices.index)
    return found


def _alike(client: Elasticsearch, identity: str, original: str, index: str) -> bool | None:
    """Whether the later document is a copy, which then is gone; None: one of the two was gone already."""
    first, second = (_get(client, each, identity) for each in (original, index))
    if first is None or second is None:
        return None
    if _said(first) != _said(second):
        return False
    unchanged = {"if_seq_no": second["_seq_no"], "if_primary_term": second["_primary_term"]}
    client.options(ignore_status=(404, 409)).delete(index=index, id=identity, **unchanged)
    return True


def _get(client: Elasticsearch, index: str, identity: str) -> Document | None:
    try:
        return dict(client.get(index=index, id=identity))
    except NotFoundError:
        return None


def _said(document: Document) -> Document:
    return {name: value for name, value in document["_source"].items() if name not in ARRIVAL}
