"""All conclusions together: how often any is wrong, and what is said of data that allow none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from comparison.simulated import Design, costs, errors, stars, times
from scipy import stats
from throughline.comparison.comparing import Comparison, Finding, Terms, compare
from throughline.comparison.contrast import Contrast
from throughline.comparison.effects import Effect, Interval
from throughline.comparison.metrics import Margin, Metric, Wishes, metric_of
from throughline.comparison.sample import Codes, Numbers
from throughline.comparison.traffic import Traffic
from throughline.comparison.verdicts import adjusted, verdict

CONCLUSIONS = {"better", "worse", "differs"}


def traffic(seed: int, users: int, variants: int = 3, slower: float = 1.0) -> Traffic:
    """Requests of several variants with every kind of metric; the last variant is `slower` times as slow."""
    chance = np.random.default_rng(seed)
    design = Design(times(), users=users)
    experiment = design.experiment(chance)
    variant = chance.integers(variants, size=users)[experiment.users]
    is_slower, habits = (variant == variants - 1).astype(np.int64), chance.normal(size=users)[experiment.users]
    none = np.zeros_like(variant)
    metrics = {
        "latency": times(slower)(chance, is_slower, habits),
        "errors": errors(0.05, 0.05)(chance, none, habits),
        "output_tokens": np.round(100 * times()(chance, none, habits)),
        "cost": costs()(chance, none, habits),
        "score:stars": np.where(chance.random(variant.size) < 0.5, stars()(chance, none, habits), np.nan),
    }
    names = tuple("abcdef"[:variants])
    return Traffic(names, variant, experiment.users, np.arange(variant.size, dtype=float), metrics)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("once", [True, False], ids=["once", "always"])
def test_any_conclusion_at_all_is_wrong_as_seldom_as_one(once: bool) -> None:
    """Ten comparisons of variants that are all the same; without adjustment, four of ten such families would err."""
    count = 60 if once else 30
    wrong = unadjusted = 0
    for seed in range(count):
        found = compare(traffic(seed, 200), Terms("a", once=once))
        assert len([each for each in found.findings if each.effect]) == 10
        wrong += any(each.verdict in CONCLUSIONS for each in found.findings)
        unadjusted += any(each.effect is not None and each.effect.p_value <= 0.05 for each in found.findings)

    assert wrong / count <= stats.binom.isf(0.001, count, 0.05) / count
    if once:
        assert unadjusted / count > 0.2, "the negative control"


def test_holms_p_values_are_those_worked_out_by_hand() -> None:
    """0.01 x 4, 0.02 x 3, 0.03 x 2, and what has too little data is 1 and counts among them."""
    effects = [effect_with(p_value, users) for p_value, users in ((0.03, 99), (0.01, 99), (0.001, 5), (0.02, 99))]

    assert adjusted(effects) == pytest.approx([0.06, 0.04, 1.0, 0.06])


def effect_with(p_value: float, users: float = 99.0, interval: Interval | None = None, distance: float = 1.0) -> Effect:
    contrast = Contrast(distance, 0.1, 1.0, 50.0)
    interval = interval or Interval(0.0, -1.0, 1.0)
    return Effect(interval, interval, p_value, contrast, contrast, users, users, 0.1)


LATENCY, STARS = metric_of("latency"), metric_of("score:stars")
ERRORS = Metric("errors", "rate", "lower", Margin(0.01, relative=False))


@pytest.mark.parametrize(
    ("metric", "p_value", "interval", "distance", "said"),
    [
        (LATENCY, 0.01, Interval(0.3, 0.2, 0.4), 1.0, "worse"),
        (LATENCY, 0.01, Interval(-0.3, -0.4, -0.2), -1.0, "better"),
        (STARS, 0.01, Interval(0.3, 0.2, 0.4), 1.0, "better"),
        (STARS, 0.01, Interval(-0.3, -0.4, -0.2), -1.0, "worse"),
        (LATENCY, 0.06, Interval(0.3, 0.2, 0.4), 1.0, "open"),
        (LATENCY, 0.01, Interval(0.05, 0.02, 0.08), 1.0, "alike"),
        (LATENCY, 0.9, Interval(0.0, -0.09, 0.09), 1.0, "alike"),
        (LATENCY, 0.9, Interval(0.0, -0.11, 0.09), 1.0, "open"),
        (Metric("score:x", "mean", "neither", Margin(0.05)), 0.01, Interval(0.3, 0.2, 0.4), 1.0, "differs"),
        (
            Metric("errors", "rate", "lower", Margin(0.01, relative=False)),
            0.9,
            Interval(0.0, -0.009, 0.009),
            0.0,
            "alike",
        ),
    ],
)
def test_verdicts(metric: Metric, p_value: float, interval: Interval, distance: float, said: str) -> None:
    assert verdict(metric, effect_with(p_value, interval=interval, distance=distance), p_value, 0.05) == said
    assert verdict(metric, effect_with(p_value, 29.0, interval, distance), p_value, 0.05) == "open"


def of(found: Comparison, metric: str, variant: str) -> Finding:
    return next(each for each in found.findings if (each.metric.name, each.variant) == (metric, variant))


def test_a_slower_variant_is_named_and_the_others_are_not() -> None:
    found = compare(traffic(1, 4000, slower=1.3), Terms("a"))

    assert of(found, "latency", "c").verdict == "worse"
    effect = of(found, "latency", "c").effect
    assert effect is not None
    assert effect.relative.low < 0.3 < effect.relative.high
    assert of(found, "latency", "b").verdict in ("alike", "open")
    assert of(found, "latency", "a").verdict == "baseline"
    assert {each.verdict for each in found.findings} <= {"baseline", "worse", "alike", "open"}


def test_nothing_is_concluded_of_users_who_are_split_as_they_should_not_be() -> None:
    found = compare(traffic(1, 4000, slower=1.3), Terms("a", weights={"a": 2, "b": 1, "c": 1}))

    assert {each.verdict for each in found.findings} == {"baseline", "invalid"}


def test_wishes_decide_what_matters_and_which_way_is_better() -> None:
    wishes = Wishes({"latency": Margin(0.9)}, {"stars": "neither"})
    found = compare(traffic(1, 3000, slower=1.3), Terms("a", wishes=wishes))

    assert of(found, "latency", "c").verdict == "alike"
    assert of(found, "score:stars", "c").metric.better == "neither"


def built(users: list[int] | Codes, variant: list[int] | Codes, **metrics: list[float] | Numbers) -> Traffic:
    columns = {name.replace("score_", "score:"): np.array(values, dtype=float) for name, values in metrics.items()}
    return Traffic(("a", "b"), np.array(variant), np.array(users), np.arange(len(users), dtype=float), columns)


MANY = np.arange(200)
HALF = MANY % 2
NAN = math.nan
ODD = {
    "one user": built([0] * 40, [0, 1] * 20, latency=np.arange(40.0) + 1, errors=[0.0] * 40, cost=np.arange(40.0)),
    "one user each": built([0, 1] * 20, [0, 1] * 20, latency=np.arange(40.0) + 1, errors=[0.0, 1.0] * 20),
    "one request each": built([0, 1], [0, 1], latency=[1.0, 2.0], errors=[0.0, 0.0], cost=[1.0, 1.0]),
    "no variance": built(MANY, HALF, latency=np.ones(200), cost=np.ones(200), score_x=np.ones(200)),
    "no variance, and different": built(MANY, HALF, output_tokens=10.0 + HALF, score_x=1.0 * HALF),
    "all missing in one": built(MANY, HALF, cost=np.where(HALF, NAN, MANY), latency=np.where(HALF, NAN, 1.0 + MANY)),
    "no times but zeros": built(MANY, HALF, latency=np.zeros(200)),
    "one user with all the requests": built(
        np.r_[np.zeros(9000, int), np.arange(1, 101)], np.r_[np.zeros(9000, int), HALF[:100]],
        latency=1 + np.r_[np.arange(9000) % 7, np.arange(100) % 5], cost=np.r_[np.arange(9000) % 7, np.arange(100) % 5],
    ),
    "negative scores": built(MANY[:40], HALF[:40], score_x=-1.0 - MANY[:40] % 3),
}  # fmt: skip


@pytest.mark.parametrize("once", [True, False], ids=["once", "always"])
@pytest.mark.parametrize("odd", ODD)
def test_of_odd_data_nothing_is_concluded(odd: str, once: bool) -> None:
    found = compare(ODD[odd], Terms("a", once=once))

    assert {each.verdict for each in found.findings} <= {"baseline", "open"}, found.findings
    assert all(each.p_value is None or 0 <= each.p_value <= 1 for each in found.findings)


def test_metrics_that_nobody_has_are_not_there() -> None:
    found = compare(built(MANY, HALF, latency=1.0 + MANY, cost=[NAN] * 200), Terms("a"))

    assert {each.metric.name for each in found.findings} == {"latency"}


@pytest.mark.parametrize("once", [True, False], ids=["once", "always"])
def test_requests_that_all_failed_are_worse_than_those_that_did_not_and_else_alike(once: bool) -> None:
    assert of(compare(built(MANY, HALF, errors=1.0 * HALF), Terms("a", once=once)), "errors", "b").verdict == "worse"

    many, half = np.arange(6000), np.arange(6000) % 2
    for rate in (0.0, 1.0):
        found = compare(built(many, half, errors=np.full(6000, rate)), Terms("a", once=once))
        assert of(found, "errors", "b").verdict == "alike"
    few = compare(built(MANY, HALF, errors=np.zeros(200)), Terms("a", once=once))
    assert of(few, "errors", "b").verdict == "open", "one failure in a hundred may not have come yet"


def test_no_traffic_and_an_unknown_baseline() -> None:
    nothing = built([], [], latency=[])
    assert compare(nothing, Terms("a")).findings == ()
    with pytest.raises(ValueError, match="no variant c"):
        compare(nothing, Terms("c"))
