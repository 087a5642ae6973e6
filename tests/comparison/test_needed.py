"""With as many requests as were said to be needed, the question is decided in four of five cases or more."""

from __future__ import annotations

import numpy as np
import pytest
from comparison.simulated import Design, Draw, costs, errors, stars, times
from scipy import stats
from throughline.comparison.comparing import Terms
from throughline.comparison.effects import Effect, approach_of, effect
from throughline.comparison.metrics import Margin, Metric, metric_of
from throughline.comparison.needed import times_the_data
from throughline.comparison.verdicts import verdict

ALPHA = 0.05
COUNT = 200
PILOT = 250
AT_LEAST = float(stats.binom.ppf(0.001, COUNT, 0.8)) / COUNT

CASES: dict[str, tuple[Metric, Draw, Draw]] = {
    "latency": (metric_of("latency"), times(), times(1.1)),
    "stars": (metric_of("score:stars"), stars(), stars(0.1545)),  # 5 % of 3, by the slope of the thresholds
    "cost": (Metric("cost", "mean", "lower", Margin(0.25)), costs(), costs(1.25)),
    "errors": (Metric("errors", "rate", "lower", Margin(0.03, relative=False)), errors(0.05, 0.05), errors(0.05, 0.08)),
}


def found(metric: Metric, draw: Draw, users: int, seed: int, count: int, *, single: bool) -> list[Effect]:
    experiments = Design(draw, users=users).experiments(count, seed)
    return [effect(metric, *each.samples(), approach_of(single=single), ALPHA) for each in experiments]


@pytest.mark.parametrize("single", [False, True], ids=["always", "once"])
@pytest.mark.parametrize("case", CASES)
def test_what_was_said_to_be_needed_is_enough(case: str, single: bool) -> None:
    metric, nothing, smallest = CASES[case]
    approach = approach_of(single=single)
    pilots = found(metric, nothing, PILOT, 1, 30, single=single)
    needed = float(np.mean([times_the_data(each, approach, ALPHA) for each in pilots]))
    users = int(np.ceil(PILOT * needed))

    seen = [each.p_value <= ALPHA for each in found(metric, smallest, users, 2, COUNT, single=single)]
    same = found(metric, nothing, users, 3, COUNT, single=single)
    alike = [verdict(metric, each, 1.0, ALPHA) == "alike" for each in same]

    assert np.mean(seen) >= AT_LEAST, (np.mean(seen), users)
    assert np.mean(alike) >= AT_LEAST, (np.mean(alike), users)


def test_half_of_it_is_not_enough() -> None:
    """The negative control."""
    metric, nothing, _ = CASES["latency"]
    approach = approach_of(single=False)
    needed = times_the_data(found(metric, nothing, PILOT, 1, 1, single=False)[0], approach, ALPHA)
    halves = found(metric, nothing, int(PILOT * needed / 2), 3, 100, single=False)

    assert np.mean([verdict(metric, each, 1.0, ALPHA) == "alike" for each in halves]) < 0.5


def test_users_who_ask_alike_need_fewer_than_users_who_each_have_their_way() -> None:
    def independent(chance: np.random.Generator, variant: np.ndarray, habits: np.ndarray) -> np.ndarray:
        return np.exp(0.78 * chance.normal(size=habits.size))  # as wide as `times` in all

    approach = approach_of(single=False)
    clustered, alone = (
        times_the_data(found(metric_of("latency"), draw, PILOT, 4, 1, single=False)[0], approach, ALPHA)
        for draw in (times(), independent)
    )

    assert clustered > 1.3 * alone


def test_terms_are_always_valid_unless_one_look_is_all_there_is() -> None:
    assert Terms("a").approach is approach_of(single=False)
    assert Terms("a", once=True).approach is approach_of(single=True)
