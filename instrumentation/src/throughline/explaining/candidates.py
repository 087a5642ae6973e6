"""What a request has and which of its peers have it too: a column of truths for each value. No statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from throughline import names
from throughline.explaining.attributes import ATTRIBUTES, BEFORE_FAILURE, SUPPORT, Attribute, When
from throughline.explaining.requests import Request, Step, number

Truths: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]

NEAR_SECONDS: Final = 300.0
_CALLS: Final = Attribute("", "calls", When.DURING, "sum")


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A value that the request has, of one attribute in one kind of step (or in all: no step)."""

    attribute: Attribute
    step: str | None
    value: str
    has: Truths
    """Which peers have it; of a number, which are on the request's side of `split`."""
    known: Truths
    """Of which peers it is known at all."""
    values: Numbers | None = None
    split: float | None = None
    is_above: bool = True
    also: tuple[str, ...] = field(default=())
    """What exactly the same peers have."""

    @property
    def label(self) -> str:
        """`retrieval host`."""
        return f"{self.step} {self.attribute.label}" if self.step else self.attribute.label

    @property
    def words(self) -> str:
        """`retrieval host = b`, or `chat output tokens >= 400 (here 812)`."""
        if self.split is None:
            return f"{self.label} = {self.value}"
        return f"{self.label} {'>=' if self.is_above else '<='} {self.split:.4g} (here {self.value})"


def candidates(request: Request, peers: Sequence[Request], steps: Sequence[str]) -> list[Candidate]:
    """Every value that can be judged, those of equal columns merged. `steps`: kinds of steps, the most suspect first.

    Of a request that failed, what is told of a step only when it succeeds is left out.
    """
    found = [*_near(request, peers)]
    failed = request.failure.step if request.failure else None
    for attribute in ATTRIBUTES:
        for step in (None,) if attribute.is_shared else steps:
            if step is not None and step == failed and _told_late(attribute):
                continue
            found += _of(attribute, step, request, peers)
    for step in steps:
        own = len(_steps(request, step))
        if failed is None or (own and step != failed):  # else it lacks the steps that did not come to be
            found += _number(_CALLS, step, float(own), [float(len(_steps(peer, step))) for peer in peers])
    return _merged(each for each in found if is_judged(each))


def is_judged(candidate: Candidate) -> bool:
    """Whether enough peers have the value, and enough lack it."""
    has, known = candidate.has & candidate.known, candidate.known
    return SUPPORT <= int(has.sum()) <= int(known.sum()) - SUPPORT


def _told_late(attribute: Attribute) -> bool:
    return attribute.when is When.DURING and attribute.name not in BEFORE_FAILURE


def _near(request: Request, peers: Sequence[Request]) -> Iterator[Candidate]:
    near = np.array([abs(peer.begin - request.begin) <= NEAR_SECONDS for peer in peers], dtype=np.bool_)
    moment = Attribute("", "time", When.BEFORE, is_shared=True)
    yield Candidate(moment, None, f"within {NEAR_SECONDS / 60:.0f} minutes of it", near, np.ones_like(near))


def _of(attribute: Attribute, step: str | None, request: Request, peers: Sequence[Request]) -> Iterator[Candidate]:
    if attribute.number:
        own = _amount(attribute, _steps(request, step))
        if own is not None:
            yield from _number(attribute, step, own, [_amount(attribute, _steps(peer, step)) for peer in peers])
        return
    if own_words := _words(attribute, _steps(request, step)):
        others = [_words(attribute, _steps(peer, step)) for peer in peers]
        for value in sorted(own_words):
            has = np.array([value in words for words in others], dtype=np.bool_)
            yield Candidate(attribute, step, value, has, np.ones_like(has))


def _steps(request: Request, step: str | None) -> list[Step]:
    return [each for each in (*request.steps, *request.around) if step is None or each.kind == step]


def _words(attribute: Attribute, steps: Iterable[Step]) -> set[str]:
    told: set[str] = set()
    for step in steps:
        value = attribute.read(step.attributes, step.resource)
        each = value if isinstance(value, (list, tuple)) else [value]
        told |= {str(word) for word in each if word not in (None, "") and not isinstance(word, (dict, list))}
    return told


def _amount(attribute: Attribute, steps: Iterable[Step]) -> float | None:
    told = [number(attribute.read(step.attributes, step.resource)) for step in steps]
    known = [value for value in told if value is not None]
    if attribute.name == names.ATTEMPT_COUNT:  # absent when it was one
        known = [value or 1.0 for value in told]
    if not known:
        return None
    return sum(known) if attribute.number == "sum" else max(known)


def _number(attribute: Attribute, step: str | None, own: float, others: Sequence[float | None]) -> Iterator[Candidate]:
    """Only where the request's number is among the highest or the lowest quarter: another tells nothing of it."""
    values = np.array([np.nan if each is None else each for each in others], dtype=np.float64)
    known = ~np.isnan(values)
    if int(known.sum()) < 2 * SUPPORT:
        return
    low, middle, high = np.quantile(values[known], (0.25, 0.5, 0.75))
    is_above = own > middle
    if own == middle or (own < high if is_above else own > low):
        return
    ordered = np.sort(values[known])
    enough = ordered[-SUPPORT] if is_above else ordered[SUPPORT - 1]
    half = (own + middle) / 2
    split = float(min(half, enough) if is_above else max(half, enough))
    with np.errstate(invalid="ignore"):
        has = known & (values >= split if is_above else values <= split)
    yield Candidate(attribute, step, f"{own:.4g}", has, known, values, split, is_above)


def _merged(found: Iterable[Candidate]) -> list[Candidate]:
    """Of those that the same peers have, the first, which then tells of the others."""
    alike: dict[bytes, Candidate] = {}
    for each in found:
        key = each.has.tobytes() + each.known.tobytes()
        first = alike.get(key)
        alike[key] = each if first is None else replace(first, also=(*first.also, each.words))
    return list(alike.values())
