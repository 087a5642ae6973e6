"""Users who are not split as expected are found, and others are not, however often somebody asks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from throughline.comparison.balance import ALARM, balance, p_value
from throughline.comparison.traffic import Traffic

EQUAL = np.array([0.5, 0.5])


def drawn(count: int, users: int, share: float) -> list[np.ndarray]:
    chance = np.random.default_rng(5)
    return [(chance.random(users) < share).astype(np.int64) for _ in range(count)]


def test_asking_after_every_user_gives_few_false_alarms() -> None:
    p_values = np.array([p_value(each, EQUAL) for each in drawn(2000, 3000, 0.5)])

    assert np.mean(p_values <= 0.05) <= stats.binom.isf(0.001, 2000, 0.05) / 2000
    assert np.mean(p_values <= ALARM) <= stats.binom.isf(0.001, 2000, ALARM) / 2000


def test_the_usual_test_asked_as_often_gives_many() -> None:
    wrong = 0
    for each in drawn(200, 3000, 0.5):
        seen = np.arange(50, 3001, 50)
        scores = (np.cumsum(each)[seen - 1] - seen / 2) / np.sqrt(seen / 4)
        wrong += bool((2 * stats.norm.sf(np.abs(scores)) <= 0.05).any())

    assert wrong / 200 > 0.2


@pytest.mark.parametrize(("users", "share"), [(1000, 0.4), (6000, 0.46), (60_000, 0.488)])
def test_a_split_that_is_off_is_found(users: int, share: float) -> None:
    assert np.mean([p_value(each, EQUAL) < ALARM for each in drawn(100, users, share)]) >= 0.9


def traffic(users: list[int], variant: list[int], names: tuple[str, ...] = ("a", "b")) -> Traffic:
    return Traffic(names, np.array(variant), np.array(users), np.arange(len(users), dtype=float), {})


def test_users_count_once_by_their_first_variant() -> None:
    found = balance(traffic([3, 0, 3, 3, 7, 0], [1, 0, 0, 0, 1, 1]), {"a": 1, "b": 3})

    assert found.counts == {"a": 1, "b": 2}
    assert found.expected == {"a": 0.25, "b": 0.75}


def test_an_erased_user_who_asked_much_is_no_alarm() -> None:
    """His requests are users of their own, and all of one variant. Where nobody is known, all of them count."""
    users, variant = np.arange(1200), np.r_[np.arange(400) % 2, np.zeros(800, dtype=int)]
    seen = Traffic(("a", "b"), variant, users, users.astype(float), {}, users < 400)

    assert balance(seen, {"a": 1, "b": 1}).counts == {"a": 200, "b": 200}
    assert balance(seen.first(500), {"a": 1, "b": 1}).counts == {"a": 200, "b": 200}
    unknown = Traffic(("a", "b"), variant, users, users.astype(float), {}, np.zeros(1200, dtype=bool))
    assert balance(unknown, {"a": 1, "b": 1}).counts == {"a": 1000, "b": 200}


def test_one_user_of_a_variant_that_nobody_should_have_is_an_alarm() -> None:
    assert balance(traffic([0, 1, 2], [0, 0, 1]), {"a": 1}).is_off


def test_a_variant_that_nobody_got_counts() -> None:
    found = balance(traffic(list(range(200)), [0] * 200, ("a",)), {"a": 1, "b": 1})

    assert found.counts == {"a": 200, "b": 0}
    assert found.is_off


@pytest.mark.parametrize("weights", [{}, {"a": 0.0}, {"a": -1.0, "b": 2.0}])
def test_weights_that_are_none_are_refused(weights: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        balance(traffic([0], [0]), weights)
