"""Who gets which variant: by the weights, always the same, hardly anybody moved, and nothing to do with other draws."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import math
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.prompts.folders import KEY, Written
from scipy import stats
from throughline.prompts.assignment import chosen, is_inside

MANY = [f"user-{number}" for number in range(100_000)]
SOME = MANY[:30_000]
UNLIKELY = 1e-4
"""The draws are fixed by the key, so a test that passes once passes always."""


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 0.2, "b": 0.3, "c": 0.45, "d": 0.05}])
def test_variants_are_drawn_by_their_weights(weights: dict[str, float]) -> None:
    counts = Counter(chosen(KEY, "wording", weights, unit) for unit in MANY)
    expected = [weight / sum(weights.values()) * len(MANY) for weight in weights.values()]
    assert stats.chisquare([counts[name] for name in weights], expected).pvalue > UNLIKELY


@given(
    weights=st.dictionaries(st.sampled_from("abcde"), st.floats(0.01, 100), min_size=1),
    unit=st.text(min_size=1, max_size=20),
    factor=st.floats(0.01, 100),
    data=st.data(),
)
def test_order_and_scale_of_weights_have_no_effect(
    weights: dict[str, float], unit: str, factor: float, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(weights.items()))))
    scaled = {name: weight * factor for name, weight in shuffled.items()}
    assert chosen(KEY, "x", weights, unit) == chosen(KEY, "x", shuffled, unit) == chosen(KEY, "x", scaled, unit)


def test_who_has_no_weight_is_never_drawn() -> None:
    assert {chosen(KEY, "wording", {"a": 0, "b": 1}, unit) for unit in SOME} == {"b"}


def by_hand(key: bytes, salt: str, weights: dict[str, float], unit: str) -> str:
    """The rule as the README tells it, by other means."""
    best = {}
    for name, weight in weights.items():
        digest = hmac.new(key, f"variant\0{salt}\0{name}\0{unit}".encode(), hashlib.sha256).hexdigest()
        uniform = (int(digest[:16], 16) // 2**11 + 0.5) / 2**53
        best[name] = math.log(uniform) / weight
    return max(best, key=best.__getitem__)


def test_the_draw_is_the_documented_one() -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 0.5}
    assert [chosen(KEY, "wording", weights, unit) for unit in SOME[:500]] == [
        by_hand(KEY, "wording", weights, unit) for unit in SOME[:500]
    ]


PROGRAM = """
import json, sys, throughline
from throughline import prompts
told = []
for number in range(300):
    with throughline.identify(user_id=f"user-{number}"):
        told.append(prompts.get("greeting").variant)
