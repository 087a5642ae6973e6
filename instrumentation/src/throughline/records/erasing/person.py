"""What the stores hold of one person: which records, traces and spans are his. It changes nothing.

His is what names him; and what names nobody, in a trace, session or conversation in which nobody else is named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.records import proof
from throughline.records.erasing import tombstones
from throughline.records.streams import (
    CONTENTS,
    LOGS,
    NAMING,
    RECORDS,
    REJECTED,
    SPANS,
    USER,
    Hit,
    Query,
    batches,
    hits,
)

_TOGETHER: Final = ("trace_id", f"attributes.{names.SESSION_ID}", f"attributes.{names.CONVERSATION_ID}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a trace a record belongs; empty where it is in none."""

    trace: str
    span: str


@dataclass(slots=True)
class Trail:
    """What is one person's, by the ids that stay when he is forgotten."""

    user: str
    until: str | None = None
    records: dict[str, Place] = field(default_factory=dict)
    """Record id → where."""
    named: set[str] = field(default_factory=set)
    """Those of them that name him: they lose that last, as it is what leads back to the others."""
    traces: set[str] = field(default_factory=set)
    """Traces in which nobody else is named."""
    shared: dict[str, set[str]] = field(default_factory=dict)
    """Traces of several people → the spans that are his."""

    rejected: set[str] = field(default_factory=set)
    """Documents that could not be stored as they were, by their own ids: he is named in their text."""

    @property
    def is_empty(self) -> bool:
        return not (self.records or self.traces or self.shared or self.rejected)


def trail(client: Elasticsearch, user: str, until: str | None, operators: Collection[bytes] = ()) -> Trail:
    """All that is his, up to this moment; and what is back of anybody whom these operators, by public key, erased."""
    found = Trail(user, until)
    within = [{"range": {"@timestamp": {"lte": until}}}] if until else []
    _take(found, hits(client, RECORDS, _all({"term": {USER: user}}, *within), _source()), named=True)
    seen: dict[str, set[str]] = {name: set() for name in _TOGETHER}
    for hit in hits(client, NAMING, _all({"term": {USER: user}}, *within), _source()):
        for name, value in _together(hit).items():
            seen[name].add(value)
    for name in _TOGETHER[1:]:
        for group in batches(_alone(client, name, seen[name], user)):
            query = _all({"terms": {name: group}}, _nobody(), *within)
            _take(found, hits(client, RECORDS, query, _source()))
            traces = hits(client, f"{RECORDS},{SPANS}", query, ["trace_id"])
            seen["trace_id"] |= {trace for hit in traces if (trace := hit["_source"].get("trace_id"))}
    found.traces = set(_alone(client, "trace_id", seen["trace_id"], user))
    for group in batches(found.traces):
        _take(found, hits(client, RECORDS, _all({"terms": {"trace_id": group}}, _nobody(), *within), _source()))
    _share(client, found, seen["trace_id"] - found.traces)
    _rejected(client, found, within)
    _late(client, found, operators)
    return found


def _take(found: Trail, documents: Iterable[Hit], *, named: bool = False) -> None:
    for hit in documents:
        source = hit["_source"]
        found.records[hit["_id"]] = Place(source.get("trace_id") or "", source.get("span_id") or "")
        if named:
            found.named.add(hit["_id"])


def _share(client: Elasticsearch, found: Trail, traces: Collection[str]) -> None:
    """Of traces in which others are named, too, the spans that his records and his name tell to be his."""
    found.shared = {trace: set() for trace in traces}
    for place in found.records.values():
        if place.trace in found.shared and place.span:
            found.shared[place.trace].add(place.span)
    for group in batches(traces):
        query = _all({"terms": {"trace_id": group}}, {"term": {USER: found.user}})
        for hit in hits(client, f"{LOGS},{SPANS}", query, ["trace_id", "span_id"]):
            if span := hit["_source"].get("span_id"):
                found.shared[hit["_source"]["trace_id"]].add(span)


def _rejected(client: Elasticsearch, found: Trail, within: list[Query]) -> None:
    """What was set aside as text names him in a line of its own."""
    line = re.compile(rf'^{re.escape(names.USER_ID)}="?{re.escape(found.user)}"?$', re.MULTILINE)
    query = _all({"match_phrase": {f"attributes.{names.REJECTED_DOCUMENT}": found.user}}, *within)
    for hit in hits(client, REJECTED, query):
        attributes = hit["_source"].get("attributes", {})
        if line.search(str(attributes.get(names.REJECTED_DOCUMENT, ""))):
            found.rejected.add(hit["_id"])
            if record_id := attributes.get(names.RECORD_ID):
                _take(found, [{**hit, "_id": record_id}])


def _late(client: Elasticsearch, found: Trail, operators: Collection[bytes]) -> None:
    """Take in what is back, or left, of records that are known as erased: a late delivery may bring it."""
    for group in batches(tombstones.erased(client, operators)):
        query: Query = {"ids": {"values": [each for each in group if each not in found.records]}}
        back = {hit["_id"] for hit in hits(client, CONTENTS, query, False)}
        whole = list(hits(client, RECORDS, query, [*_source(), *_fields()]))
        back |= {hit["_id"] for hit in whole if what_remains(hit["_source"])}
        places = {hit["_id"]: hit for hit in whole}
        _take(found, (places.get(each, {"_id": each, "_source": {}}) for each in back))
        for place in (found.records[each] for each in back):
            if place.trace and place.trace not in found.traces:
                found.shared.setdefault(place.trace, set()).add(place.span)


def what_remains(source: Hit) -> list[str]:
    """The attributes of a record that must not be there once it is erased."""
    return [name for name in ERASED if name in source.get("attributes", {})]


ERASED: Final = (*proof.IDENTITIES, *proof.CONTENT, proof.SALT, proof.CONTENT_SALT)


def _fields() -> list[str]:
    return [f"attributes.{name}" for name in ERASED]


def _source() -> list[str]:
    return [*_TOGETHER, "span_id"]


def _together(hit: Hit) -> dict[str, str]:
    """The trace, session and conversation that a document belongs to."""
    source, attributes = hit["_source"], hit["_source"].get("attributes", {})
    values = ((name, attributes.get(name.removeprefix("attributes."), source.get(name))) for name in _TOGETHER)
    return {name: str(value) for name, value in values if value}


def _alone(client: Elasticsearch, name: str, values: Collection[str], user: str) -> Iterator[str]:
    """Those of these traces, sessions or conversations in which nobody but him is named."""
    others = [{"exists": {"field": USER}}]
    for group in batches(values):
        query = {"bool": {"filter": [{"terms": {name: group}}, *others], "must_not": [{"term": {USER: user}}]}}
        reply = client.search(
            index=NAMING,
            query=query,
            size=0,
            aggregations={"others": {"terms": {"field": name, "size": len(group)}}},
            ignore_unavailable=True,
        )
        buckets = reply.body.get("aggregations", {"others": {"buckets": []}})["others"]["buckets"]
        yield from {*group} - {bucket["key"] for bucket in buckets}


def _all(*filters: Query) -> Query:
    return {"bool": {"filter": list(filters)}}


def _nobody() -> Query:
    return {"bool": {"must_not": [{"exists": {"field": USER}}]}}
