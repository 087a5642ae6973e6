"""Which answers are judged: as many as the rate says, always the same, and no matter which traces are kept."""

from __future__ import annotations

import hashlib
import random

import pytest
from scipy import stats
from throughline.scores import chosen

_ids = random.Random(20261126)  # noqa: S311 - the same ids each time
TRACES = [f"{_ids.getrandbits(128):032x}" for _ in range(20_000)]


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.93])
def test_as_many_are_chosen_as_the_rate_says(rate: float) -> None:
    """The ids are fixed, so this passes always or never; the bounds leave out one in a million."""
    low, high = stats.binom.interval(1 - 1e-6, len(TRACES), rate)
    assert low <= sum(chosen(trace, rate) for trace in TRACES) <= high


def test_all_and_none_are_just_that() -> None:
    assert all(chosen(trace, 1.0) for trace in TRACES)
    assert not any(chosen(trace, 0.0) for trace in TRACES)


def test_a_higher_rate_chooses_more_and_lets_none_go() -> None:
    few, many = ({trace for trace in TRACES if chosen(trace, rate)} for rate in (0.1, 0.2))
    assert few < many


def test_the_choice_stays_the_same_for_ever() -> None:
    """Its definition is part of what records mean: half of all is where the first bit of the hash is 0."""
    for trace in TRACES[:50]:
        digest = hashlib.sha256(f"throughline.judge:{trace}".encode()).hexdigest()
        assert chosen(trace, 0.5) is (digest[0] in "01234567")
        assert chosen(trace, 1 / 16) is (digest[0] == "0")


def test_what_is_judged_does_not_depend_on_what_a_sampler_of_traces_keeps() -> None:
    """Samplers by trace id take the lowest 56 bits, or 64; of the traces that one keeps, the same share is judged."""
    kept = [trace for trace in TRACES if int(trace[-14:], 16) < 0.1 * 2**56]
    judged = sum(chosen(trace, 0.1) for trace in kept)
    low, high = stats.binom.interval(1 - 1e-6, len(kept), 0.1)
    assert low <= judged <= high
