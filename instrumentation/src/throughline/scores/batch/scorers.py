"""A check or a judge as a batch applies it: what it will be recorded as is known before a model is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from opentelemetry import baggage
from opentelemetry.context import Context

from throughline.evaluations import Evaluation, spanned
from throughline.identity import KEYS
from throughline.scores.answers import Check, evaluated
from throughline.scores.batch.stored import Stored
from throughline.scores.checks import groundedness
from throughline.scores.judging import Judge

_ON_PROMPT = "+prompt"
_FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Planned:
    """An evaluation that is made already, or that a judge will make."""

    record_id: str
    """The evaluation's own, by which a second run finds it."""
    failed_id: str
    name: str
    scorer: str
    made: Evaluation | None

    @property
    def scorers(self) -> tuple[str, ...]:
        """By any of these the answer counts as scored: who scored it live had the passages themselves."""
        return (self.scorer, self.scorer.removesuffix(_ON_PROMPT))


class Scorer(Protocol):
    """Anything that can score a stored answer."""

    asks: bool
    """Whether it takes long and may cost money."""

    def plan(self, stored: Stored) -> Planned | None:
        """What it would record; None where it does not apply."""

    def make(self, stored: Stored, planned: Planned, /) -> Evaluation | None:
        """Do it."""


class ByCode:
    """A check; it is cheap, so that its plan is done already."""

    asks = False

    def __init__(self, check: Check) -> None:
        self._check = check

    def plan(self, stored: Stored) -> Planned | None:
        assert stored.answer is not None
        _, made = evaluated(stored.answer, self._check, stored.response_id)
        if made is None:
            return None
        if stored.rests_on_prompt and self._check is groundedness:
            made = replace(made, scorer=f"{made.scorer}{_ON_PROMPT}")
        return planned_of(stored, made.name, made.scorer or "", made)

    def make(self, _stored: Stored, planned: Planned) -> Evaluation | None:
        return planned.made


class ByJudge:
    """A judge."""

    asks = True

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def plan(self, stored: Stored) -> Planned | None:
        assert stored.answer is not None
        if not self._judge.rubric.applies_to(stored.answer):
            return None
        is_on_prompt = stored.rests_on_prompt and "grounds" in self._judge.rubric.needs
        scorer = f"{self._judge.scorer}{_ON_PROMPT}" if is_on_prompt else self._judge.scorer
        return planned_of(stored, self._judge.rubric.name, scorer, None)

    def make(self, stored: Stored, planned: Planned) -> Evaluation | None:
        assert stored.answer is not None
        found = self._judge.verdict(stored.answer, context_of(stored), stored.response_id)
        return None if found is None else replace(found, scorer=planned.scorer)


def planned_of(stored: Stored, name: str, scorer: str, made: Evaluation | None) -> Planned:
    """With ids that follow from what is judged by what: one for a score, another for a failure, which may pass."""
    scored, failed = (_id(stored.record_id, name, scorer, outcome) for outcome in ("", _FAILED))
    return Planned(scored, failed, name, scorer, made)


def _id(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:48]


def context_of(stored: Stored) -> Context:
    """Where the answer was given: in the span and on behalf of whom its record says."""
    current = spanned(stored.trace_id, stored.span_id) if stored.trace_id else Context()
    for key in KEYS.values():
        if (value := _written(stored.attributes, key)) is not None:
            current = baggage.set_baggage(key, value, current)
    return current


def _written(attributes: Mapping[str, Any], key: str) -> str | None:
    """As baggage has it."""
    value = attributes.get(key)
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
