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
def test_variable_offers_what_there_is(board: str, name: str, offered: Ask) -> None:
    seventh = {**defaults(BOARDS[board]), "trace_id": f"{7:032x}"}
    assert offered(QUERIED[board, name], seventh) == OFFERED[name]


def test_the_chains_of_no_trace_are_none(offered: Ask) -> None:
    assert offered(QUERIED["request", "chain"], defaults(BOARDS["request"])) == []
