"""One batch: page after page is scored, what was scored before is left alone, and all is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.evaluations import Evaluation
from throughline.scores.batch.scorers import Planned, Scorer
from throughline.scores.batch.stored import Stored
from throughline.scores.sampling import chosen
from throughline.store import queries
from throughline.store.queries import attribute

MOST_FAILURES: Final = 20
"""So many failures of a judge, one after the other, are no chance."""
_MOST_KNOWN: Final = 10_000
Keep = Callable[[Stored, Planned, Evaluation], None]


class UnansweredError(Exception):
    """The judge fails each time; the message is the last error's type."""


@dataclass(slots=True)
class Figures:
    """One label of one scorer."""

    count: int = 0
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        """Of the scores; None where nothing has one."""
        return self.total / self.count if self.count else None


@dataclass(slots=True)
class Tally:
    """What a batch did."""

    records: int = 0
    """Looked at."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """Without an answer, by the reason; or outside of the sample."""
    known: int = 0
    """Evaluations that were there before."""
    failed: Counter[str] = field(default_factory=Counter)
    """Scorers that failed, by the type of error."""
    to_ask: int = 0
    """Of a trial: what a judge would be asked."""
    figures: dict[tuple[str, str, str], Figures] = field(default_factory=dict)
    """By name, scorer and label."""
    in_a_row: int = 0

    @property
    def made(self) -> int:
        """Evaluations that are new."""
        return sum(figures.count for figures in self.figures.values())

    def note(self, evaluation: Evaluation) -> None:
        """One more. Raises UnansweredError where one after the other failed."""
        if evaluation.error_type is not None:
            self.failed[evaluation.error_type] += 1
            self.in_a_row += 1
            if self.in_a_row >= MOST_FAILURES and evaluation.source == "judge":
                raise UnansweredError(evaluation.error_type)
            return
        self.in_a_row = 0
        key = (evaluation.name, evaluation.scorer or "", evaluation.label or "")
        figures = self.figures.setdefault(key, Figures())
        figures.count += 1
        figures.total += evaluation.score or 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """What a run does with each page; `keep` records an evaluation, and `executor` asks several at once."""

    client: Elasticsearch
    scorers: Sequence[Scorer]
    keep: Keep
    executor: Executor
    sample: float = 1.0
    is_trial: bool = False
    """Nothing is recorded, and no judge is asked."""

    def run(self, pages: Iterable[Sequence[Stored]], tally: Tally) -> Iterator[int]:
        """Do it, telling after each page how many records are done with; figures go into `tally` as it goes on."""
        for page in pages:
            answered = [stored for stored in page if self._is_answered(stored, tally)]
            planned = [
                (stored, scorer, plan)
                for stored in answered
                for scorer in self.scorers
                if (plan := scorer.plan(stored)) is not None
            ]
            self._score(planned, tally)
            tally.records += len(page)
            yield tally.records

    def _is_answered(self, stored: Stored, tally: Tally) -> bool:
        if not chosen(stored.trace_id or stored.record_id, self.sample):
            tally.passed_over["outside of the sample"] += 1
        elif stored.answer is None:
            tally.passed_over[stored.why_not] += 1
        else:
            return True
        return False

    def _score(self, planned: Sequence[tuple[Stored, Scorer, Planned]], tally: Tally) -> None:
        known = known_among(self.client, [(stored, plan) for stored, _, plan in planned])
        left = [each for each in planned if each[2].record_id not in known]
        tally.known += len(planned) - len(left)
        if self.is_trial:
            tally.to_ask += sum(scorer.asks for _, scorer, _ in left)
            left = [each for each in left if not each[1].asks]
        made = self.executor.map(lambda each: each[1].make(each[0], each[2]), left)
        for (stored, _, plan), evaluation in zip(left, made, strict=True):
            if evaluation is not None:
                if not self.is_trial and (evaluation.error_type is None or plan.failed_id not in known):
                    self.keep(stored, plan, evaluation)
                tally.note(evaluation)


def known_among(client: Elasticsearch, planned: Sequence[tuple[Stored, Planned]]) -> set[str]:
    """Ids of those that are stored: by an earlier batch, or when the answer was given, by the same scorer."""
    if not planned:
        return set()
    ids = [each for _, plan in planned for each in (plan.record_id, plan.failed_id)]
    responses = sorted({stored.response_id for stored, _ in planned if stored.response_id})
    scorers = sorted({scorer for _, plan in planned for scorer in plan.scorers})
    fields = (names.RESPONSE_ID, names.EVALUATION_NAME, names.EVALUATION_SCORER)
    live = [
        {"terms": {attribute(names.RESPONSE_ID): responses}},
        {"terms": {attribute(names.EVALUATION_SCORER): scorers}},
    ]
    scored = {"bool": {"filter": live, "must_not": [{"exists": {"field": attribute(names.ERROR_TYPE)}}]}}
    reply = client.search(
        index=queries.EVALUATIONS, query={"bool": {"should": [{"ids": {"values": ids}}, scored]}}, size=_MOST_KNOWN,
        source_includes=[attribute(name) for name in fields], ignore_unavailable=True,
    )  # fmt: skip
    hits = reply["hits"]["hits"]
    stored_ids, wanted = {hit["_id"] for hit in hits}, set(ids)
    of_response = {_key(hit["_source"]["attributes"]) for hit in hits if hit["_id"] not in wanted}
    live_ids = {
        plan.record_id
        for stored, plan in planned
        if any((stored.response_id, plan.name, scorer) in of_response for scorer in plan.scorers)
    }
    return (stored_ids & wanted) | live_ids


def _key(attributes: dict[str, str]) -> tuple[str | None, str | None, str | None]:
    read = attributes.get
    return read(names.RESPONSE_ID), read(names.EVALUATION_NAME), read(names.EVALUATION_SCORER)
