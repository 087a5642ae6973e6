"""Reads records, contents and statements from Elasticsearch in the order of their chains; judges nothing."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import OrjsonSerializer, SerializationError

from throughline import names
from throughline.store import connect
from throughline.store.queries import TIME, attribute

Body = dict[str, Any]
Hit = Mapping[str, Any]
METADATA: Final = ("record", "operation", "evaluation", "audit")
CONTENTS: Final = ("content",)
CHAIN: Final = attribute(names.CHAIN_ID)
SEQUENCE: Final = attribute(names.CHAIN_SEQUENCE)
_IS_STATEMENT: Final[Body] = {"term": {"event_name": names.CHAIN_CHECKPOINT}}
_CHAINED: Final[list[Body]] = [{"exists": {"field": field}} for field in (CHAIN, SEQUENCE)]
_UNCHAINED: Final[list[Body]] = [{"bool": {"must_not": [filter_]}} for filter_ in _CHAINED]
_LACKING: Final[Body] = {"bool": {"should": _UNCHAINED}}
_BEFORE_ALL: Final[Body] = {"range": {SEQUENCE: {"lt": 0}}}
_NO_PLACE: Final[list[Body]] = [
    {"bool": {"filter": [_BEFORE_ALL], "must_not": [_IS_STATEMENT]}},
    {"range": {SEQUENCE: {"lt": -1}}},  # where the first statement of a chain stands
]
_ORDER: Final = [{CHAIN: "asc"}, {SEQUENCE: "asc"}]
_READ: Final = ["@timestamp", "attributes", "body", "event_name", "resource.attributes", "span_id", "trace_id"]
_NAME: Final = re.compile(r"logs-genai\.([a-z]+)\.otel-(.+)")
_MOST_INDICES: Final = 1_000
_KEEP: Final = "15m"
_PAGE_BYTES: Final = 4_000_000
_FEWEST: Final = 16
_MOST: Final = 4_000
_PATIENCE: Final = 120
_DEEPEST: Final = 20_000
"""Calls within calls: JSON is read up to 1,024 levels, and canonical form takes several for each."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of Elasticsearch that stays as it is while several processes read it."""

    records: str
    contents: str | None
    """None: contents are not to be read."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a chain: what comes after one place, up to another or without end."""

    chain: str
    after: int
    last: int | None


@dataclass(frozen=True, slots=True)
class Extent:
    """Of one chain, the places that a search met."""

    chain: str
    first: int
    last: int
    namespaces: frozenset[str]
    """Of the data streams that it is in."""

    def __or__(self, other: Extent) -> Extent:
        first, last = min(self.first, other.first), max(self.last, other.last)
        return Extent(self.chain, first, last, self.namespaces | other.namespaces)


class _Weighing(OrjsonSerializer):
    """Reads JSON fast, and remembers how long the last one was."""

    weight = 0

    def loads(self, data: bytes) -> Any:
        self.weight = len(data)
        try:
            return super().loads(data)
        except SerializationError:  # half a character, say, which one document must not hide all others behind
            return _whole(json.loads(data.decode("utf-8", "replace")))


