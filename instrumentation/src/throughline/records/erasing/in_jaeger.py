"""What Jaeger still answers of people who are to be forgotten: where its storage is memory, nothing can be erased."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import httpx
from elasticsearch import Elasticsearch

from throughline import names
from throughline.records.erasing.person import ERASED, Trail
from throughline.records.streams import AUDIT
from throughline.store import traces
from throughline.store.traces import Step

_MOST: Final = 200
"""Traces that are asked for: his, and those of whom the newest tombstones tell."""
_OF_A_SPAN: Final = re.compile(r"([0-9a-f]{32})([0-9a-f]{16})")
_TELLING: Final = frozenset((*ERASED, "exception.stacktrace", "otel.status_description"))


def remains(http: httpx.Client, url: str, client: Elasticsearch, trail: Trail) -> Iterator[str]:
    """In words, what is left; the same where another run erased it everywhere else."""
    spans: dict[str, set[str] | None] = {**_earlier(client), **trail.shared, **dict.fromkeys(trail.traces)}
    try:
        found = sum(
            any(_tells(step, spans[trace]) for step in traces.from_jaeger(http, url, trace))
            for trace in islice(reversed(spans), _MOST)
        )
    except httpx.HTTPError as error:
        yield f"what Jaeger may have, which does not answer ({type(error).__name__})"
        return
    if found:
        yield f"{found} traces that Jaeger has in memory, or in another storage; its restart ends the former"


def _earlier(client: Elasticsearch) -> dict[str, set[str]]:
    """Traces and spans of the records that were erased last, by anybody's run."""
    found: dict[str, set[str]] = {}
    reply = client.search(
        index=AUDIT,
        query={"term": {"event_name": names.CONTENT_ERASED}},
        sort=[{"@timestamp": {"order": "desc", "unmapped_type": "date_nanos"}}],
        size=10,
        ignore_unavailable=True,
    )
    for hit in reversed(reply["hits"]["hits"]):
        for record_id in hit["_source"]["attributes"].get(names.AUDIT_RECORDS) or ():
            if parts := _OF_A_SPAN.fullmatch(record_id):
                found.setdefault(parts[1], set()).add(parts[2])
    return found


def _tells(step: Step, spans: set[str] | None) -> bool:
    """Whether a span that is his says who he is, or what he said; `spans` are his, None: all are."""
    if spans is not None and step.span_id not in spans:
        return False
    return any(_TELLING & known.keys() for known in (step.attributes, *step.events))
