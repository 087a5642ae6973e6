"""The generated dashboard, and a real Elasticsearch that holds the known records and answers as Grafana asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards import known
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from preview.datasource import Everything, Moment, interpolate, prepared

Plain = dict[str, Any]
Ask = Callable[..., Plain]
FOLDER = Path(__file__).resolve().parents[2] / "grafana-dashboards"
BOARDS: dict[str, Plain] = {
    file.stem: json.loads(file.read_text()) for file in sorted((FOLDER / "generated").glob("*.json"))
}
MOMENT = Moment(known.START, known.END, known.MINUTE)
NEVER = Moment(known.END + 1, known.END + 60 * known.MINUTE, known.MINUTE)
"""A time of which nothing is known."""


@pytest.fixture(scope="session")
def boards() -> dict[str, Plain]:
    """The committed JSON of every board, by its name."""
    return BOARDS


@pytest.fixture(params=sorted(BOARDS))
def board(request: pytest.FixtureRequest) -> Plain:
    """One of them after the other."""
    return BOARDS[request.param]


@pytest.fixture(scope="session")
def sources() -> dict[str, Plain]:
    """The provisioned data sources by their ids."""
    provisioned = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "throughline.yaml").read_text())
    return {source["uid"]: source for source in provisioned["datasources"]}


@pytest.fixture(scope="module")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    """Knows the known documents for as long as these tests run."""
    with Elasticsearch(elasticsearch) as client:
        streams = dict(known.streams())
        actions = [{"_op_type": "create", "_index": name, **one} for name, found in streams.items() for one in found]
        bulk(client, actions, refresh=True)
        yield client
        client.delete_by_query(index=list(streams), query={"match_all": {}}, refresh=True)


@pytest.fixture(scope="module")
def post(client: Elasticsearch, sources: dict[str, Plain]) -> Ask:
    """Send a search as Grafana does, by _msearch to the data source's index; fails where Grafana shows an error."""

    def send(body: Plain, source: str = "throughline-records") -> Plain:
        index = sources[source]["jsonData"]["index"]
        header = {"search_type": "query_then_fetch", "ignore_unavailable": True, "index": index}
        answer = client.msearch(searches=[header, body], max_concurrent_shard_requests=5)
        (found,) = answer["responses"]
        assert "error" not in found, found
        return dict(found)

    return send


def defaults(board: Plain) -> dict[str, str | list[str]]:
    """The variables' values when the board is opened; those that are all that there is are not in it."""
    values: dict[str, str | list[str]] = {"__from": str(known.START), "__to": str(known.END)}
    for variable in board["templating"]["list"]:
        value = variable["current"]["value"]
        if value != ["$__all"]:
            values[variable["name"]] = value
        elif "allValue" in variable:
            values[variable["name"]] = Everything(variable["allValue"])
    return values


@pytest.fixture(scope="module")
def offered(post: Ask) -> Ask:
    """What a variable offers, given other variables' values."""

    def answer(variable: Plain, values: dict[str, str | list[str]], moment: Moment = MOMENT) -> list[str]:
        question = json.loads(variable["query"])
        question["query"] = interpolate(question["query"], values)
        found = post(moment.terms(question), variable["datasource"]["uid"])
        return [bucket["key"] for bucket in found.get("aggregations", {"1": {"buckets": ()}})["1"]["buckets"]]

    return answer


@pytest.fixture(scope="module")
def filled(offered: Ask) -> Ask:
    """All variables' values when a board is opened with those given."""

    def answer(board: Plain, moment: Moment = MOMENT, **chosen: str | list[str]) -> dict[str, str | list[str]]:
        values = {**defaults(board), **chosen}
        for variable in board["templating"]["list"]:
            name = variable["name"]
            if name not in values:  # without a text of its own for All, Grafana puts in all that it offers
                values[name] = offered(variable, values, moment)
            elif variable["type"] == "query" and not variable.get("multi") and name not in chosen:
                there = offered(variable, values, moment)
                values[name] = values[name] if values[name] in there else next(iter(there), "")
        return values

    return answer


@pytest.fixture(scope="module")
def ask(post: Ask, filled: Ask) -> Ask:
    """Put a query of a board's panel with the board's default choices, but for those given."""

    def answer(board: Plain, target: Plain, *, moment: Moment = MOMENT, **chosen: str | list[str]) -> Plain:
        values = filled(board, moment, **chosen)
        return post(moment.search(prepared(target, values)), target["datasource"]["uid"])

    return answer