class Stored:
    """What Elasticsearch holds, by one connection."""

    def __init__(self, environment: Mapping[str, str], snapshot: Snapshot | None = None, namespace: str = "*") -> None:
        self.client = connect(environment).options(request_timeout=_PATIENCE, max_retries=2, retry_on_timeout=True)
        self._weighing = _Weighing()
        known = self.client.transport.serializers.serializers
        known.update({kind: self._weighing for kind in known if kind.endswith("json")})
        self.snapshot = snapshot or Snapshot("", None)
        self._namespace = namespace
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEPEST))

    def freeze(self, *, contents: bool) -> Snapshot:
        """Read from now on what is there at this moment; `thaw` when done."""
        self.snapshot = Snapshot(self._freeze(METADATA), self._freeze(CONTENTS) if contents else None)
        return self.snapshot

    def thaw(self) -> None:
        for state in (self.snapshot.records, self.snapshot.contents):
            if state:
                self.client.close_point_in_time(id=state)

    def may_read(self, kinds: Iterable[str]) -> bool:
        """Whether this reader may see all of it; a pattern finds only what one may see, and would find nothing."""
        wanted = [{"names": self._streams(kinds), "privileges": ["read"]}]
        asked = self.client.options(ignore_status=(400, 405, 500)).security.has_privileges(index=wanted)
        return bool(asked.body.get("has_all_requested", True))

    def extents(self, since: str | None, until: str | None, chain: str | None, *, statements: bool) -> Iterator[Extent]:
        """Each chain, or that one, of which there is something in the period, with its first and last place there."""
        filters = _placed(since, until, chain)
        query = {"bool": {"filter": [*filters, _IS_STATEMENT]}} if statements else _records(filters)
        return self._extents(self.snapshot.records, query)

    def extents_of_contents(self, since: str | None, until: str | None, chain: str | None) -> Iterator[Extent]:
        """The same by contents, which may claim to be of any chain; none where they are not to be read."""
        if self.snapshot.contents is None:
            return iter(())
        return self._extents(self.snapshot.contents, {"bool": {"filter": _placed(since, until, chain)}})

    def _extents(self, state: str, query: Body) -> Iterator[Extent]:
        sources = [{"chain": {"terms": {"field": CHAIN}}}]
        ends: Body = {"first": {"min": {"field": SEQUENCE}}, "last": {"max": {"field": SEQUENCE}}}
        ends["indices"] = {"terms": {"field": "_index", "size": _MOST_INDICES}}
        composite: Body = {"size": 1_000, "sources": sources}
        while True:
            reply = self._search(state, query, size=0, aggregations={"chains": {"composite": composite, "aggs": ends}})
            found = reply.get("aggregations", {}).get("chains", {})
            for bucket in found.get("buckets", ()):
                first, last = int(bucket["first"]["value"]), int(bucket["last"]["value"])
                indices = [each["key"] for each in bucket["indices"]["buckets"]]
                yield Extent(bucket["key"]["chain"], first, last, _namespaces(indices))
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]

    def records(self, pieces: Iterable[Piece]) -> Iterator[Hit]:
        """The records of these parts, by chain and place; statements are none."""
        query = _records([{"bool": {"should": [_part(piece) for piece in pieces]}}])
        return self._stream(self.snapshot.records, query, _ORDER, _READ)

    def contents(self, pieces: Iterable[Piece]) -> Iterator[Hit]:
        """Their contents, likewise; none where they are not to be read."""
        if self.snapshot.contents is None:
            return iter(())
        query = {"bool": {"should": [_part(piece) for piece in pieces]}}
        return self._stream(self.snapshot.contents, query, _ORDER, _READ)

    def statements(self, piece: Piece, *, downward: bool = False) -> Iterator[Hit]:
        """Checkpoints by place; downward: the last one first."""
        order = [{SEQUENCE: "desc" if downward else "asc"}]
        query = {"bool": {"filter": [_IS_STATEMENT, _part(piece)]}}
        return self._stream(self.snapshot.records, query, order, _READ, fewest=4)

    def events(self, event: str, *filters: Body) -> Iterator[Hit]:
        """Records of this event, by chain and place."""
        query = _records([{"term": {"event_name": event}}, *filters, *_CHAINED])
        return self._stream(self.snapshot.records, query, _ORDER, ["attributes"])

    def selected(self, filters: list[Body]) -> Iterator[Hit]:
        """The records of these filters that belong to a chain, by chain and place."""
        query = _records([*filters, *_CHAINED])
        return self._stream(self.snapshot.records, query, _ORDER, _READ)

    def count_outside(self, filters: list[Body]) -> int:
        """How many records of these filters belong to no chain."""
        reply = self._search(self.snapshot.records, _records([*filters, _LACKING]), size=0, track_total_hits=True)
        return int(reply["hits"]["total"]["value"])

    def contents_of(self, record_ids: list[str]) -> Iterator[Hit]:
        """The contents of these records; none where they are not to be read."""
        if self.snapshot.contents is None:
            return iter(())
        return self._stream(self.snapshot.contents, {"ids": {"values": record_ids}}, _ORDER, _READ)

    def outside(self, since: str | None, until: str | None) -> tuple[int, list[Hit]]:
        """How many documents, statements too, belong to no chain or to no place in one, and some of them."""
        return self._astray(self.snapshot.records, [*period(since, until), _any([*_UNCHAINED, *_NO_PLACE])])

    def contents_outside(self, since: str | None, until: str | None) -> tuple[int, list[Hit]]:
        """The same of contents; none where they are not to be read."""
        if self.snapshot.contents is None:
            return 0, []
        return self._astray(self.snapshot.contents, [*period(since, until), _any([*_UNCHAINED, _BEFORE_ALL])])

    def _astray(self, state: str, filters: list[Body]) -> tuple[int, list[Hit]]:
        query = {"bool": {"filter": filters}}
        reply = self._search(state, query, size=1_000, source=["resource"], track_total_hits=True)
        return reply["hits"]["total"]["value"], reply["hits"]["hits"]

    def count(self, since: str | None, until: str | None) -> int:
        """How many records there are in the period."""
        query = _records(period(since, until))
        reply = self._search(self.snapshot.records, query, size=0, track_total_hits=True)
        return int(reply["hits"]["total"]["value"])

    def has_records(self, chain: str) -> bool:
        return bool(self._search(self.snapshot.records, _records([of_chain(chain)]), size=1)["hits"]["hits"])

    def _freeze(self, kinds: Iterable[str]) -> str:
        streams = self._streams(kinds)
        reply = self.client.open_point_in_time(index=streams, keep_alive=_KEEP, ignore_unavailable=True)
        return str(reply["id"])

    def _streams(self, kinds: Iterable[str]) -> list[str]:
        return [f"logs-genai.{kind}.otel-{self._namespace}" for kind in kinds]

    def _search(self, state: str, query: Body, **wanted: Any) -> Any:
        """Raises where a part of the indices does not answer: what is not read would look like what is not there."""
        held = {"id": state, "keep_alive": _KEEP}
        return self.client.search(pit=held, query=query, allow_partial_search_results=False, **wanted).body

    def _stream(
        self, state: str, query: Body, sort: list[Body], read: list[str], fewest: int = _FEWEST
    ) -> Iterator[Hit]:
        """In pages that weigh about the same, since a record may be a kilobyte or twenty megabytes."""
        size, after = fewest, None
        while True:
            reply = self._search(
                state, query, sort=sort, source=read, size=size, search_after=after, track_total_hits=False
            )
            hits = reply["hits"]["hits"]
            fitting = _PAGE_BYTES * len(hits) // max(self._weighing.weight, 1)
            del reply
            yield from hits
            if len(hits) < size:
                return
            after, size = hits[-1]["sort"], max(1, min(fitting, size * 16, _MOST))


