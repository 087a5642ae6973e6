"""A single look is wrong as often as it says, its intervals hold as often as they say, and users are heeded in both."""

from __future__ import annotations

import numpy as np
import pytest
from comparison.simulated import Design, Draw, costs, errors, stars, times
from scipy import stats
from throughline.comparison import once
from throughline.comparison.effects import effect
from throughline.comparison.means import Means
from throughline.comparison.metrics import metric_of
from throughline.comparison.ranks import Ranks

COUNT = 1500
ALPHA = 0.05


def within(share: float, expected: float, slack: float) -> bool:
    """Whether a share of COUNT experiments is the expected one, up to chance of one in a thousand, and up to slack."""
    half = float(stats.norm.isf(0.0005)) * np.sqrt(expected * (1 - expected) / COUNT)
    return abs(share - expected) <= half + slack


@pytest.mark.parametrize(
    ("draw", "kind", "truth"),
    [
        (times(), "time", 1.0),
        (times(1.3, wider=1.5), "time", 1.3),
        (stars(), "mean", 1.0),
        (costs(1.4), "mean", 1.4),
        (errors(0.1, 0.1), "rate", 1.0),
    ],
    ids=["times", "times of another shape", "stars", "cost", "errors"],
)
def test_the_truth_is_rejected_as_often_as_alpha_says(draw: Draw, kind: str, truth: float) -> None:
    rejected = 0
    for experiment in Design(draw, users=300).experiments(COUNT, seed=11):
        samples = experiment.samples()
        found = Ranks(*samples) if kind == "time" else Means(*samples, is_rate=kind == "rate")
        rejected += once.p_value(found.at(truth)) <= ALPHA

    assert within(rejected / COUNT, ALPHA, 0.01), rejected / COUNT


def test_without_users_the_same_test_is_wrong_far_oftener() -> None:
    """The negative control: what clustering is for."""
    wrong = 0
    for experiment in Design(times(), users=60, requests=15).experiments(300, seed=12):
        baseline, variant = (each.values for each in experiment.samples())
        wrong += stats.brunnermunzel(baseline, variant).pvalue <= ALPHA

    assert wrong / 300 > 0.25


def test_newcombes_interval_holds_the_difference_of_rare_rates() -> None:
    missed = 0
    metric = metric_of("errors")
    for experiment in Design(errors(0.02, 0.05), users=400, requests=1).experiments(COUNT, seed=13):
        difference = effect(metric, *experiment.samples(), once, ALPHA).difference
        missed += not difference.low <= 0.03 <= difference.high

    assert within(missed / COUNT, ALPHA, 0.01), missed / COUNT


def test_one_look_is_surer_than_many() -> None:
    """What --once is for, and why a second look may not use it."""
    from throughline.comparison import always

    for experiment in Design(times(1.1), users=300).experiments(20):
        found = Ranks(*experiment.samples()).at(1.0)
        assert once.reach(found, ALPHA) < always.reach(found, ALPHA)
        assert once.p_value(found) < always.p_value(found)
