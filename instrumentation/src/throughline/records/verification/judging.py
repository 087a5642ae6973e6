"""Judges parts of chains in one process: reads, walks, and looks for the tombstones of what was erased."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from throughline import names
from throughline.records.verification.anchored import Anchored
from throughline.records.verification.book import Book
from throughline.records.verification.findings import Kind, Tally
from throughline.records.verification.places import Held, attributes_of, joined
from throughline.records.verification.spans import Report, Span, Terms
from throughline.records.verification.stored import Snapshot, Stored
from throughline.records.verification.trusted_keys import TrustedKeys
from throughline.records.verification.walk import Walk
from throughline.store.queries import attribute

_BATCH: Final = 500
"""Records whose tombstones are looked for at once."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where to read, for every process alike."""

    environment: Mapping[str, str]
    snapshot: Snapshot
    keys: Path | None
    anchor: str | None
    terms: Terms


class Judge:
    """One connection, and what it has learnt of tombstones."""

    def __init__(self, sources: Sources) -> None:
        self.stored, self._terms = Stored(sources.environment, sources.snapshot), sources.terms
        keys = TrustedKeys(sources.keys) if sources.keys else None
        self._keys = keys
        self._anchored = Anchored.unlisted(sources.anchor) if sources.anchor else None
        self._contents = sources.snapshot.contents is not None
        self._proven: dict[tuple[str, int], bool] = {}

    def judge(self, spans: Iterable[Span]) -> Report:
        """All of these parts, each of another chain."""
        parts = {span.chain: span for span in spans}
        report = Report()
        pieces = [span.piece for span in parts.values()]
        places = joined(self.stored.records(pieces), self.stored.contents(pieces))
        for chain, found in groupby(places, key=lambda place: place.chain):
            if span := parts.pop(chain, None):
                walk = Walk(span, report, self._terms, contents=self._contents)
                walk.run(self._watched(found, report))
        for span in parts.values():
            Walk(span, report, self._terms, contents=self._contents).run(())
        self._resolve(report)
        return report

    def proves(self, chain: str, sequence: int, *, operator: bool) -> bool:
        """Whether a signed statement covers that record, and nothing is wrong from the statement before on."""
        key = (chain, sequence)
        if key not in self._proven:
            self._proven[key] = self._prove(chain, sequence, operator=operator)
        return self._proven[key]

    def _prove(self, chain: str, sequence: int, *, operator: bool) -> bool:
        book = Book(self.stored, self._keys, self._anchored, self._terms, Tally())
        stated = book.slice(chain, sequence, sequence)
        if not stated.boundaries or stated.boundaries[0].sequence < sequence:
            return False
        boundary, base = stated.boundaries[0], stated.base
        if operator and not (self._keys and self._keys.is_operators(boundary.key)):
            return False
        span = Span(chain, base.sequence if base else -1, base.digest if base else bytes(32), (boundary,))
        report = Report()
        Walk(span, report, self._terms, contents=False).run(joined(self.stored.records([span.piece]), iter(())))
        is_tied = not any(run.first <= sequence <= run.last for run in report.runs)  # before what expired, perhaps
        return is_tied and report.tally.is_sound and not report.suspects and not report.holes

    def _watched(self, places: Iterable[Any], report: Report) -> Iterable[Any]:
        """The same places; what is gone is looked for before it becomes much."""
        for place in places:
            yield place
            if len(report.lacking) >= _BATCH:
                self._resolve(report)

    def _resolve(self, report: Report) -> None:
        """Tell what was erased lawfully from what is just gone."""
        while report.lacking:
            batch, report.lacking = report.lacking[:_BATCH], report.lacking[_BATCH:]
            erased, promised = self._erased([held for _, held in batch])
            for kind, held in batch:
                sequence, chain = held.attributes[names.CHAIN_SEQUENCE], held.attributes[names.CHAIN_ID]
                if held.identity in erased:
                    report.tally.add(Kind.ERASED, chain, sequence, held.identity)
                    continue
                whose = "who asked is gone" if kind is Kind.ALTERED else "content is gone"
                why = "the tombstone is not proven" if held.identity in promised else "there is no tombstone"
                report.tally.add(kind, chain, sequence, held.identity, f"{whose}, and {why}")

    def _erased(self, gone: list[Held]) -> tuple[set[str], set[str]]:
        """Which of these a tombstone names that is itself proven, in a chain that an operator signed.

        Second: which of them a tombstone names that is not, or not yet.
        """
        wanted = {held.identity for held in gone}
        found: set[str] = set()
        promised: set[str] = set()
        named = {"terms": {attribute(names.AUDIT_RECORDS): sorted(wanted)}}
        for hit in self.stored.events(names.CONTENT_ERASED, named):
            listed = attributes_of(hit).get(names.AUDIT_RECORDS)
            of_these = wanted.intersection(map(str, listed)) if isinstance(listed, list) else set()
            chain, sequence = hit["sort"][:2]
            if of_these - found and self.proves(chain, sequence, operator=True):
                found |= of_these
            else:
                promised |= of_these
        return found, promised