print(json.dumps(told))
"""


def drawn_elsewhere(folder: Path, seed: str, **variables: str) -> list[str]:
    environment = {**os.environ, "THROUGHLINE_PROMPTS": str(folder), "PYTHONHASHSEED": seed, **variables}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    told: list[str] = json.loads(done.stdout)
    return told


def test_every_process_draws_alike_and_by_another_key_otherwise(greeting: Written, tmp_path: Path) -> None:
    greeting.experiments(wording={"variants": {"plain": 1, "warm": 1}})
    first = drawn_elsewhere(greeting.path, "1")
    greeting.experiments(wording={"variants": {"warm": 1, "plain": 1}})
    assert drawn_elsewhere(greeting.path, "2") == first
    (tmp_path / "key").write_bytes(KEY)
    keyed = drawn_elsewhere(greeting.path, "3", THROUGHLINE_ASSIGNMENT_KEY_FILE=str(tmp_path / "key"))
    assert 90 < sum(one != other for one, other in zip(first, keyed, strict=True)) < 210
    assert keyed == [chosen(KEY, "wording", {"plain": 1, "warm": 1}, unit) for unit in MANY[:300]]


def moved(before: dict[str, float], after: dict[str, float]) -> Counter[tuple[str, str]]:
    pairs = ((chosen(KEY, "x", before, unit), chosen(KEY, "x", after, unit)) for unit in SOME)
    return Counter((old, new) for old, new in pairs if old != new)


def least(before: dict[str, float], after: dict[str, float]) -> float:
    """The share of units that no rule can leave where they are: the distance of the two distributions."""
    old, new = sum(before.values()), sum(after.values())
    names = before.keys() | after.keys()
    return sum(abs(before.get(name, 0) / old - after.get(name, 0) / new) for name in names) / 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": 50, "b": 50}, {"a": 60, "b": 40}),
        ({"a": 1, "b": 1}, {"a": 1, "b": 0}),
        ({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 1}),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 1, "d": 1}),
        ({"a": 1, "b": 1, "c": 1}, {"a": 1, "c": 1}),
    ],
)
def test_where_one_weight_changes_only_as_many_move_as_have_to(
    before: dict[str, float], after: dict[str, float]
) -> None:
    count = moved(before, after).total()
    assert stats.binomtest(count, len(SOME), least(before, after)).pvalue > UNLIKELY


def test_nobody_moves_between_variants_whose_weights_stay() -> None:
    assert {new for _, new in moved({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 1, "c": 1})} == {"a"}
    assert {old for old, _ in moved({"a": 1, "b": 1, "c": 1}, {"a": 1, "c": 1})} == {"b"}


def test_where_all_weights_change_few_more_move_than_have_to() -> None:
    before, after = {"a": 0.33, "b": 0.33, "c": 0.34}, {"a": 0.5, "b": 0.25, "c": 0.25}
    distance = least(before, after)
    share = moved(before, after).total() / len(SOME)
    assert distance - 0.01 < share < 2 * distance / (1 + distance) + 0.01


def test_parts_of_a_group_share_nobody_and_are_as_large_as_they_say() -> None:
    parts = {"one": (0.0, 0.3), "two": (0.3, 0.5), "three": (0.6, 1.0)}
    inside = {name: {unit for unit in MANY if is_inside(KEY, "group", part, unit)} for name, part in parts.items()}
    for one, other in itertools.combinations(inside.values(), 2):
        assert not one & other
    for name, (low, high) in parts.items():
        assert stats.binomtest(len(inside[name]), len(MANY), high - low).pvalue > UNLIKELY


def test_a_larger_part_keeps_who_was_in_the_smaller() -> None:
    small = {unit for unit in SOME if is_inside(KEY, "group", (0.0, 0.1), unit)}
    assert small < {unit for unit in SOME if is_inside(KEY, "group", (0.0, 0.4), unit)}
    assert all(is_inside(KEY, "group", (0.0, 1.0), unit) for unit in SOME)


def independent(table: list[list[int]]) -> float:
    return float(stats.chi2_contingency(table).pvalue)


def counted(one: list[str], other: list[str]) -> list[list[int]]:
    pairs = Counter(zip(one, other, strict=True))
    return [[pairs[a, b] for b in sorted(set(other))] for a in sorted(set(one))]


def test_draws_of_two_experiments_have_nothing_to_do_with_each_other() -> None:
    weights = {"a": 1, "b": 1}
    one, other = ([chosen(KEY, salt, weights, unit) for unit in MANY] for salt in ("wording", "tone"))
    assert independent(counted(one, other)) > UNLIKELY


def test_who_is_in_a_group_has_nothing_to_do_with_the_draw() -> None:
    drawn = [chosen(KEY, "wording", {"a": 1, "b": 1}, unit) for unit in MANY]
    inside = [str(is_inside(KEY, "wording", (0.0, 0.5), unit)) for unit in MANY]
    assert independent(counted(drawn, inside)) > UNLIKELY


def test_units_that_look_alike_are_drawn_independently() -> None:
    drawn = [chosen(KEY, "wording", {"a": 1, "b": 1}, str(number)) for number in range(len(MANY) + 1)]
    assert independent(counted(drawn[1:], drawn[:-1])) > UNLIKELY
