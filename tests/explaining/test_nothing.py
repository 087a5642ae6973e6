"""Where there is no cause, or too little to go by, nothing is blamed; and nothing that records may hold ends it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from explaining import traffic
from explaining.traffic import Drawn, Plant
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from throughline import names
from throughline.cli import reasons
from throughline.explaining import contrast
from throughline.explaining.attributes import ATTRIBUTES
from throughline.explaining.explanation import Explanation, explain
from throughline.explaining.requests import of_documents
from throughline.holm import holm

RUNS = 200


def no_cause(drawn: Drawn, rng: np.random.Generator) -> None:
    """Not even the length of an answer matters."""
    drawn.wait, drawn.pace = float(rng.lognormal(0, 0.6)), 1e-6


def failing_by_chance(drawn: Drawn, rng: np.random.Generator) -> None:
    no_cause(drawn, rng)
    drawn.error = "RateLimitError" if rng.random() < 0.15 else None


def asked(seed: int, plant: Plant, count: int) -> Explanation:
    """Of one of the slowest, or of one that failed."""
    requests = traffic.requests(seed, plant, count)
    slowest = sorted(requests, key=lambda each: each.seconds)[-1 - seed % (count // 20)]
    failed = [each for each in requests if each.failure]
    one = failed[seed % len(failed)] if failed else slowest
    return explain(one, [each for each in requests if each is not one])


@pytest.mark.parametrize("plant", [no_cause, failing_by_chance])
def test_without_a_cause_one_is_blamed_no_more_often_than_alpha(plant: Plant) -> None:
    found = [asked(seed, plant, 120) for seed in range(RUNS)]
    assert all(each.outcome.can_tell for each in found if each.outcome.verdict != "ordinary")
    blamed = [each.first.candidate.words for each in found if each.first]
    assert len(blamed) <= contrast.ALPHA * RUNS, blamed


def test_nothing_is_said_to_set_it_apart_in_words() -> None:
    found = next(each for seed in range(9) if (each := asked(seed, no_cause, 200)).first is None)
    assert "Nothing sets it apart: of " in reasons.summary(found)


@pytest.mark.parametrize("count", [1, 2, 12, 30])
def test_with_few_peers_only_facts_are_told(count: int) -> None:
    """Thirty requests are twenty-nine peers."""

    def slow_host(drawn: Drawn, rng: np.random.Generator) -> None:
        drawn.host = "b" if drawn.number % 2 else "a"
        drawn.retrieval = 9.0 if drawn.number % 2 else 0.1

    requests = traffic.requests(3, slow_host, count)
    slowest = max(requests, key=lambda each: each.seconds)
    found = explain(slowest, [each for each in requests if each is not slowest])
    assert found.first is None
    if found.outcome.verdict == "slow":
        assert f"Too few peers to tell why ({count - 1}; about 30 are needed)" in reasons.summary(found)


def test_an_ordinary_request_is_said_to_be_ordinary_and_nothing_is_blamed() -> None:
    requests = sorted(traffic.requests(5, traffic.nothing, 200), key=lambda each: each.seconds)
    middle = requests[86]
    found = explain(middle, [each for each in requests if each is not middle])
    assert (found.outcome.verdict, found.first) == ("ordinary", None)
    assert reasons.summary(found).startswith("Not slow: ")
    assert "at the 43rd percentile of 199 peers; and it did not fail." in reasons.summary(found)


def test_one_that_is_alone_in_being_slow_stands_among_the_ten_slowest() -> None:
    requests = traffic.requests(6, no_cause, 200)
    own = max(requests, key=lambda each: each.seconds)
    (slow,) = of_documents(
        document
        for drawn in [traffic.draw(999, np.random.default_rng(1))]
        for document in traffic.documents(_slowed(drawn, 500.0))
    )
    found = explain(slow, requests)
    assert found.outcome.duration
    assert found.outcome.duration.is_limit_lowered
    assert found.outcome.alike == 10
    assert own.seconds >= found.outcome.duration.limit


def _slowed(drawn: Drawn, seconds: float) -> Drawn:
    drawn.wait = seconds
    return drawn


def test_missing_fields_are_no_values_and_break_nothing() -> None:
    def holes(drawn: Drawn, rng: np.random.Generator) -> None:
        drawn.retrieval += rng.lognormal(2, 0.2) if drawn.host == "b" else 0

    documents = [
        document
        for number in range(300)
        for document in traffic.documents(_planted(number, holes))
        if number % 3 or document["attributes"][names.OPERATION_NAME] != "post_process"
    ]
    rng = np.random.default_rng(0)
    for document in documents:
        keep = {names.OPERATION_NAME, names.DURATION, names.RECORD_ID, names.START_TIME_UNIX_NANO}
        document["attributes"] = {
            name: value for name, value in document["attributes"].items() if name in keep or rng.random() < 0.8
        }
    requests = of_documents(documents)
    slowest = max(requests, key=lambda each: each.seconds)
    found = explain(slowest, [each for each in requests if each is not slowest])
    assert found.first
    assert found.first.candidate.words == "retrieval host = b"


def _planted(number: int, plant: Plant) -> Drawn:
    rng = np.random.default_rng(number)
    drawn = traffic.draw(number, rng)
    plant(drawn, rng)
    return drawn


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 2**60),
    st.floats(),
    st.text(max_size=3),
    st.lists(st.text(max_size=2), max_size=2),
    st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
)
_NAMES = [each.name for each in ATTRIBUTES] + [
    names.DURATION,
    names.START_TIME_UNIX_NANO,
    names.RESPONSE_TIME_TO_FIRST_CHUNK,
    names.ATTEMPT_DELAY,
]
_DOCUMENTS = st.fixed_dictionaries(
    {
        "trace_id": st.sampled_from("abcdefgh"),
        "@timestamp": st.sampled_from(["1781000000000.1", "2026-06-09T10:00:00Z", "never"]),
        "attributes": st.dictionaries(st.sampled_from(_NAMES), _VALUES).flatmap(
            lambda told: st.sampled_from(["chat", "retrieval", "invoke_agent"]).map(
                lambda kind: {**told, names.OPERATION_NAME: kind}
            )
        ),
    },
    optional={"resource": st.fixed_dictionaries({"attributes": st.dictionaries(st.just("host.name"), _VALUES)})},
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_DOCUMENTS, min_size=1, max_size=40))
def test_whatever_records_hold_it_is_explained(documents: list[dict[str, Any]]) -> None:
    requests = of_documents(documents)
    for one in requests[:2]:
        found = explain(one, [each for each in requests if each is not one] * 12)
        assert reasons.summary(found)


@pytest.mark.parametrize("p", [[0.5], [0.01, 0.02, 0.03], [0.04, 0.001, 0.001, 0.9, 0.04], [1.0, 0.0, 0.3]])
def test_holms_adjustment_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_a_words_p_value_is_fishers() -> None:
    requests = traffic.requests(8, no_cause, 150)
    slowest = max(requests, key=lambda each: each.seconds)
    peers = [each for each in requests if each is not slowest]
    found = explain(slowest, peers)
    words = [each for each in found.judged if each.candidate.values is None]
    assert len(words) >= 5
    for each in words:
        table = [
            [each.having.count, each.having.of - each.having.count],
            [each.lacking.count, each.lacking.of - each.lacking.count],
        ]
        assert each.p == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)
