"""An answer, what it should rest on, a score of it, and the recording of what checks found. It holds no check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from opentelemetry import context
from opentelemetry.context import Context

from throughline.contained import lost
from throughline.evaluations import Evaluation, emit, spanned
from throughline.identity import stamps


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and what is known of how it came to say it."""

    text: str
    grounds: Sequence[str] = ()
    """Texts that the answer should rest on, such as the passages of a retrieval."""
    question: str = ""
    finish_reason: str = ""
    """As the conventions name it: `stop`, `length`, `content_filter`, …; empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Score:
    """From 0 (bad) to 1 (good). Raises ValueError for any other value.

    The label is what people filter by: a word out of few, never a piece of the answer. The explanation is content.
    """

    name: str
    value: float
    label: str
    explanation: str = ""
    scorer: str = ""
    """Which rule gave it, as `name/version`."""

    def __post_init__(self) -> None:
        if not 0 <= self.value <= 1:  # NaN is neither
            raise ValueError("a score's value is a number from 0 to 1")


Check: TypeAlias = Callable[[Answer], Score | None]
"""Any function of an answer. None: it does not apply to this one."""


def record(
    answer: Answer,
    checks: Iterable[Check],
    *,
    response_id: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
) -> list[Score]:
    """Apply the checks, record each score as an evaluation, and return the scores; a check that raises costs its own.

    The answer is the current span's, or the one of these ids, as with `evaluate`. Raises ValueError for an id that is
    none.
    """
    current = context.get_current()
    of = spanned(trace_id, span_id) if trace_id or span_id else current
    return [score for check in checks if (score := _recorded(answer, check, response_id, of, current)) is not None]


def _recorded(answer: Answer, check: Check, response_id: str | None, of: Context, current: Context) -> Score | None:
    score, evaluation = evaluated(answer, check, response_id)
    if evaluation is not None:
        emit(evaluation, of, stamps(current))
    return score


def evaluated(answer: Answer, check: Check, response_id: str | None = None) -> tuple[Score | None, Evaluation | None]:
    """What a check says, and as an evaluation; that of a check that raised has an error. Both None: does not apply."""
    try:
        score = check(answer)
        return score, None if score is None else evaluation_of(score, response_id)
    except Exception as error:
        lost(check, error)
        named = str(getattr(check, "__name__", type(check).__name__))
        return None, Evaluation(name=named, response_id=response_id, error_type=type(error).__qualname__)


def evaluation_of(score: Score, response_id: str | None) -> Evaluation:
    """A check's score as it is recorded."""
    return Evaluation(
        name=score.name, score=float(score.value), label=score.label, explanation=score.explanation or None,
        response_id=response_id, scorer=score.scorer or None,
    )  # fmt: skip
