"""Records of model calls as answers to be scored: read from Elasticsearch page by page, from one moment's state.

A page is in memory at a time. Who may not read content finds none, and so does a record that has none.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.scores.answers import Answer
from throughline.scores.batch.reading import answer_of, texts_of, why_not
from throughline.store import queries
from throughline.store.queries import Search, attribute

ANSWERING: Final = ("chat", "generate_content", "text_completion")
"""Operations whose output is an answer."""
PAGE: Final = 50  # records; each may have a megabyte of answer
_KEEP: Final = "15m"  # between two pages, in which a judge may be asked about each answer
_MOST_RETRIEVALS: Final = 500  # of a page's traces
_CONTENT: Final = (
    names.CONTENT_REF,
    names.CONTENT_SEALED,
    names.CONTENT_SET_ASIDE,
    names.CONTENT_TRUNCATED,
    names.INPUT_MESSAGES,
    names.OUTPUT_MESSAGES,
    names.SYSTEM_INSTRUCTIONS,
)
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """One record, with its answer or why there is none."""

    record_id: str
    trace_id: str
    span_id: str
    environment: str
    attributes: Mapping[str, Any]
    """The record's, without content."""
    answer: Answer | None
    why_not: str = ""
    rests_on_prompt: bool = False
    """Nobody recorded the passages' texts, so its grounds are the prompt in which they stand."""

    @property
    def response_id(self) -> str | None:
        """The provider's."""
        found = self.attributes.get(names.RESPONSE_ID)
        return str(found) if found else None


def query_of(search: Search) -> Body:
    """The application's answers that match: no judge's call, and none that failed."""
    own = {"bool": {"must_not": [{"term": {attribute(names.JUDGING): True}}]}}
    answered = {"bool": {"must_not": [{"exists": {"field": attribute(names.ERROR_TYPE)}}]}}
    operations = {"terms": {attribute(names.OPERATION_NAME): list(ANSWERING)}}
    return {"bool": {"filter": [search.query(), operations, own, answered]}}


def count(client: Elasticsearch, search: Search) -> int:
    """How many there are."""
    reply = client.count(index=queries.RECORDS, query=query_of(search), ignore_unavailable=True)
    return int(reply["count"])


def pages(client: Elasticsearch, search: Search, size: int = PAGE) -> Generator[list[Stored], None, None]:
    """All that match, newest first, in lists of at most `size`. To be closed, by who stops early, before the client."""
    with _state(client) as state:
        after: list[Any] | None = None
        while True:
            reply = client.search(
                pit={"id": state, "keep_alive": _KEEP}, query=query_of(search), size=size, search_after=after,
                sort=[{queries.TIME: {"order": "desc", "unmapped_type": "date_nanos"}}],
                allow_partial_search_results=False, track_total_hits=False,
            )  # fmt: skip
            hits = reply["hits"]["hits"]
            if hits:
                yield _answered(client, hits)
            if len(hits) < size:
                return
            after = hits[-1]["sort"]


@contextmanager
def _state(client: Elasticsearch) -> Iterator[str]:
    """What is there now, whatever comes meanwhile."""
    opened = client.open_point_in_time(index=queries.RECORDS, keep_alive=_KEEP, ignore_unavailable=True)
    try:
        yield str(opened["id"])
    finally:
        client.options(ignore_status=404).close_point_in_time(id=opened["id"])


def _answered(client: Elasticsearch, hits: Sequence[Body]) -> list[Stored]:
    said = _contents(client, [hit["_id"] for hit in hits], _CONTENT)
    traces = sorted({trace for hit in hits if (trace := hit["_source"].get("trace_id"))})
    found = _retrieved(client, traces)
    return [_stored(hit, said.get(hit["_id"], {}), found) for hit in hits]


def _contents(client: Elasticsearch, record_ids: Sequence[str], wanted: Sequence[str]) -> dict[str, Body]:
    """Attributes of content by the record's id."""
    reply = client.search(
        index=queries.CONTENTS, query={"ids": {"values": list(record_ids)}}, size=max(len(record_ids), 1),
        source_includes=[attribute(name) for name in wanted], ignore_unavailable=True,
    )  # fmt: skip
    return {hit["_id"]: hit["_source"].get("attributes", {}) for hit in reply["hits"]["hits"]}


def _retrieved(client: Elasticsearch, traces: Sequence[str]) -> dict[str, list[str]]:
    """Texts that retrievals found, by trace; an empty list where they found some whose texts nobody recorded."""
    retrievals = {"term": {attribute(names.OPERATION_NAME): "retrieval"}}
    query = {"bool": {"filter": [{"terms": {"trace_id": list(traces)}}, retrievals]}}
    reply = client.search(
        index=queries.RECORDS, query=query, size=_MOST_RETRIEVALS, source_includes=["trace_id"], ignore_unavailable=True
    )
    of = {hit["_id"]: hit["_source"]["trace_id"] for hit in reply["hits"]["hits"]}
    said = _contents(client, list(of), [names.RETRIEVAL_DOCUMENTS])
    found: dict[str, list[str]] = {trace: [] for trace in of.values()}
    for record_id, trace in of.items():
        found[trace] += texts_of(said.get(record_id, {}).get(names.RETRIEVAL_DOCUMENTS))
    return found


def _stored(hit: Body, said: Body, found: Mapping[str, list[str]]) -> Stored:
    source = hit["_source"]
    known, trace = source["attributes"], source.get("trace_id") or ""
    resource = source.get("resource", {}).get("attributes", {})
    reason = why_not(known, said)
    grounds = found.get(trace)
    return Stored(
        record_id=hit["_id"],
        trace_id=trace,
        span_id=source.get("span_id") or "",
        environment=str(resource.get(names.DEPLOYMENT_ENVIRONMENT_NAME, "")),
        attributes=known,
        answer=None if reason else answer_of(known, said, grounds),
        why_not=reason,
        rests_on_prompt=grounds == [],
    )
