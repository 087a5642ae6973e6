"""How a judge's call differs from the application's own: it is marked, has its own prompt, and sees masked material."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from opentelemetry import context, trace
from opentelemetry.context import Context

from throughline import instrumentor
from throughline.identity import RUNNING, identify
from throughline.scores.answers import Answer
from throughline.scores.rubrics import Rubric

if TYPE_CHECKING:
    from throughline.privacy.masking import Masker


@contextmanager
def asking(current: Context, rubric: Rubric) -> Iterator[None]:
    """What runs inside is the judge's: of the request's trace and user, but no step of what the application does."""
    # The span itself is the application's, and must not be marked: a stand-in with its ids is only a parent.
    parent = trace.NonRecordingSpan(trace.get_current_span(current).get_span_context())
    token = context.attach(context.set_value(RUNNING, None, trace.set_span_in_context(parent, current)))
    try:
        with identify(judging=True, prompt_name=f"judge-{rubric.name}", prompt_version=rubric.full_version):
            yield
    finally:
        context.detach(token)


def masked(answer: Answer) -> Answer:
    """The answer as a record of it would hold it. Raises what the masker raises: nothing is asked unmasked then."""
    active = instrumentor.recorder()
    masker = active.masker if active is not None else _masker()
    grounds = [masker.text(ground) for ground in answer.grounds]
    return replace(answer, text=masker.text(answer.text), question=masker.text(answer.question), grounds=grounds)


@cache
def _masker() -> Masker:
    from throughline.privacy.masking import Masker

    return Masker.from_environment()
