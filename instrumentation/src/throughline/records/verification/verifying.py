"""Verifies a log or a period of it: finds the chains, has their parts judged by several processes, and concludes."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain as chain_of
from typing import Final

from throughline.records import proof
from throughline.records.verification.anchored import Anchored
from throughline.records.verification.book import Book, Slice
from throughline.records.verification.conclusions import conclude
from throughline.records.verification.findings import Kind
from throughline.records.verification.judging import Judge, Sources
from throughline.records.verification.places import resource_of
from throughline.records.verification.spans import DAY, Report, Span
from throughline.records.verification.stored import Extent, Stored
from throughline.records.verification.trusted_keys import TrustedKeys

_PART: Final = 20_000
"""Records that a process judges at a time."""
_MOST_CHAINS: Final = 100
_ALONE: Final = 40_000
"""Below so many records, a second process costs more than it saves."""
_BEHIND: Final = timedelta(hours=1)
"""A statement may come after the period whose records it covers."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be verified: all, or one chain, or what a period touches."""

    since: str | None = None
    until: str | None = None
    chain: str | None = None
    processes: int = 2

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.until is None


def verify(stored: Stored, sources: Sources, scope: Scope, progress: Callable[[int], None]) -> Report:
    """What is found; `progress` is told how many records were read. The snapshot of `sources` must be frozen."""
    report = Report()
    keys = TrustedKeys(sources.keys) if sources.keys else None
    book = Book(stored, keys, _anchored(sources, scope), sources.terms, report.tally)
    spans = (span for chain in _slices(stored, book, scope, report) for span in _spans(chain, scope, sources, report))
    with _workers(stored, sources, scope) as judged:
        for part in judged(_packed(spans)):
            report.merge(part)
            progress(part.read)
    conclude(report, Judge(sources))
    if scope.chain is None:
        _tell_outside(stored, scope, report)
    return report


def _anchored(sources: Sources, scope: Scope) -> Anchored | None:
    if sources.anchor is None:
        return None
    first, last = (datetime.fromisoformat(moment) if moment else None for moment in (scope.since, scope.until))
    return Anchored(sources.anchor, first, last)


def _slices(stored: Stored, book: Book, scope: Scope, report: Report) -> Iterator[Slice]:
    """What is stated of each chain that the period touches, by chain."""
    known = _known(stored, scope)
    for extent in known.values():
        if len(extent.namespaces) > 1:
            report.tally.add(Kind.SCATTERED, extent.chain, None, "", ", ".join(sorted(extent.namespaces)))
    if scope.chain and scope.is_whole:
        yield book.slice(scope.chain)
        return
    for chain in sorted({*known, *book.anchored_chains}):
        if scope.chain in (None, chain):
            yield from _slice(book, chain, known.get(chain), scope)


def _known(stored: Stored, scope: Scope) -> dict[str, Extent]:
    """By chain, what Elasticsearch has of it in the period."""
    behind = (datetime.fromisoformat(scope.until) + _BEHIND).isoformat() if scope.until else None
    extents = (
        stored.extents(scope.since, scope.until, scope.chain, statements=False),
        stored.extents(scope.since, behind, scope.chain, statements=True),
        stored.extents_of_contents(scope.since, scope.until, scope.chain),
    )
    known: dict[str, Extent] = {}
    for found in chain_of(*extents):
        known[found.chain] = known[found.chain] | found if found.chain in known else found
    return known


def _slice(book: Book, chain: str, known: Extent | None, scope: Scope) -> Iterator[Slice]:
    if scope.is_whole:
        yield book.slice(chain)
        return
    places = [*((known.first, known.last) if known else ()), *book.anchored_between(chain, scope.since, scope.until)]
    if places:
        yield book.slice(chain, min(places), max(places))


def _spans(stated: Slice, scope: Scope, sources: Sources, report: Report) -> Iterator[Span]:
    """The chain in parts of about the same length."""
    base, boundaries = stated.base, [each for each in stated.boundaries if each.sequence >= 0]
    after, digest = (base.sequence, base.digest) if base else (-1, proof.GENESIS)
    ends = scope.is_whole or stated.is_open
    if ends and not stated.is_ended and 0 < stated.newest < sources.terms.now - DAY:
        report.tally.add(Kind.UNCLOSED, stated.chain, boundaries[-1].sequence if boundaries else after)
    first = 0
    for number, boundary in enumerate(boundaries):
        if boundary.sequence - after >= _PART and number + 1 < len(boundaries):
            yield Span(stated.chain, after, digest, tuple(boundaries[first : number + 1]))
            after, digest, first = boundary.sequence, boundary.digest, number + 1
    yield Span(stated.chain, after, digest, tuple(boundaries[first:]), ends, _unsigned(stated, sources))


def _unsigned(stated: Slice, sources: Sources) -> Kind:
    if stated.is_ended:
        return Kind.INSERTED
    if stated.has_any:
        return Kind.UNCOVERED
    return Kind.UNKNOWN_CHAIN if sources.keys else Kind.UNSIGNED


def _packed(spans: Iterable[Span]) -> Iterator[list[Span]]:
    """Short chains together, so that each question to Elasticsearch is worth it."""
    pack: list[Span] = []
    length = 0
    for span in spans:
        if pack and (length >= _PART or len(pack) >= _MOST_CHAINS or pack[-1].chain == span.chain):
            yield pack
            pack, length = [], 0
        pack.append(span)
        length += span.signed_through - span.after
    if pack:
        yield pack


@contextmanager
def _workers(
    stored: Stored, sources: Sources, scope: Scope
) -> Iterator[Callable[[Iterable[list[Span]]], Iterator[Report]]]:
    """What judges parts: this process, or several others where it is much."""
    if scope.processes < 2 or stored.count(scope.since, scope.until) < _ALONE:
        judge = Judge(sources)
        yield lambda packs: map(judge.judge, packs)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(scope.processes, context, _start, (sources,)) as pool:
        try:
            yield lambda packs: _in_turn(pool, packs, 2 * scope.processes)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _in_turn(pool: ProcessPoolExecutor, packs: Iterable[list[Span]], most: int) -> Iterator[Report]:
    """Never more than so many of them under way."""
    waiting: deque[Future[Report]] = deque()
    for pack in packs:
        waiting.append(pool.submit(_judge, pack))
        if len(waiting) >= most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


_judges: list[Judge] = []
"""A worker's own."""


def _start(sources: Sources) -> None:
    _judges.append(Judge(sources))


def _judge(spans: list[Span]) -> Report:
    return _judges[0].judge(spans)


def _tell_outside(stored: Stored, scope: Scope, report: Report) -> None:
    for count, hits in (
        stored.outside(scope.since, scope.until),
        stored.contents_outside(scope.since, scope.until),
    ):
        for hit in hits:
            service = resource_of(hit["_source"]).get("service.name", "")
            report.tally.add(Kind.OUTSIDE, "", None, hit["_id"], str(service))
        if count > len(hits):
            report.tally.add_range(Kind.OUTSIDE, "", len(hits) + 1, count, "more of them")
