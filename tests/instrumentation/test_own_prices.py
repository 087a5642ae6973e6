"""The owner's price list: what it may say, that it wins over the shipped one, and what is said of a wrong one."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from throughline import names, prices
from throughline.prices import Cost, Prices

COUNTS = {"input_tokens": 1_000_000, "output_tokens": 500_000, "cache_read_tokens": 300_000,
          "cache_creation_tokens": 200_000, "reasoning_tokens": 150_000}  # fmt: skip
OWN = {"provider": "openai", "model": "My-*", "input": 1, "output": 2, "cache_read": 0.1, "cache_creation": 1.5,
       "reasoning": 3, "request": 0.5}  # fmt: skip


def own_prices(folder: Path, *entries: Any, **other: Any) -> Prices:
    path = folder / "own.json"
    path.write_text(json.dumps({"version": "7", "currency": "EUR", "prices": entries} | other), "utf-8")
    return Prices.load(path)


def own_cost(own: Prices, model: str, provider: str = "openai") -> Cost | None:
    return own.cost(provider, model, at=0.0, address="gpu-1.internal", **COUNTS)


def test_each_part_is_charged_by_its_own_price(tmp_path: Path) -> None:
    own = own_cost(own_prices(tmp_path, OWN), "my-model")
    assert own is not None
    assert (own.currency, own.price_version) == ("EUR", "7")
    assert own.parts == pytest.approx({
        names.COST_INPUT: 0.5, names.COST_OUTPUT: 0.7, names.COST_CACHE_READ: 0.03, names.COST_CACHE_CREATION: 0.3,
        names.COST_REASONING: 0.45, names.COST_REQUEST: 0.5,
    })  # fmt: skip
    assert own.amount == pytest.approx(2.48)


def test_a_part_without_a_price_costs_what_its_whole_costs(tmp_path: Path) -> None:
    own = own_cost(own_prices(tmp_path, {"provider": "*", "model": "m", "input": 1, "output": 2}), "M", "Mine")
    assert own is not None
    assert own.amount == pytest.approx(2.0)
    assert own.parts[names.COST_CACHE_READ] == pytest.approx(0.3)


def test_the_first_entry_of_the_owner_wins_and_the_shipped_list_has_the_rest(tmp_path: Path) -> None:
    free = OWN | {"model": "gpt-4o"} | dict.fromkeys(list(OWN)[2:], 0)
    own = own_prices(tmp_path, free, OWN | {"model": "gpt-4*"})
    assert own_cost(own, "gpt-4o") == Cost(0.0, "EUR", "7", {})
    assert getattr(own_cost(own, "gpt-4o-mini"), "currency", None) == "EUR"
    assert getattr(own_cost(own, "claude-sonnet-4-5", "anthropic"), "currency", None) == "USD"
    assert own_cost(own, "o3") is None, "nobody knows who stands at this address"


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ([], r"prices\[1\]: expected \{.provider"),
        (OWN | {"cached": 1}, r'prices\[1\]: "cached" is unknown'),
        (OWN | {"model": ""}, r'prices\[1\]: "model" must be a name'),
        (OWN | {"provider": 1}, r'prices\[1\]: "provider" must be a name'),
        (
            {"provider": "a", "model": "b", "input": 1},
            r'"output" must be the price of a million tokens, a number .* None',
        ),
        (OWN | {"input": "1"}, r'"input" must be'),
        (OWN | {"input": True}, r'"input" must be'),
        (OWN | {"cache_read": -0.1}, r'"cache_read" must be'),
        (OWN | {"reasoning": None}, r'"reasoning" must be'),
        (OWN | {"request": math.nan}, r'"request" must be the price of one request'),
        (OWN | {"output": 10**400}, r'"output" must be'),
    ],
)
def test_a_bad_entry_is_named(entry: Any, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"own\.json: .*{complaint}"):
        own_prices(tmp_path, OWN, entry)


@pytest.mark.parametrize(
    "other", [{"version": ""}, {"version": 1}, {"currency": "euro"}, {"prices": {}}, {"extra": 1}, {"currency": None}]
)
def test_a_bad_frame_is_named(other: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"own\.json: .*(expected|must be)"):
        own_prices(tmp_path, OWN, **other)


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff"])
def test_a_file_that_is_none_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"own\.json: (cannot be read as JSON|expected)"):
        Prices.load(path)


@given(st.text("ab*", max_size=6), st.text("ab", max_size=8))
@example("a*a", "a")
def test_a_star_is_any_text(pattern: str, name: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name)
    assert bool(prices._pattern(pattern)(name)) == bool(wanted)
