"""Each formula against another's implementation of it, or numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from comparison.simulated import Design, errors, stars, times
from scipy import integrate, stats
from throughline.comparison import always, balance, once
from throughline.comparison.contrast import SCALE, Contrast, Contributions, carriers, contrasted, typical_square
from throughline.comparison.means import Means
from throughline.comparison.needed import rounded
from throughline.comparison.ranks import Ranks
from throughline.comparison.sample import Sample


def alone(values: np.ndarray, first: int = 0) -> Sample:
    """One request a user."""
    return Sample(values.astype(np.float64), np.arange(first, first + values.size))


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(7)


def test_with_one_request_a_user_means_are_compared_by_welchs_test(chance: np.random.Generator) -> None:
    a, b = chance.exponential(1, 60), chance.exponential(1.3, 45)
    found = Means(alone(a), alone(b, 60)).difference()
    theirs = stats.ttest_ind(b, a, equal_var=False)

    assert once.p_value(found) == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.95)
    half = once.reach(found, 0.05) * found.error
    assert (found.distance - half, found.distance + half) == pytest.approx((low, high))


def test_with_one_request_a_user_times_are_compared_by_brunners_and_munzels_test(chance: np.random.Generator) -> None:
    a, b = np.round(chance.lognormal(0, 0.5, 60), 1), np.round(chance.lognormal(0.2, 0.9, 45), 1)  # with ties
    found = Ranks(alone(a), alone(b, 60)).at(1.0)
    theirs = stats.brunnermunzel(a, b)

    assert once.p_value(found) == pytest.approx(theirs.pvalue)
    assert found.distance + 0.5 == pytest.approx(stats.mannwhitneyu(b, a).statistic / (a.size * b.size))


def test_the_typical_ratio_is_the_median_of_all_ratios(chance: np.random.Generator) -> None:
    a, b = chance.lognormal(0, 0.5, 61), chance.lognormal(0.3, 0.7, 47)

    assert Ranks(alone(a), alone(b, 61)).ratio == pytest.approx(np.median(b[:, None] / a), rel=2e-3)


def test_of_a_rank_test_at_a_ratio_the_baseline_is_multiplied(chance: np.random.Generator) -> None:
    a, b = chance.lognormal(0, 0.5, 50), chance.lognormal(0, 0.5, 40)
    found = Ranks(alone(a), alone(b, 50)).at(1.3)

    assert once.p_value(found) == pytest.approx(stats.brunnermunzel(1.3 * a, b).pvalue)


@pytest.mark.parametrize("draw", [stars(0.3), errors(0.1, 0.2)], ids=["stars", "errors"])
def test_users_are_clusters_as_in_a_regression_with_clustered_errors(draw: object, chance: np.random.Generator) -> None:
    """statsmodels' sandwich without a correction; ours for the degree of freedom is applied by hand."""
    experiment = Design(draw, users=2000).experiment(chance)  # type: ignore[arg-type]
    design = sm.add_constant(experiment.variant.astype(float))
    theirs = sm.OLS(experiment.values, design).fit(
        cov_type="cluster", cov_kwds={"groups": experiment.users, "use_correction": False}
    )
    samples = experiment.samples()
    found = Means(*samples).difference()
    residuals = experiment.values - theirs.fittedvalues
    expected = 0.0
    for place, sample in enumerate(samples):
        sums = np.bincount(experiment.users, weights=residuals * (experiment.variant == place)) / sample.requests
        users = sample.counts().sum() ** 2 / (sample.counts() ** 2).sum()
        expected += (sums**2).sum() * users / (users - 1)

    assert found.distance == pytest.approx(theirs.params[1])
    assert found.variance == pytest.approx(expected)
    assert found.variance == pytest.approx(theirs.bse[1] ** 2, rel=0.01)
    unclustered = found.distance / stats.ttest_ind(*(each.values for each in samples)).statistic
    assert found.variance > 1.1 * unclustered**2


def test_ranks_of_copied_requests_are_no_surer_than_those_of_one(chance: np.random.Generator) -> None:
    """Ten copies of each user's request say nothing new."""
    a, b = chance.lognormal(0, 0.5, 60), chance.lognormal(0.2, 0.5, 45)
    single = Ranks(alone(a), alone(b, 60)).at(1.0)
    users = np.repeat(np.arange(105), 10)
    copied = Ranks(Sample(np.repeat(a, 10), users[:600]), Sample(np.repeat(b, 10), users[600:])).at(1.0)

    assert (copied.distance, copied.variance) == pytest.approx((single.distance, single.variance))


def test_users_with_both_variants_are_compared_as_pairs(chance: np.random.Generator) -> None:
    a = chance.normal(10, 2, 50)
    b = a + chance.normal(0.1, 0.4, 50)
    found = Means(alone(a), alone(b)).difference()

    assert once.p_value(found) == pytest.approx(stats.ttest_rel(b, a).pvalue)


