"""What makes figures say less than they seem to is said, and is not where it is not so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from comparison.simulated import Design, times
from throughline.comparison import wording
from throughline.comparison.comparing import Comparison, Terms, compare
from throughline.comparison.noting import notes, unevenly_measured
from throughline.comparison.planning import Plan
from throughline.comparison.reading import Read
from throughline.comparison.sample import Numbers
from throughline.comparison.searching import Selection
from throughline.comparison.traffic import Traffic


def traffic(users: int = 2000, seed: int = 1, **metrics: Numbers) -> Traffic:
    found = Design(times(), users=users).experiment(np.random.default_rng(seed))
    at = np.arange(found.users.size, dtype=float)
    return Traffic(("a", "b"), found.variant, found.users, at, {"latency": found.values, **metrics})


def said(read: Read) -> list[str]:
    comparison: Comparison = compare(read.traffic, Terms("a"))
    return list(notes(Plan(Selection("p"), comparison.terms), read, comparison))


def test_of_usual_requests_there_is_nothing_to_say() -> None:
    assert said(Read(traffic(), 0, 0, 0, "USD", {"a": 1.0, "b": 1.02}, {"score:x": ["x/1"]})) == []


def test_a_user_who_asks_so_much_that_he_decides_alone_is_named_as_the_reason() -> None:
    usual = traffic(300)
    more = np.full(3000, 299)
    users, variant = np.r_[usual.users, more], np.r_[usual.variant, np.full(3000, usual.variant[-1])]
    values = np.r_[usual.metrics["latency"], np.full(3000, 9.0)]
    seen = Traffic(("a", "b"), variant, users, np.arange(users.size, dtype=float), {"latency": values})
    notes_of_it = said(Read(seen, 0, 0, 0, ""))

    assert len(notes_of_it) == 1
    assert f"of {'ab'[usual.variant[-1]]}'s requests" in notes_of_it[0]
    assert {each.verdict for each in compare(seen, Terms("a")).findings} == {"baseline", "open"}


def test_several_scorers_calls_to_a_trace_and_ratings_are_said() -> None:
    seen = traffic()
    rated = np.where(np.random.default_rng(3).random(seen.times.size) < 0.05, 4.0, np.nan)
    seen = replace(seen, metrics={**seen.metrics, "score:stars": rated})
    scorers = {"score:stars": ["judge-x/1", "user"]}
    told = said(Read(seen, 0, 0, 0, "", {"a": 1.0, "b": 2.0}, scorers, ["score:stars"]))

    assert [each for each in told if "judge-x/1, user" in each]
    assert [each for each in told if "a 1, b 2" in each]
    assert [each for each in told if "users rated" in each and f"{np.isfinite(rated).mean():.1%}" in each]
    assert len(told) == 3


@pytest.mark.parametrize(("share", "is_said"), [(0.05, False), (0.10, True)])
def test_ratings_that_one_variant_gets_oftener_are_said(share: float, is_said: bool) -> None:
    """5 % of one variant's requests are rated; of 3,000 each, twice as many are no chance, and as many are."""
    seen = traffic(2000, seed=4)
    chance = np.random.default_rng(5).random(seen.times.size)
    rated = np.where(chance < np.where(seen.variant == 1, share, 0.05), 4.0, np.nan)
    told = list(unevenly_measured(replace(seen, metrics={"score:stars": rated}), "a"))

    assert bool(told) == is_said
    assert not is_said or told[0].startswith("Requests with stars may differ in kind: a ")


def test_few_ratings_that_happen_to_differ_are_not_said_to() -> None:
    """Two of 60 and five of 60, as it comes."""
    rated = np.full(120, np.nan)
    rated[[0, 1, 60, 61, 62, 63, 64]] = 4.0
    few = Traffic(("a", "b"), np.arange(120) // 60, np.arange(120), np.arange(120.0), {"score:stars": rated})

    assert list(unevenly_measured(few, "a")) == []


def test_of_values_that_do_not_vary_nothing_untrue_is_said() -> None:
    """More of them would tell nothing, and they need not be the same in both."""
    count = np.arange(400)
    tokens = {"input_tokens": np.full(400, 500.0), "output_tokens": 10.0 + count % 2}
    found = compare(Traffic(("a", "b"), count % 2, count, count.astype(float), tokens), Terms("a"))

    assert list(wording.sentences(found)) == [
        "b and a: nothing is concluded of input tokens, output tokens, whose values do not vary."
    ]
