"""Where a request's time went, step by step, beside its peers'. What happens inside a model call is in `calls.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

import numpy as np

from throughline.explaining.requests import Request

BETWEEN: Final = "between the steps"


@dataclass(frozen=True, slots=True)
class Excess:
    """The time of one kind of step in a request, and of the same in its peers; all in seconds."""

    step: str
    seconds: float
    typical: float
    """The peers' median; a peer without such a step spent nothing in it."""
    high: float
    """Their 95th percentile."""

    @property
    def excess(self) -> float:
        """What the request spent beyond the typical."""
        return self.seconds - self.typical


def time_by_step(request: Request) -> dict[str, float]:
    """Seconds by kind of step, adding up to the request's own: each moment belongs to the step that began last."""
    steps = sorted(request.steps, key=lambda step: step.begin)
    ends = {moment for step in steps for moment in (step.begin, step.end)}
    spent: defaultdict[str, float] = defaultdict(float)
    running: list[tuple[float, int]] = []
    begun = 0
    for now, then in pairwise(sorted({request.begin, request.end} | ends)):
        while begun < len(steps) and steps[begun].begin <= now:
            heappush(running, (-steps[begun].begin, begun))
            begun += 1
        while running and steps[running[0][1]].end <= now:
            heappop(running)
        spent[steps[running[0][1]].kind if running else BETWEEN] += then - now
    return dict(spent)


def excesses(request: Request, peers: Sequence[Request]) -> list[Excess]:
    """Of every step that the request or half of its peers have; the greatest excess first."""
    own, others = time_by_step(request), [time_by_step(peer) for peer in peers]
    kinds = dict.fromkeys((*own, *(kind for spent in others for kind in spent)))
    found = [_excess(kind, own.get(kind, 0.0), [spent.get(kind, 0.0) for spent in others]) for kind in kinds]
    return sorted((each for each in found if each.step in own or each.typical > 0), key=lambda each: -each.excess)


def _excess(kind: str, seconds: float, others: Sequence[float]) -> Excess:
    typical, high = np.quantile(others, (0.5, 0.95)) if others else (0.0, 0.0)
    return Excess(kind, seconds, float(typical), float(high))
