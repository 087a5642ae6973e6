"""Looking after every batch and stopping at the first 'significant' look finds nothing where there is nothing.

Each test has its negative control: the usual test on the same experiments is wrong far oftener, so they can fail.
"""

from __future__ import annotations

import numpy as np
import pytest
from comparison.simulated import Design, Draw, Experiment, broken, costs, errors, looks, stars, times
from scipy import stats
from throughline.comparison import always
from throughline.comparison.contrast import FEWEST_CARRIERS, FEWEST_USERS, Contrast
from throughline.comparison.effects import effect
from throughline.comparison.means import Means
from throughline.comparison.metrics import Metric, metric_of
from throughline.comparison.ranks import Ranks
from throughline.comparison.sample import Sample

ALPHA = 0.05
LOOKS = 50
NAIVE_IS_WRONG = 0.12


def at_most(expected: float, experiments: int) -> float:
    """What a share of experiments exceeds once in a thousand such tests, if it is the expected one."""
    return float(stats.binom.isf(0.001, experiments, expected)) / experiments


def contrast(metric: Metric, samples: tuple[Sample, Sample]) -> Contrast | None:
    """The contrast, where there is enough to conclude from."""
    if min(each.effective_users for each in samples) < FEWEST_USERS:
        return None
    if metric.kind == "time":
        return Ranks(*samples).at(1.0)
    means = Means(*samples, is_rate=metric.kind == "rate")
    return means.difference() if means.carriers >= FEWEST_CARRIERS else None


def is_ever_found(metric: Metric, experiment: Experiment) -> bool:
    for requests in looks(experiment, LOOKS):
        found = contrast(metric, experiment.first(requests))
        if found is not None and always.p_value(found) <= ALPHA:
            return True
    return False


def is_ever_found_naively(metric: Metric, experiment: Experiment) -> bool:
    """By the test that everybody knows, of requests, at each look."""
    for requests in looks(experiment, LOOKS):
        baseline, variant = (each.values for each in experiment.first(requests))
        if min(baseline.size, variant.size) < 30 or not (baseline.std() and variant.std()):
            continue
        if metric.kind == "time":
            p_value = stats.mannwhitneyu(baseline, variant, method="asymptotic").pvalue
        else:
            p_value = stats.ttest_ind(baseline, variant).pvalue
        if p_value <= ALPHA:
            return True
    return False


CASES = {
    "latency": (Design(times(), users=500), "latency", 700),
    "first chunk, few get the variant": (Design(times(), users=700, share=0.15), "first_chunk", 300),
    "errors": (Design(errors(), users=3000, requests=2), "errors", 600),
    "errors, few get the variant": (Design(errors(), users=3000, share=0.15, requests=2), "errors", 400),
    "stars": (Design(stars(), users=600), "score:stars", 1000),
    "cost": (Design(costs(), users=800), "cost", 1000),
    "cost, few get the variant": (Design(costs(), users=1000, share=0.15), "cost", 600),
    "cost, some users ask most": (Design(costs(), users=1000, heavy=True), "cost", 600),
}


@pytest.mark.parametrize("case", CASES)
def test_peeking_finds_nothing_where_there_is_nothing(case: str) -> None:
    design, name, count = CASES[case]
    wrong = np.mean([is_ever_found(metric_of(name), each) for each in design.experiments(count)])

    assert wrong <= at_most(ALPHA, count), wrong


@pytest.mark.parametrize("case", ["latency", "errors", "stars", "cost"])
def test_the_usual_test_on_the_same_experiments_is_wrong_far_oftener(case: str) -> None:
    design, name, _ = CASES[case]
    wrong = np.mean([is_ever_found_naively(metric_of(name), each) for each in design.experiments(100)])

    assert wrong >= NAIVE_IS_WRONG, wrong


@pytest.mark.parametrize("heavy", [False, True], ids=["alike", "some ask most"])
@pytest.mark.parametrize(("draw", "name"), [(times(), "latency"), (stars(), "score:stars")], ids=["times", "stars"])
def test_peeking_is_as_safe_where_the_same_users_come_back(draw: Draw, name: str, heavy: bool) -> None:
    design = Design(draw, users=1200 if heavy else 240, requests=3 if heavy else 15, returning=True, heavy=heavy)
    experiments = list(design.experiments(200))
    wrong = np.mean([is_ever_found(metric_of(name), each) for each in experiments])

    assert wrong <= at_most(ALPHA, 200), wrong
    judged = [contrast(metric_of(name), each.samples()) is not None for each in experiments]
    assert np.mean(judged) > 0.4, "that this is about something"


@pytest.mark.parametrize(
    ("design", "name", "truth"),
    [
        (Design(times(1.25, wider=1.4), users=500), "latency", 1.25),
        (Design(costs(1.5), users=800), "cost", 1.5),
    ],
    ids=["times of another shape", "cost"],
)
def test_the_interval_has_the_truth_in_it_at_every_look(design: Design, name: str, truth: float) -> None:
    """The truth by construction: factors of lognormal times and of costs."""
    missed = 0
    for experiment in design.experiments(300):
        for requests in looks(experiment, LOOKS):
            samples = experiment.first(requests)
            if min(each.effective_users for each in samples) < FEWEST_USERS:
                continue
            found = Ranks(*samples) if metric_of(name).kind == "time" else Means(*samples)
            if isinstance(found, Means) and found.carriers < FEWEST_CARRIERS:
                continue
            if always.p_value(found.at(truth)) <= ALPHA:
                missed += 1
                break

    assert missed / 300 <= at_most(ALPHA, 300), missed


@pytest.mark.parametrize("draw", [errors(0.002, 0.012), broken(0.002, 0.012)], ids=["requests fail", "users fail"])
def test_rates_that_differ_by_what_matters_are_not_said_to_be_alike(draw: Draw) -> None:
    """Although a rate may be said to be alike before ten users had a failure."""
    wrong = 0
    for experiment in Design(draw, users=2000, requests=3).experiments(150, seed=6):
        for requests in looks(experiment, 25):
            means = Means(*experiment.first(requests), is_rate=True)
            found = means.difference()
            if found.distance + always.reach(found, ALPHA) * found.error < 0.01:
                wrong += 1
                break

    assert wrong / 150 <= at_most(ALPHA, 150), wrong


def test_a_large_difference_is_found_long_before_all_users_came() -> None:
    found = [is_ever_found(metric_of("latency"), each) for each in Design(times(1.6), users=400).experiments(50)]

    assert np.mean(found) == 1


@pytest.mark.parametrize("once", [False, True], ids=["always", "once"])
@pytest.mark.parametrize("name", ["latency", "cost", "errors"])
def test_interval_and_p_value_say_the_same(name: str, once: bool) -> None:
    from throughline.comparison.effects import approach_of

    draws = {"latency": times(1.15), "cost": costs(1.6), "errors": errors(0.05, 0.14)}
    decided = set()
    for experiment in Design(draws[name], users=250).experiments(40, seed=3):
        found = effect(metric_of(name), *experiment.samples(), approach_of(single=once), ALPHA)
        interval = found.difference
        assert interval.low <= interval.value <= interval.high
        assert (found.p_value <= ALPHA) == (interval.low > 0 or interval.high < 0)
        if name == "cost":
            assert (found.relative.low > 0) == (interval.low > 0)
        decided.add(found.p_value <= ALPHA)

    assert decided == {True, False}, "both must occur for this to mean anything"
