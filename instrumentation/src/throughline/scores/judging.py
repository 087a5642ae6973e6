"""A judge: a model that scores answers, asked through the application's own client. What it is asked is a rubric's.

Whatever goes wrong is an evaluation with an error, or counted: it never reaches the application.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.context import Context

from throughline import instrumentor
from throughline.contained import contained, lost
from throughline.evaluations import Evaluation, emit, spanned
from throughline.identity import carried, stamps
from throughline.scores import verdicts
from throughline.scores.answers import Answer, Score
from throughline.scores.asking import asking, masked
from throughline.scores.looping import settled
from throughline.scores.rubrics import Message, Rubric
from throughline.scores.sampling import chosen
from throughline.scores.waiting import Line

Ask = Callable[[list[Message]], str | Awaitable[str]]
_MOST_MATERIAL: Final = 30_000


@dataclass(frozen=True, slots=True)
class _Case:
    """One answer before the judge, and where it was given."""

    answer: Answer
    context: Context
    evaluated: Context
    response_id: str | None


class Judge:
    """Asks `ask(messages)`, which returns the model's reply or, asynchronously, will; `model` names it in the scorer.

    `rate` is the share of traces whose answers are judged: always the same ones, see `chosen`. The material is masked
    before it is asked about, unless `mask` is False. Off the request's path (`soon`), at most `capacity` answers wait,
    and `threads` are judged at once. Raises ValueError for a rate or capacity that makes no sense.
    """

    def __init__(
        self,
        rubric: Rubric,
        ask: Ask,
        *,
        model: str,
        rate: float = 1.0,
        mask: bool = True,
        capacity: int = 100,
        threads: int = 2,
        most_bytes: int = _MOST_MATERIAL,
    ) -> None:
        if not 0 <= rate <= 1 or capacity < 1 or threads < 1 or most_bytes < 1:
            raise ValueError("rate is from 0 to 1; capacity, threads and most_bytes are at least 1")
        self.rubric, self.model, self.rate = rubric, model, rate
        self._ask, self._mask, self._most, self._capacity = ask, mask, most_bytes, capacity
        self._line: Line[_Case] = Line(self._work, capacity=capacity, threads=threads)
        self._tasks: set[asyncio.Task[None]] = set()
        self._counting, self._counts = Lock(), Counter[str]()

    @property
    def scorer(self) -> str:
        """How evaluations name this judge: `model/version of the rubric`."""
        return f"{self.model}/{self.rubric.full_version}"

    @property
    def counts(self) -> dict[str, int]:
        """Answers so far: `judged`, `failed` and `dropped`, which found no room in the line."""
        with self._counting:
            return {what: self._counts[what] for what in ("judged", "failed", "dropped")}

    def __call__(
        self, answer: Answer, *, response_id: str | None = None, trace_id: str | None = None, span_id: str | None = None
    ) -> Score | None:
        """Judge now, in this thread, and record it; None where it is not asked about or there is no verdict.

        The answer is the current span's, or the one of these ids. Raises ValueError for an id that is none.
        """
        case = self._case(answer, response_id, trace_id, span_id)
        return None if case is None else self._judged(case)

    async def awaited(
        self, answer: Answer, *, response_id: str | None = None, trace_id: str | None = None, span_id: str | None = None
    ) -> Score | None:
        """The same for an `ask` that is awaited; one that blocks runs in a thread."""
        case = self._case(answer, response_id, trace_id, span_id)
        return None if case is None else await self._judged_async(case)

    def soon(
        self, answer: Answer, *, response_id: str | None = None, trace_id: str | None = None, span_id: str | None = None
    ) -> bool:
        """Judge off the request's path; False where it is not asked about or found no room. It never waits.

        An asynchronous `ask` runs as a task of the running event loop, all else in threads of the judge's own.
        """
        case = self._case(answer, response_id, trace_id, span_id)
        if case is None:
            return False
        taken = self._begun(case) if _is_async(self._ask) and _has_loop() else self._line.put(case)
        if not taken:
            self._count("dropped")
        return taken

    def drain(self, seconds: float) -> bool:
        """Wait until threads have judged all that waits; at exit this is done by itself, for some seconds."""
        return self._line.drain(seconds)

    async def drained(self, seconds: float) -> bool:
        """The same for what runs in the event loop: await it before that ends."""
        if tasks := set(self._tasks):
            await asyncio.wait(tasks, timeout=seconds)
        return not self._tasks and await asyncio.to_thread(self._line.drain, seconds)

    def verdict(self, answer: Answer, at: Context, response_id: str | None = None) -> Evaluation | None:
        """What it thinks of an answer that was given there, recorded by nobody; None where there is nothing to ask.

        For who records by himself; all are judged, whatever the rate.
        """
        if not self.rubric.applies_to(answer):
            return None
        return self._evaluated(_Case(answer, at, at, response_id))

    # --- one answer -------------------------------------------------------------------------------------------------

    def _case(self, answer: Answer, response_id: str | None, trace_id: str | None, span_id: str | None) -> _Case | None:
        """None where this answer is not to be judged, or nobody could see the verdict."""
        current = context.get_current()
        evaluated = spanned(trace_id, span_id) if trace_id or span_id else current
        if instrumentor.recorder() is None or carried(current).get("judging"):  # a judge's own words are judged by none
            return None
        case = _Case(answer, current, evaluated, response_id)
        return case if contained(self._is_asked, case) else None

    def _is_asked(self, case: _Case) -> bool:
        trace_number = trace.get_current_span(case.evaluated).get_span_context().trace_id
        key = f"{trace_number:032x}" if trace_number else case.answer.text
        return self.rubric.applies_to(case.answer) and chosen(key, self.rate)

    def _judged(self, case: _Case) -> Score | None:
        return self._recorded(case, self._evaluated(case))

    async def _judged_async(self, case: _Case) -> Score | None:
        return self._recorded(case, await self._evaluated_async(case))

    def _evaluated(self, case: _Case) -> Evaluation:
        try:
            with asking(case.context, self.rubric):
                reply = _settled(self._ask(self._messages(case)))
        except Exception as error:
            return self._failed(case, error)
        return self._read(case, reply)

    async def _evaluated_async(self, case: _Case) -> Evaluation:
        try:
            with asking(case.context, self.rubric):
                asked = self._messages(case)
                reply: Any = self._ask(asked) if _is_async(self._ask) else await asyncio.to_thread(self._ask, asked)
                if inspect.isawaitable(reply):
                    reply = await reply
        except Exception as error:
            return self._failed(case, error)
        return self._read(case, reply)

    def _messages(self, case: _Case) -> list[Message]:
        answer = masked(case.answer) if self._mask else case.answer
        return self.rubric.messages(answer, self._most)

    def _read(self, case: _Case, reply: Any) -> Evaluation:
        try:
            found = verdicts.read(reply)
        except verdicts.NoVerdictError as error:
            return self._failed(case, error)
        self._count("judged")
        return Evaluation(
            name=self.rubric.name, score=found.score, label=found.label, explanation=found.explanation or None,
            response_id=case.response_id, source="judge", scorer=self.scorer,
        )  # fmt: skip

    def _failed(self, case: _Case, error: Exception) -> Evaluation:
        """Without the error's text, which may quote the answer."""
        self._count("failed")
        lost(self._ask, error)
        return Evaluation(
            name=self.rubric.name, response_id=case.response_id, error_type=type(error).__qualname__,
            source="judge", scorer=self.scorer,
        )  # fmt: skip

    def _recorded(self, case: _Case, evaluation: Evaluation) -> Score | None:
        emit(evaluation, case.evaluated, stamps(case.context))
        if evaluation.score is None:
            return None
        explanation = evaluation.explanation or ""
        return Score(evaluation.name, evaluation.score, evaluation.label or "", explanation, self.scorer)

    # --- off the request's path -------------------------------------------------------------------------------------

    def _work(self, case: _Case) -> None:
        contained(self._judged, case)

    def _begun(self, case: _Case) -> bool:
        if len(self._tasks) >= self._capacity:
            return False
        task = asyncio.get_running_loop().create_task(self._work_async(case))
        self._tasks.add(task)  # the loop itself keeps none from being collected
        task.add_done_callback(self._ended)
        return True

    async def _work_async(self, case: _Case) -> None:
        await self._judged_async(case)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            self._count("dropped")
        elif (error := task.exception()) is not None:
            lost(self._ask, error if isinstance(error, Exception) else RuntimeError())

    def _count(self, what: str) -> None:
        with self._counting:
            self._counts[what] += 1


def _settled(reply: Any) -> Any:
    """What an `ask` that is asynchronous after all comes to, in a thread that has no event loop."""
    if not inspect.isawaitable(reply):
        return reply
    if _has_loop():
        if inspect.iscoroutine(reply):
            reply.close()
        raise TypeError("this judge's ask is asynchronous: await judge.awaited(…)")
    return settled(reply)


def _has_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_async(ask: Any) -> bool:
    return inspect.iscoroutinefunction(ask) or inspect.iscoroutinefunction(
        inspect.getattr_static(type(ask), "__call__", None)
    )
