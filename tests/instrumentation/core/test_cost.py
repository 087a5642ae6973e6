"""The cost on a call, and on the agent around it: by the list, by the owner's list, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from instrumentation.core import toy
from instrumentation.telemetry import Telemetry, plain
from throughline import names
from throughline.operation import Operation
from throughline.prices import Prices


class Priced(toy.Ask):
    """Claims to be a known model of a known provider."""

    tier: str | None = None

    def response(self, op: Operation, body: Any) -> None:
        super().response(op, body)
        op.response_model = "gpt-4o-2024-08-06"
        if self.tier:
            op.extra[names.OPENAI_RESPONSE_SERVICE_TIER] = self.tier


@pytest.fixture(autouse=True)
def known_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toy, "Ask", Priced)
    monkeypatch.setattr(toy.ToyAdapter, "route", at_openai(toy.ToyAdapter.route))


def at_openai(route: Any) -> Any:
    return lambda self, call: route(self, call)._replace(address="api.openai.com")


def costs(attributes: Any) -> dict[str, Any]:
    return {n: v for n, v in plain(attributes).items() if n.startswith(("throughline.cost", "throughline.total.cost"))}


def test_a_call_says_what_it_cost_and_the_agent_what_all_did(telemetry: Telemetry) -> None:
    telemetry.instrument(cost=True)
    toy.Framework().agent(lambda: (toy.Model().ask("a"), toy.Model().ask("b")))
    call, _, agent = telemetry.spans()
    expected = Prices.load(None).cost(
        "openai", "gpt-4o-2024-08-06", input_tokens=11, output_tokens=7, cache_read_tokens=None,
        cache_creation_tokens=None, reasoning_tokens=None, at=call.start_time / 1e9, address="api.openai.com",
    )  # fmt: skip
    assert expected is not None
    assert costs(call.attributes) == {
        names.COST_AMOUNT: expected.amount,
        names.COST_CURRENCY: "USD",
        names.COST_PRICE_VERSION: expected.price_version,
        **expected.parts,
    }
    assert set(expected.parts) == {names.COST_INPUT, names.COST_OUTPUT}
    assert costs(agent.attributes) == {
        names.TOTAL_COST: pytest.approx(2 * expected.amount), names.COST_CURRENCY: "USD",
    }  # fmt: skip
    (record, _) = telemetry.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)
    assert costs(record.attributes) == costs(call.attributes)


def test_the_owners_prices_win(telemetry: Telemetry, tmp_path: Path) -> None:
    prices = tmp_path / "prices.json"
    entry = {"provider": "openai", "model": "gpt-4o*", "input": 1_000_000, "output": 2_000_000}
    prices.write_text(json.dumps({"version": "ours-1", "currency": "EUR", "prices": [entry]}))
    telemetry.instrument(cost=True, prices_file=prices)
    toy.Model().ask("a")
    assert costs(telemetry.attributes()) == {
        names.COST_AMOUNT: 25.0, names.COST_CURRENCY: "EUR", names.COST_PRICE_VERSION: "ours-1",
        names.COST_INPUT: 11.0, names.COST_OUTPUT: 14.0,
    }  # fmt: skip


def test_a_wrong_price_list_is_said_at_the_start(telemetry: Telemetry, tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("{}")
    with pytest.raises(ValueError, match=r"prices\.json"):
        telemetry.instrument(cost=True, prices_file=tmp_path / "prices.json")


@pytest.mark.parametrize("settings", [{"cost": False}, {}])
def test_no_cost_where_it_is_switched_off_or_the_tier_has_a_price_of_its_own(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    monkeypatch.setattr(Priced, "tier", "flex" if not settings else None)
    telemetry.instrument(**{"cost": True, **settings})
    toy.Framework().agent(lambda: toy.Model().ask("a"))
    for span in telemetry.spans():
        assert costs(span.attributes) == {}


def test_no_cost_of_an_estimate(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Priced, "results", {})
    telemetry.instrument(cost=True, estimate_usage=True)
    toy.Model().ask("a")
    assert costs(telemetry.attributes()) == {}
