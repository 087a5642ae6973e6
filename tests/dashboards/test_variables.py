"""Each variable offers the values that the records hold, asked as Grafana asks for them."""

from __future__ import annotations

import json

import pytest
from dashboards.conftest import MOMENT, Ask, Plain

pytestmark = pytest.mark.stack

OFFERED = {
    "service": ["llm-caller", "prompt-builder"],
    "operation": ["chat", "retrieval"],
    "provider": ["openai", "elasticsearch"],
    "model": ["sim-small", "sim-large"],
    "prompt": ["help-desk"],
    "variant": ["concise", "stepwise"],
    "user": [f"user {number}" for number in range(5)],
}


def queried(dashboard: Plain) -> dict[str, Plain]:
    return {each["name"]: each for each in dashboard["templating"]["list"] if each["type"] == "query"}


def test_every_variable_is_known(dashboard: Plain) -> None:
    assert set(queried(dashboard)) == set(OFFERED)


@pytest.mark.parametrize("name", sorted(OFFERED))
def test_variable_offers_what_there_is(name: str, dashboard: Plain, post: Ask) -> None:
    variable = queried(dashboard)[name]
    answer = post(MOMENT.terms(json.loads(variable["query"])), variable["datasource"]["uid"])
    offered = [bucket["key"] for bucket in answer["aggregations"]["1"]["buckets"]]
    assert offered == OFFERED[name]
