"""One comparison from records to conclusions; shows, publishes and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from elasticsearch import Elasticsearch

from throughline.comparison.comparing import Comparison, compare
from throughline.comparison.metrics import SCORE
from throughline.comparison.planning import Asked, Plan, plan
from throughline.comparison.reading import Read, read
from throughline.comparison.traffic import Traffic

_UNEVEN: Final = 1.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was compared, and what was found."""

    plan: Plan
    read: Read
    comparison: Comparison
    notes: Sequence[str]
    """What a reader has to know, as sentences."""


def run(
    client: Elasticsearch, asked: Asked, experiments: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None
) -> Outcome:
    """Plan, read and compare. Raises as `plan` does."""
    planned = plan(client, asked, experiments)
    found = read(client, planned.selection, advance)
    comparison = compare(found.traffic, planned.terms)
    return Outcome(planned, found, comparison, [*planned.notes, *_notes(planned, found, comparison)])


def _notes(planned: Plan, found: Read, comparison: Comparison) -> list[str]:
    notes = []
    if not comparison.is_valid:
        notes.append(
            "Users are not split as the experiment says, so nothing is concluded. Look for: weights that changed while "
            "it ran, a variant whose requests fail before they are recorded, users counted under several ids, caching "
            "or retries in front of one variant, and filters given to this command that one variant passes more often."
        )
    per_user = planned.experiment is None or str(planned.experiment.unit) == "user"
    if comparison.in_several and per_user:
        notes.append(f"{comparison.in_several:,} users had more than one variant; each is one user in both.")
    if found.without_user:
        share = found.without_user / max(1, found.traffic.times.size)
        notes.append(
            f"{share:.0%} of requests tell no user (any more): their session, conversation or trace counts as one."
        )
    if found.other_currencies:
        notes.append(f"{found.other_currencies:,} costs are left out: they are not in {found.currency}.")
    if found.redelivered:
        notes.append(f"{found.redelivered:,} records were there more than once, and count once.")
    return [*notes, *_unevenly_scored(found.traffic)]


def _unevenly_scored(traffic: Traffic) -> list[str]:
    """Scores that one variant's requests have much oftener: what is scored may not be the same kind of request."""
    notes = []
    for name in (each for each in traffic.metrics if each.startswith(SCORE)):
        known = np.isfinite(traffic.metrics[name])
        shares = [float(known[traffic.variant == place].mean()) for place in range(len(traffic.variants))]
        if max(shares) > _UNEVEN * min(shares):
            told = ", ".join(f"{variant} {share:.0%}" for variant, share in zip(traffic.variants, shares, strict=True))
            notes.append(f"Requests with {name.removeprefix(SCORE)} differ in kind, perhaps: {told} have it.")
    return notes