def test_newcombes_interval_is_that_of_his_paper() -> None:
    """Newcombe (1998), table II, example (a), method 10: 56/70 and 48/80."""
    assert once.newcombe((48, 80), (56, 70), 0.05) == pytest.approx((0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize(("baseline", "variant"), [((48, 80), (56, 70)), ((9, 100), (1, 120)), ((0, 50), (10, 50))])
def test_newcombes_p_value_is_where_his_interval_touches_nothing(
    baseline: tuple[int, int], variant: tuple[int, int]
) -> None:
    p_value = once.newcombe_p_value(baseline, variant)

    assert min(abs(end) for end in once.newcombe(baseline, variant, p_value)) == pytest.approx(0, abs=1e-9)
    assert p_value == pytest.approx(once.newcombe_p_value(variant, baseline))
    fisher = stats.fisher_exact([[each[0], each[1] - each[0]] for each in (baseline, variant)]).pvalue
    assert 0.3 < p_value / fisher < 3


def test_equal_rates_have_a_p_value_of_one() -> None:
    assert once.newcombe_p_value((3, 30), (5, 50)) == 1.0
    assert once.newcombe_p_value((0, 30), (0, 50)) == 1.0


@pytest.mark.parametrize("score", [0.5, 2.0, 4.5])
@pytest.mark.parametrize("variance", [0.002, 0.05])
def test_the_always_valid_p_value_is_one_over_the_mixture(score: float, variance: float) -> None:
    """The mixture of likelihood ratios by numerical integration over effects with standard deviation SCALE."""
    distance, spread = score * math.sqrt(variance), 1.0

    def ratio(effect: float) -> float:
        likelihood = math.exp((effect * distance - effect**2 / 2) / variance)
        return likelihood * float(stats.norm.pdf(effect, scale=SCALE * math.sqrt(spread)))

    mixture, _ = integrate.quad(ratio, -3, 3, points=[0.0, distance], limit=500)
    found = always.p_value(Contrast(distance, variance, spread, 1e12))

    assert found == pytest.approx(min(1.0, 1 / mixture), rel=1e-5)


@pytest.mark.parametrize("alpha", [0.05, 0.001])
def test_the_always_valid_interval_is_the_published_one(alpha: float) -> None:
    """Waudby-Smith et al. (2024), theorem 2.2, with unit variance, rho = SCALE and t observations."""
    for t in (30, 400, 100_000):
        published = math.sqrt(
            2 * (t * SCALE**2 + 1) / (t**2 * SCALE**2) * math.log(math.sqrt(t * SCALE**2 + 1) / alpha)
        )
        found = Contrast(0.1, 1 / t, 1.0, 1e12)

        assert always.reach(found, alpha) * found.error == pytest.approx(published, rel=1e-6)
        assert always.p_value(Contrast(published, 1 / t, 1.0, 1e12)) == pytest.approx(alpha, rel=1e-5)


def test_few_users_widen_the_always_valid_interval_as_students_distribution_does() -> None:
    many, few = Contrast(1.0, 0.01, 1.0, 1e12), Contrast(1.0, 0.01, 1.0, 9.0)
    normal = always.reach(many, 0.05)

    assert stats.t.sf(always.reach(few, 0.05), 9) == pytest.approx(stats.norm.sf(normal))
    assert always.p_value(Contrast(0.1 * always.reach(few, 0.05), 0.01, 1.0, 9.0)) == pytest.approx(0.05)


def test_the_sequential_multinomial_is_the_ratio_of_published_likelihoods() -> None:
    arrivals = np.array([0, 1, 1, 1, 2, 1, 1, 1, 0, 1] * 12)
    shares = np.array([0.5, 0.25, 0.25])
    ratios = [1.0]
    for size in range(1, arrivals.size + 1):
        counts = np.bincount(arrivals[:size], minlength=3)
        prior = stats.dirichlet_multinomial.logpmf(counts, balance.CONCENTRATION * shares, size)
        ratios.append(math.exp(prior - stats.multinomial.logpmf(counts, size, shares)))

    assert balance.p_value(arrivals, shares) == pytest.approx(1 / max(ratios))
    assert max(ratios) > 100, "that this is no matter of 1 = 1"


def test_small_numbers_by_hand() -> None:
    sample = Sample(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 0, 5]))

    assert (sample.people, sample.effective_users) == (2, pytest.approx(16 / 10))
    assert carriers(np.array([1.0, 1.0, -1.0, 0.0])) == pytest.approx(3)
    assert carriers(np.array([10.0, 0.1])) == pytest.approx(1, rel=1e-3)
    assert typical_square(np.array([2.0, 0.0]), np.array([-2.0])) == pytest.approx(4)
    found = contrasted(1.0, Contributions(np.array([1.0, -1.0]), 2), Contributions(np.zeros(2), 2, least=0.5), 1.0)
    assert (found.variance, found.freedom) == (pytest.approx(4.5), pytest.approx(4.5**2 / (4**2 + 0.5**2)))
    assert [rounded(each) for each in (0.2, 7.1, 101, 12_345)] == [1, 8, 110, 13_000]


def test_a_variant_without_failures_is_as_unsure_of_them_as_the_one_that_had_some() -> None:
    """Hundred requests without a failure beside 900 with 20 is nothing strange: it happens one time in ten."""
    few, many = np.zeros(100), np.r_[np.ones(20), np.zeros(880)]
    found = Means(alone(few), alone(many, 100), is_rate=True).difference()

    assert once.p_value(found) > 0.05
    assert stats.fisher_exact([[0, 100], [20, 880]]).pvalue > 0.05


def test_the_ratio_of_means_is_tested_as_a_difference_is() -> None:
    experiment = Design(times(1.2), users=200).experiment(np.random.default_rng(2))
    means = Means(*experiment.samples())

    assert once.p_value(means.at(1.0)) == pytest.approx(once.p_value(means.difference()))
    assert means.at(means.ratio).distance == pytest.approx(0, abs=1e-12)
