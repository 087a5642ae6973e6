"""Each variable offers the values that the records hold, asked as Grafana asks for them."""

from __future__ import annotations

import json

import pytest
from dashboards.conftest import BOARDS, MOMENT, Ask

pytestmark = pytest.mark.stack

OFFERED = {
    "environment": ["production", "staging"],
    "service": ["llm-caller", "prompt-builder"],
    "operation": ["chat", "retrieval"],
    "provider": ["openai", "anthropic", "elasticsearch"],
    "model": ["sim-small", "sim-large"],
    "prompt": ["help-desk"],
    "variant": ["concise", "stepwise"],
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
def test_variable_offers_what_there_is(board: str, name: str, post: Ask) -> None:
    variable = QUERIED[board, name]
    answer = post(MOMENT.terms(json.loads(variable["query"])), variable["datasource"]["uid"])
    offered = [bucket["key"] for bucket in answer["aggregations"]["1"]["buckets"]]
    assert offered == OFFERED[name]
