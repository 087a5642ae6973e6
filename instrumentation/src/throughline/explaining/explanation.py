"""Why a request failed or was slow: all that is found of it beside its peers. Reads no store, words nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from throughline.explaining import calls, contrast
from throughline.explaining.attributes import LEAST_PEERS, When
from throughline.explaining.calls import Share
from throughline.explaining.candidates import Candidate, candidates
from throughline.explaining.contrast import Contrast, Together
from throughline.explaining.outcome import Outcome, outcome
from throughline.explaining.requests import Request, Step
from throughline.explaining.timing import BETWEEN, Excess, excesses

_MIDDLE: Final = (25, 75)


@dataclass(frozen=True, slots=True)
class Score:
    """An evaluation of the request among its peers' of the same name."""

    name: str
    value: float
    typical: float
    percentile: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What is known of why; `causes` are empty where nothing sets the request apart, or too little is known."""

    request: Request
    outcome: Outcome
    steps: list[Excess]
    inside: list[Share]
    """Of its longest model call, where that took longer than typical."""
    judged: list[Contrast]
    """Every value that was looked at, the least p first."""
    first: Contrast | None = None
    second: Contrast | None = None
    together: Together | None = None
    behind: Contrast | None = None
    good: Request | None = None
    """A peer that fared well, typically long, and has as much as possible of what this one has."""
    scores: list[Score] = field(default_factory=list)

    @property
    def excess(self) -> float:
        """Seconds beyond the typical; 0 where no peer succeeded."""
        duration = self.outcome.duration
        return duration.seconds - duration.typical if duration else 0.0


def explain(
    request: Request,
    peers: Sequence[Request],
    *,
    delays: float | None = None,
    scores: Mapping[str, Mapping[str, float]] | None = None,
) -> Explanation:
    """`delays`: see `calls.shares`. `scores`: evaluations by trace id and name."""
    what = outcome(request, peers)
    well = [peer for peer in peers if peer.failure is None]
    steps = excesses(request, well)
    order = [each.step for each in steps if each.step != BETWEEN]
    found = candidates(request, what.compared, order) if what.compared else []
    explanation = Explanation(
        request,
        what,
        steps,
        _inside(request, well, delays),
        contrast.contrasts(found, what.bad),
        good=_good(what, found, None),
        scores=_scores(request, peers, scores or {}),
    )
    return _blamed(explanation, found) if what.verdict != "ordinary" and what.can_tell else explanation


def _blamed(explanation: Explanation, found: Sequence[Candidate]) -> Explanation:
    what, first = explanation.outcome, contrast.best(explanation.judged)
    if first is None:
        return explanation
    second = contrast.second(first, found, what.bad)
    return Explanation(
        explanation.request,
        what,
        explanation.steps,
        explanation.inside,
        explanation.judged,
        first,
        second,
        contrast.together(first.candidate, second.candidate, what.bad) if second else None,
        contrast.behind(first, found),
        _good(what, found, first.candidate),
        explanation.scores,
    )


def _inside(request: Request, peers: Sequence[Request], delays: float | None) -> list[Share]:
    call = _longest_call(request)
    others = [each for peer in peers if (each := _longest_call(peer)) is not None]
    return calls.shares(call, others, delays) if call else []


def _longest_call(request: Request) -> Step | None:
    return max((each for each in request.steps if each.calls_a_model), key=lambda step: step.seconds, default=None)


def _good(what: Outcome, found: Sequence[Candidate], blamed: Candidate | None) -> Request | None:
    """Of the peers that fared well, without what is blamed and of middling length, the one with most of the rest."""
    well = ~what.bad
    if blamed is not None:
        well &= ~blamed.has
    if not well.any():
        return None
    seconds = np.array([peer.seconds for peer in what.compared])
    low, high = np.percentile(seconds[well], _MIDDLE)
    middling = well & (seconds >= low) & (seconds <= high)
    asked = [each.has for each in found if each.attribute.when is When.BEFORE]
    shared = np.sum(asked, axis=0) if asked else np.zeros(len(seconds))
    distance = np.abs(seconds - np.median(seconds[well]))
    order = np.lexsort((distance, -shared, ~middling))
    return what.compared[int(order[0])]


def _scores(request: Request, peers: Sequence[Request], scores: Mapping[str, Mapping[str, float]]) -> list[Score]:
    found = []
    for name, value in scores.get(request.trace_id, {}).items():
        told = [scores[peer.trace_id][name] for peer in peers if name in scores.get(peer.trace_id, {})]
        if len(told) >= LEAST_PEERS:
            others = np.array(told)
            percentile = 100 * float((others < value).mean() + (others == value).mean() / 2)
            found.append(Score(name, value, float(np.median(others)), percentile))
    return found