def period(since: str | None, until: str | None) -> list[Body]:
    """The filter for a period; both ends may be open."""
    bounds = {name: value for name, value in (("gte", since), ("lte", until)) if value}
    return [{"range": {TIME: bounds}}] if bounds else []


def stream_of(index: str) -> str:
    """The data stream of a document, by the index that it was found in."""
    name = index.removeprefix(".ds-")
    return name if name == index else name.rsplit("-", 2)[0]


def kind_of(stream: str) -> str | None:
    """What a data stream is for; None for another's name, such as a restored index's."""
    found = _NAME.match(stream)
    return found[1] if found else None


def _namespaces(indices: Iterable[str]) -> frozenset[str]:
    return frozenset(found[2] for index in indices if (found := _NAME.match(stream_of(index))))


def of_chain(chain: str) -> Body:
    return {"term": {CHAIN: chain}}


def _part(piece: Piece) -> Body:
    bounds = {"gt": piece.after} | ({} if piece.last is None else {"lte": piece.last})
    return {"bool": {"filter": [of_chain(piece.chain), {"range": {SEQUENCE: bounds}}]}}


def _placed(since: str | None, until: str | None, chain: str | None) -> list[Body]:
    own = [of_chain(chain)] if chain else []
    return [*period(since, until), *own, {"exists": {"field": SEQUENCE}}]


def _any(filters: list[Body]) -> Body:
    return {"bool": {"should": filters, "minimum_should_match": 1}}


def _whole(value: Any) -> Any:
    """The same without half characters, which have no bytes that could be digested."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return {_whole(key): _whole(item) for key, item in value.items()} if isinstance(value, dict) else value


def _records(filters: list[Body]) -> Body:
    return {"bool": {"filter": filters, "must_not": [_IS_STATEMENT]}}
