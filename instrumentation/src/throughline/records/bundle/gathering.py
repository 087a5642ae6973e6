"""Gathers the records that are asked for and what proves them, and writes both as lines; judges and packs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, Final

import orjson

from throughline import names
from throughline.records import proof
from throughline.records.bundle.checking import PROOFS, RECORDS, STATEMENTS
from throughline.records.verification.anchored import Anchored
from throughline.records.verification.book import Book
from throughline.records.verification.places import Held, Place, attributes_of, is_added, joined, resource_of
from throughline.records.verification.stored import Body, Hit, Piece, Stored
from throughline.store.queries import attribute

_AT_ONCE: Final = 50
_TOMBSTONES: Final = 500
_KEPT: Final = ("@timestamp", "event_name", "span_id", "trace_id")
_PLACED: Final = (names.RECORD_ID, names.CHAIN_ID, names.CHAIN_SEQUENCE)
_CONTENT: Final = frozenset((*proof.CONTENT, names.CONTENT_SALT, *_PLACED))


@dataclass(slots=True)
class Gathered:
    """How much was written."""

    records: int = 0
    segments: int = 0
    outside: int = 0
    """Records that were asked for and belong to no chain: nothing could prove them."""


@dataclass(slots=True)
class _Segment:
    """Places of which the bodies are known, up to a signed one; or to what is missing, and then they prove nothing."""

    chain: str
    first: int
    last: int = -1
    signed: bool = False
    bodies: list[str] = field(default_factory=list)


class Gathering:
    """Writes into a folder. Reads by chain and place, so that it holds one segment at a time."""

    def __init__(self, stored: Stored, book: Book, anchored: Anchored | None, folder: Path) -> None:
        self._stored, self._book, self._anchored = stored, book, anchored
        self._folder, self._files = folder, ExitStack()
        self._opened: dict[str, IO[bytes]] = {}
        self._told: set[tuple[str, int]] = set()
        self._lacking: set[str] = set()
        """Records of which somebody's identity was erased."""
        self._tombstones: set[str] = set()

    def gather(self, filters: list[Body]) -> Gathered:
        """The records of these filters, the tombstones of what of them was erased, and their proofs."""
        gathered = Gathered(outside=self._stored.count_outside(filters))
        with self._files:
            for name in (RECORDS, PROOFS, STATEMENTS):
                self._opened[name] = self._files.enter_context((self._folder / name).open("xb"))
            self._write_all(self._stored.selected(filters), gathered)
            lacking, self._lacking = sorted(self._lacking), set()
            for start in range(0, len(lacking), _TOMBSTONES):
                named = {"terms": {attribute(names.AUDIT_RECORDS): lacking[start : start + _TOMBSTONES]}}
                told = self._stored.selected([{"term": {"event_name": names.CONTENT_ERASED}}, named])
                self._write_all((hit for hit in told if hit["_id"] not in self._tombstones), gathered)
        return gathered

    def _write_all(self, found: Iterator[Hit], gathered: Gathered) -> None:
        for chain, hits in groupby(found, key=lambda hit: hit["sort"][0]):
            self._of_chain(chain, hits, gathered)

    def _of_chain(self, chain: str, hits: Iterator[Hit], gathered: Gathered) -> None:
        segment: _Segment | None = None
        last: tuple[str, Any] | None = None
        while page := list(islice(hits, _AT_ONCE)):
            contents = self._contents(page)
            for hit in page:
                if last == (hit["_id"], hit["_source"]):
                    continue  # delivered twice
                last, sequence = (hit["_id"], hit["_source"]), hit["sort"][1]
                if segment is None or sequence > segment.last:
                    segment = self._prove(chain, sequence)
                    gathered.segments += segment.signed
                self._write(RECORDS, _exported(hit, contents.get(hit["_id"])))
                gathered.records += 1
                self._note(hit)

    def _note(self, hit: Hit) -> None:
        attributes = attributes_of(hit)
        if hit["_source"].get("event_name") == names.CONTENT_ERASED:
            self._tombstones.add(hit["_id"])
        salted = attributes.get(names.CHAIN_SALTED)
        proven = {str(each).rpartition(":")[0] for each in salted} if isinstance(salted, list) else set()
        if any(name in proven and name not in attributes for name in proof.IDENTITIES):
            self._lacking.add(hit["_id"])

    def _contents(self, page: list[Hit]) -> dict[str, Hit]:
        return {hit["_id"]: hit for hit in self._stored.contents_of([hit["_id"] for hit in page])}

    def _prove(self, chain: str, sequence: int) -> _Segment:
        """The bodies from here to the next statement; where one is missing or altered, those before lead nowhere."""
        stated = self._book.slice(chain, sequence, sequence)
        boundary = next((each for each in stated.boundaries if each.sequence >= sequence), None)
        if boundary is None:
            return _Segment(chain, sequence, last=2**63)
        segment = _Segment(chain, sequence)
        places = joined(self._stored.records([Piece(chain, sequence - 1, boundary.sequence)]), iter(()))
        previous = first = b""
        for place in places:
            held = _chosen(place, previous)
            if place.sequence != sequence + len(segment.bodies) or not held.follows(previous or held.previous):
                break
            first = first or held.previous
            segment.bodies.append(hashlib.sha256((held.body or "").encode()).hexdigest())
            previous = held.digest
        segment.last = sequence + len(segment.bodies) - 1
        segment.signed = segment.last == boundary.sequence
        segment.last = max(segment.last, sequence)
        if segment.signed:
            line = {"chain": chain, "first": sequence, "previous": first.hex(), "bodies": segment.bodies}
            self._write(PROOFS, line)
            self._state(chain, boundary.sequence, stated.statements[boundary.sequence])
        return segment

    def _state(self, chain: str, sequence: int, statement: Mapping[str, Any]) -> None:
        if (chain, sequence) not in self._told:
            self._told.add((chain, sequence))
            anchored = self._anchored.find(statement) if self._anchored else None
            self._write(STATEMENTS, {"statement": statement, "anchored": anchored})

    def _write(self, name: str, line: Any) -> None:
        self._opened[name].write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))


def selection(trace: str | None, user: str | None, conversation: str | None, period: Iterable[Body]) -> list[Body]:
    """The filters of what is asked for."""
    known = {"trace_id": trace, attribute(names.USER_ID): user, attribute(names.CONVERSATION_ID): conversation}
    return [*({"term": {name: value}} for name, value in known.items() if value), *period]


def _chosen(place: Place, previous: bytes) -> Held:
    return max(place.held, key=lambda held: held.follows(previous or held.previous))


def _exported(hit: Hit, content: Hit | None) -> dict[str, Any]:
    """Only what is proven, or proves."""
    source = hit["_source"]
    resource = resource_of(source)
    document = {name: source[name] for name in _KEPT if name in source}
    document["resource"] = {"attributes": {name: resource[name] for name in proof.RESOURCE if name in resource}}
    document["attributes"] = {name: value for name, value in attributes_of(hit).items() if not is_added(name)}
    said = attributes_of(content) if content else {}
    kept = {name: value for name, value in said.items() if name in _CONTENT}
    return {"id": hit["_id"], "document": document, "content": {"attributes": kept} if kept else None}
