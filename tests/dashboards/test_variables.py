"""Each variable offers the values that the records hold, asked as Grafana asks for them."""

from __future__ import annotations

import pytest
from dashboards.conftest import BOARDS, Ask, defaults

pytestmark = pytest.mark.stack

OFFERED = {
    "chain": ["chain-a"],
    "fingerprint": ["aa" * 32, "bb" * 32, "cc" * 32],
    "environment": ["production", "staging"],
    "service": ["llm-caller", "prompt-builder"],
    "operation": ["chat", "retrieval"],
    "provider": ["openai", "anthropic", "elasticsearch"],
    "model": ["sim-small", "sim-large"],
    "prompt": ["help-desk"],
    "variant": ["concise", "stepwise"],
    "conversation": ["talk 0", "talk 1"],
    "compared_prompt": ["help-desk", "summary"],
    "compared_metric": ["latency", "score:groundedness"],
    "compared_variant": ["stepwise"],
    "score": ["groundedness", "rating", "helpfulness"],
    "user": [f"user {number}" for number in range(5)],
}


QUERIED = {
    (name, variable["name"]): variable
    for name, board in BOARDS.items()
    for variable in board["templating"]["list"]
    if variable["type"] == "query"
}


def test_every_variable_is_known() -> None:
    assert {variable for _, variable in QUERIED} == set(OFFERED)


@pytest.mark.parametrize(("board", "name"), sorted(QUERIED))
def test_variable_offers_what_there_is(board: str, name: str, offered: Ask, filled: Ask) -> None:
    values = filled(BOARDS[board], trace_id=f"{7:032x}")
    assert offered(QUERIED[board, name], values) == OFFERED[name]


def test_what_may_be_compared_is_of_the_prompt_that_is_chosen(offered: Ask, filled: Ask) -> None:
    values = filled(BOARDS["prompts"], compared_prompt="summary")
    assert offered(QUERIED["prompts", "compared_metric"], values) == ["latency"]
    assert offered(QUERIED["prompts", "compared_variant"], values) == ["short"]
    assert values["compared_metric"] == "latency"
    assert values["compared_variant"] == "short"


def test_the_chains_of_no_trace_are_none(offered: Ask) -> None:
    assert offered(QUERIED["request", "chain"], defaults(BOARDS["request"])) == []
