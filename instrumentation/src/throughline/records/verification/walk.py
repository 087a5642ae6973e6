"""Follows a chain, place by place, from one signed statement to the next, and says what does not fit; reads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from throughline import names
from throughline.records import proof
from throughline.records.verification import apart
from throughline.records.verification.findings import Kind
from throughline.records.verification.places import Held, Place, resource_of
from throughline.records.verification.spans import MOST_HOLES, Boundary, Gap, Hole, Report, Run, Span, Suspect, Terms
from throughline.records.verification.stored import Hit, stream_of


class Walk:
    """A span on the way.

    Of each record it asks: does it follow what is there before it, does it follow what it says itself, and do the next
    one or a statement agree?
    """

    def __init__(self, span: Span, report: Report, terms: Terms, *, contents: bool) -> None:
        self._span, self._report, self._terms, self._contents = span, report, terms, contents
        self._boundaries = iter(span.boundaries)
        self._boundary: Boundary | None = next(self._boundaries, None)
        self._previous: bytes | None = span.digest
        self._next = span.after + 1
        self._segment = self._next
        self._before: Held | None = None
        """The record before, while nothing is wrong with it."""
        self._is_signed = True
        """The digest before is a statement's."""
        self._untied: dict[int, bytes] = {}
        """Digests of what lies behind the last statement, by place."""
        self._gaps: list[Gap] = []
        """What records behind the last statement say of a full spool; it counts once they are tied."""

    def run(self, places: Iterable[Place]) -> None:
        """All places of the span that are there, in their order."""
        for place, following in pairwise(_ended(places)):
            if place is not None:
                self._judge(place, following)
        if (last := self._span.signed_through) >= self._next:
            self._miss(last, self._terms.now, reaches_end=self._span.is_open)
        self._untie(self._next - 1)

    def _judge(self, place: Place, following: Place | None) -> None:
        if not place.held:
            self._judge_alone(place)
            return
        found = self._report.of(place.chain)
        found.read += 1
        found.service = found.service or str(resource_of(place.held[0].document).get(names.SERVICE_NAME, ""))
        self._advance(place)
        while self._boundary and self._boundary.sequence < place.sequence:
            self._boundary = next(self._boundaries, None)
        held = self._chosen(place, self._agreed(place.sequence, following))
        self._others(place, held)
        self._next = place.sequence + 1
        self._link(place.sequence, held, _content_of(place, held), self._agreed(place.sequence, following))
        if self._boundary and self._boundary.sequence == place.sequence:
            self._arrive(held, self._boundary)

    def _judge_alone(self, place: Place) -> None:
        """Content without its record: where that is signed for, it is missing itself, and said to be."""
        if place.sequence > self._span.signed_through:
            for content in place.contents:
                young = self._terms.is_on_its_way(apart.time_of(content["_source"]))
                self._add(Kind.PENDING if young else Kind.INSERTED_CONTENT, place.sequence, content["_id"])

    def _advance(self, place: Place) -> None:
        """To this place; what is behind all statements and not even what it says itself, tells of no places before."""
        if place.sequence == self._next:
            return
        first = place.held[0]
        known = first.follows(first.previous) or place.sequence <= self._span.signed_through
        last = place.sequence - 1 if known else min(place.sequence - 1, self._span.signed_through)
        if last >= self._next:
            self._miss(last, first.time, reaches_end=not known and last == self._span.signed_through)

    def _agreed(self, sequence: int, following: Place | None) -> set[bytes]:
        """The digests that a statement, or else the next record, says this place has."""
        if self._boundary and self._boundary.sequence == sequence:
            return {self._boundary.digest}
        if following is None or following.sequence != sequence + 1:
            return set()
        return {held.previous for held in following.held}

    def _chosen(self, place: Place, agreed: set[bytes]) -> Held:
        """Of several documents at one place, the one that fits best."""
        if len(place.held) == 1:
            return place.held[0]

        def fit(held: Held) -> tuple[bool, bool, bool]:
            previous = held.previous if self._previous is None else self._previous
            own = held.identity == held.attributes.get(names.RECORD_ID)
            return held.follows(previous), held.digest in agreed, own

        return max(place.held, key=fit)

    def _others(self, place: Place, chosen: Held) -> None:
        for held in place.held:
            if held is chosen:
                continue
            same = held.digest == chosen.digest and held.body == chosen.body
            if same and _is_again(held, chosen):
                self._add(Kind.REDELIVERED, place.sequence, held.identity)
            elif same:
                self._add(Kind.DOUBLED, place.sequence, held.identity)
            else:
                self._add(Kind.INSERTED, place.sequence, held.identity, "at a place that is taken")
        kept = _content_of(place, chosen)
        for content in place.contents:
            if content is kept:
                continue
            same = kept is not None and content["_id"] == kept["_id"] and content["_source"] == kept["_source"]
            same = same and kept is not None and stream_of(content["_index"]) == stream_of(kept["_index"])
            self._add(Kind.REDELIVERED if same else Kind.INSERTED_CONTENT, place.sequence, content["_id"])

    def _link(self, sequence: int, held: Held, content: Hit | None, agreed: set[bytes]) -> None:
        previous = held.previous if self._previous is None else self._previous
        if held.follows(previous):
            if held.previous != previous:
                self._add(Kind.ALTERED, sequence, held.identity, names.CHAIN_PREVIOUS)
            self._pass(sequence, held, content)
        elif held.follows(held.previous):
            self._blame_before(sequence)
            self._pass(sequence, held, content)
        else:
            self._suspect(sequence, held, content)
            follows = {digest for digest in agreed if held.body and proof.digest(previous, held.body) == digest}
            self._previous = next(iter(follows), held.digest or next(iter(agreed), b""))
            self._before, self._is_signed = None, False

    def _pass(self, sequence: int, held: Held, content: Hit | None) -> None:
        """The record is what its digest says; what it proves beside its body comes next."""
        self._previous, self._before, self._is_signed = held.digest, held, False
        self._judge_apart(sequence, held, content)
        if sequence > self._span.signed_through:
            young = self._span.unsigned is not Kind.INSERTED and self._terms.awaits_statement(held.time)
            self._add(Kind.PENDING if young else self._span.unsigned, sequence, held.identity)
        else:
            self._untied[sequence] = held.digest
            if held.document.get("event_name") == names.CHAIN_GAP:
                self._note_gap(sequence, held)

    def _blame_before(self, sequence: int) -> None:
        """This record and the one before are in order each, but not after one another."""
        if self._before is not None:
            self._add(Kind.ALTERED, sequence - 1, self._before.identity, "its digest was made anew")
            self._untie(sequence - 2, but=1)
        elif self._is_signed:
            self._add(Kind.REBUILT, sequence, what="it does not follow what was signed")

    def _suspect(self, sequence: int, held: Held, content: Hit | None) -> None:
        marked = apart.is_marked(held, content)
        try:
            around = proof.around(held.document)
        except (AttributeError, KeyError, TypeError, ValueError):
            kind = Kind.MASKED if marked else Kind.ALTERED
            self._add(kind, sequence, held.identity, "it has not the form of a record")
            return
        chain = self._span.chain
        self._report.suspect(Suspect(chain, sequence, held.identity, held.previous, held.digest, around, marked))

    def _judge_apart(self, sequence: int, held: Held, content: Hit | None) -> None:
        self._report.contents += content is not None
        for fault in apart.faults(held, content):
            changeable = fault.kind in (Kind.ALTERED, Kind.ALTERED_CONTENT)
            kind = Kind.MASKED if changeable and apart.is_marked(held, content) else fault.kind
            self._add(kind, sequence, held.identity, fault.what)
        gone = apart.lacking(held, content, contents=self._contents)
        if gone is Kind.MISSING_CONTENT and held.time < self._terms.contents_from:
            self._add(Kind.EXPIRED_CONTENT, sequence, held.identity)
            gone = apart.lacking(held, content, contents=False)
        if gone is Kind.MISSING_CONTENT and self._terms.is_on_its_way(held.time):
            self._add(Kind.PENDING, sequence, held.identity, "its content")
        elif gone is not None:
            self._report.lacking.append((gone, held))

    def _note_gap(self, sequence: int, held: Held) -> None:
        if gap := Gap.of(self._span.chain, held.attributes):
            self._gaps.append(gap)
        else:
            count = held.attributes.get(names.GAP_COUNT)
            self._add(Kind.DROPPED, sequence, held.identity, f"{count} refused, which took no place")

    def _arrive(self, held: Held, boundary: Boundary) -> None:
        """At a statement: what lies before it is tied, if it is the record that was signed."""
        if held.digest == boundary.digest or self._previous == boundary.digest:
            self._report.of(self._span.chain).proven += len(self._untied)
            self._report.gaps += self._gaps
        elif self._before is not None:
            self._report.tally.add_range(Kind.REBUILT, self._span.chain, self._segment, boundary.sequence)
        else:
            self._untie(boundary.sequence - 1)
        self._is_signed, self._before = self._previous == boundary.digest, None
        self._untied, self._segment, self._gaps = {}, boundary.sequence + 1, []

    def _miss(self, last: int, time: int, *, reaches_end: bool) -> None:
        """The places from the next one to `last` are empty; what follows is of that time."""
        self._untie(self._next - 1)
        self._before, self._previous, self._is_signed = None, None, False
        while self._next <= last:
            while self._boundary and self._boundary.sequence < self._next:
                self._boundary = next(self._boundaries, None)
            boundary = self._boundary
            end = min(last, boundary.sequence) if boundary else last
            is_end = reaches_end and end == self._span.signed_through
            self._hole(self._next, end, boundary, boundary.time if boundary else time, is_end=is_end)
            self._is_signed = boundary is not None and boundary.sequence == end
            self._previous = boundary.digest if boundary and self._is_signed else None
            self._segment = self._next = end + 1

    def _hole(self, first: int, last: int, boundary: Boundary | None, time: int, *, is_end: bool) -> None:
        tally, chain = self._report.tally, self._span.chain
        if boundary and boundary.since < self._terms.records_from:
            tally.add_range(Kind.EXPIRED, chain, first, last)
        elif self._terms.is_on_its_way(time):
            tally.add_range(Kind.PENDING, chain, first, last, "the records")
        elif len(self._report.holes) < MOST_HOLES:
            self._report.holes.append(Hole(chain, first, last, is_end))
        else:
            tally.add_range(Kind.MISSING, chain, first, last)

    def _untie(self, last: int, but: int = 0) -> None:
        """What lies behind the last statement has no link to another one any more."""
        untied = {place: digest for place, digest in self._untied.items() if place <= last}
        if untied:
            self._report.runs.append(Run(self._span.chain, self._segment, last, untied, tuple(self._gaps)))
        self._untied, self._segment, self._gaps = {}, last + 1 + but, []

    def _add(self, kind: Kind, sequence: int, record: str = "", what: str = "") -> None:
        self._report.tally.add(kind, self._span.chain, sequence, record, what)


def _is_again(held: Held, chosen: Held) -> bool:
    """Whether it is the same document, in another index of the same stream."""
    is_same = held.identity == chosen.identity and held.document == chosen.document
    return is_same and stream_of(held.index) == stream_of(chosen.index)


def _ended(places: Iterable[Place]) -> Iterator[Place | None]:
    yield from places
    yield None


def _content_of(place: Place, held: Held) -> Hit | None:
    return next((content for content in place.contents if content["_id"] == held.identity), None)
