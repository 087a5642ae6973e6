"""Calls by its name what parts of chains could not decide alone: holes and records that are not what they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, TypeVar

from throughline import names
from throughline.records.verification.findings import Kind
from throughline.records.verification.judging import Judge
from throughline.records.verification.places import attributes_of
from throughline.records.verification.spans import Gap, Hole, Report, Run, Suspect
from throughline.records.verification.stored import of_chain

_Part = TypeVar("_Part", Hole, Run, Gap)
_MOST_PLACES: Final = 200
"""Empty places where a record may have been, that are tried."""


def conclude(report: Report, judge: Judge) -> None:
    """Tell reordered from altered, and dropped from missing, truncated and removed."""
    moved = _reordered(report)
    holes, runs, gaps = _by_chain(report.holes), _by_chain(report.runs), _by_chain(report.gaps)
    for chain in sorted(holes.keys() | runs.keys()):
        places = [(place, place) for of_chain, place in moved if of_chain == chain]
        open_holes = [part for hole in _merged(holes.get(chain, ())) for part in _without(hole, places)]
        told = gaps.get(chain, [])
        if any(True for hole in open_holes for _ in _without(hole, _bounds(told))):
            told = told + _later_gaps(chain, judge)
        for run in reversed(runs.get(chain, [])):
            told = told + (list(run.gaps) if _is_tied(run, told) else [])
        for run in runs.get(chain, []):
            _conclude_run(run, told, report)
        _conclude_holes(chain, open_holes, told, report, judge)
    report.holes, report.suspects, report.runs = [], [], []


def _by_chain(found: Iterable[_Part]) -> dict[str, list[_Part]]:
    return {chain: list(parts) for chain, parts in groupby(sorted(found, key=_place), key=lambda part: part.chain)}


def _is_tied(run: Run, gaps: list[Gap]) -> bool:
    """Whether a gap's record says that all of it, and so what it tells of gaps itself, stood before the gap."""
    return any(gap.previous and run.digests.get(gap.first - 1) == gap.previous for gap in gaps if gap.first > run.last)


def _conclude_run(run: Run, gaps: list[Gap], report: Report) -> None:
    """Prove it as far as a gap's record says that it stood before the gap."""
    tied = run.first - 1
    for gap in sorted((each for each in gaps if each.previous and each.first - 1 in run.digests), key=_place):
        before = gap.first - 1
        if before <= tied:
            continue
        if run.digests[before] == gap.previous:
            report.of(run.chain).proven += sum(tied < place <= before for place in run.digests)
        else:
            report.tally.add_range(Kind.REBUILT, run.chain, tied + 1, before, "it is not what a gap's record follows")
        tied = before
    if tied < run.last:
        report.tally.add_range(Kind.UNTIED, run.chain, tied + 1, run.last)


def _reordered(report: Report) -> set[tuple[str, int]]:
    """Name the suspects; the places from which records were taken are given back."""
    moved = set()
    for chain, found in groupby(sorted(report.suspects, key=lambda each: each.chain), key=lambda each: each.chain):
        suspects = list(found)
        places = [suspect.sequence for suspect in suspects] + _empty(chain, report)
        for suspect in suspects:
            place = _own_place(suspect, places)
            if place is None:
                kind, what = (Kind.MASKED if suspect.marked else Kind.ALTERED), "the record"
            else:
                kind, what = Kind.REORDERED, f"it belongs at {place}"
                moved.add((chain, place))
            report.tally.add(kind, chain, suspect.sequence, suspect.identity, what)
    return moved


def _own_place(suspect: Suspect, places: Iterable[int]) -> int | None:
    return next((place for place in places if place != suspect.sequence and suspect.belongs_at(place)), None)


def _empty(chain: str, report: Report) -> list[int]:
    places: list[int] = []
    for hole in report.holes:
        if hole.chain == chain:
            places += range(hole.first, min(hole.last, hole.first + _MOST_PLACES) + 1)
    return places[:_MOST_PLACES]


def _conclude_holes(chain: str, holes: list[Hole], gaps: list[Gap], report: Report, judge: Judge) -> None:
    whole = chain not in report.present and not judge.stored.has_records(chain)
    for hole in holes:
        left = list(_without(hole, _bounds(gaps)))
        for dropped in _without(hole, [(part.first, part.last) for part in left]):
            report.tally.add_range(Kind.DROPPED, chain, dropped.first, dropped.last)
        for part in left:
            at_end = hole.is_end and part.last == hole.last
            kind = Kind.REMOVED if whole else Kind.TRUNCATED if at_end else Kind.MISSING
            report.tally.add_range(kind, chain, part.first, part.last)


def _later_gaps(chain: str, judge: Judge) -> list[Gap]:
    """What records elsewhere in the chain say of a full spool, if they are proven."""
    found = []
    for hit in judge.stored.events(names.CHAIN_GAP, of_chain(chain)):
        gap = Gap.of(chain, attributes_of(hit))
        if gap and judge.proves(chain, hit["sort"][1], operator=False):
            found.append(gap)
    return found


def _bounds(gaps: Iterable[Gap]) -> list[tuple[int, int]]:
    return [(gap.first, gap.last) for gap in gaps]


def _merged(holes: Iterable[Hole]) -> Iterator[Hole]:
    """What two parts of a chain saw of one hole, as one."""
    current: Hole | None = None
    for hole in holes:
        if current and hole.first == current.last + 1:
            current = Hole(hole.chain, current.first, hole.last, hole.is_end)
            continue
        if current:
            yield current
        current = hole
    if current:
        yield current


def _without(hole: Hole, taken: Iterable[tuple[int, int]]) -> Iterator[Hole]:
    """What is left of the hole."""
    first = hole.first
    for begin, end in sorted(taken):
        if end < first or begin > hole.last:
            continue
        if begin > first:
            yield Hole(hole.chain, first, begin - 1, is_end=False)
        first = max(first, end + 1)
    if first <= hole.last:
        yield Hole(hole.chain, first, hole.last, hole.is_end)


def _place(part: Hole | Run | Gap) -> tuple[str, int]:
    return part.chain, part.first
