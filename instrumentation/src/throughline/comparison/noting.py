"""What a reader of the figures has to know of the requests behind them, as sentences; judges no variant."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from throughline.comparison import always
from throughline.comparison.balance import ALARM
from throughline.comparison.comparing import Comparison
from throughline.comparison.contrast import FEWEST_USERS
from throughline.comparison.means import Means
from throughline.comparison.metrics import metric_of
from throughline.comparison.planning import Plan
from throughline.comparison.reading import Read
from throughline.comparison.sample import Numbers, Sample
from throughline.comparison.traffic import Traffic

_MORE_CALLS = 1.1
_TOO_MUCH = FEWEST_USERS**-0.5
"""A user's share of the requests above which Kish's number is below FEWEST_USERS, whoever the others are."""


def notes(planned: Plan, found: Read, comparison: Comparison) -> Iterator[str]:
    """All of them, what weighs most first."""
    if not comparison.is_valid:
        yield (
            "Users are not split as the experiment says, so nothing is concluded. Look for: weights that changed while "
            "it ran, a variant whose requests fail before they are recorded, users counted under several ids, caching "
            "or retries in front of one variant, and filters given to this command that one variant passes more often."
        )
    per_user = planned.experiment is None or str(planned.experiment.unit) == "user"
    if comparison.in_several and per_user:
        yield f"{comparison.in_several:,} users had more than one variant; each is one user in both."
    yield from _users(found)
    yield from _calls(found)
    yield from _records(found)
    yield from _scores(found)
    yield from unevenly_measured(found.traffic, comparison.terms.baseline)


def _users(found: Read) -> Iterator[str]:
    if found.without_user:
        share = found.without_user / max(1, found.traffic.times.size)
        yield f"{share:.1%} of requests tell no user (any more): their session, conversation or trace counts as one."
    for place, variant in enumerate(found.traffic.variants):
        counts = np.bincount(found.traffic.users[found.traffic.variant == place])
        if counts.size and (share := counts.max() / counts.sum()) > _TOO_MUCH and (counts > 0).sum() >= FEWEST_USERS:
            yield f"One user made {share:.0%} of {variant}'s requests: above {_TOO_MUCH:.0%}, nothing is concluded."


def _calls(found: Read) -> Iterator[str]:
    if found.calls and max(found.calls.values()) > _MORE_CALLS * min(found.calls.values()):
        told = ", ".join(f"{variant} {calls:.2g}" for variant, calls in found.calls.items())
        yield f"Calls to a trace differ: {told}. All figures are of calls: of whole answers, they may say otherwise."


def _records(found: Read) -> Iterator[str]:
    if found.other_currencies:
        yield f"{found.other_currencies:,} costs are left out: they are not in {found.currency}."
    if found.redelivered:
        yield f"{found.redelivered:,} records were there more than once, and count once."


def _scores(found: Read) -> Iterator[str]:
    for name, origins in found.scorers.items():
        if len(origins) > 1:
            yield f"Scores of {metric_of(name).label} are taken together, from several scorers: {', '.join(origins)}."
    for name in found.rated:
        share = np.isfinite(found.traffic.metrics[name]).mean()
        yield f"By {metric_of(name).label}, only the {share:.1%} of requests that users rated are compared."


def unevenly_measured(traffic: Traffic, baseline: str) -> Iterator[str]:
    """Metrics that one variant's requests have oftener, by more than chance: what is measured may differ in kind."""
    for name, values in traffic.metrics.items():
        known = np.isfinite(values)
        others = [each for each in traffic.variants if each != baseline]
        if known.any() and any(_is_uneven(traffic, known, baseline, each) for each in others):
            shares = [float(known[traffic.variant == place].mean()) for place in range(len(traffic.variants))]
            told = ", ".join(f"{variant} {share:.1%}" for variant, share in zip(traffic.variants, shares, strict=True))
            yield f"Requests with {metric_of(name).label} may differ in kind: {told} have it."


def _is_uneven(traffic: Traffic, known: Numbers, baseline: str, variant: str) -> bool:
    places = (traffic.variant == traffic.variants.index(each) for each in (baseline, variant))
    samples = [Sample(known[chosen].astype(np.float64), traffic.users[chosen]) for chosen in places]
    enough = min(each.effective_users for each in samples) >= FEWEST_USERS
    return enough and always.p_value(Means(*samples, is_rate=True).difference()) < ALARM
