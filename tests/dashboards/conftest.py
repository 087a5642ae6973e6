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
from preview.datasource import Everything, Moment, interpolate

FOLDER = Path(__file__).resolve().parents[2] / "grafana-dashboards"
MOMENT = Moment(known.START, known.END, known.MINUTE)
Plain = dict[str, Any]
Ask = Callable[..., Plain]


@pytest.fixture(scope="session")
def dashboard() -> Plain:
    """The committed JSON."""
    return dict(json.loads((FOLDER / "generated" / "requests.json").read_text()))


@pytest.fixture(scope="session")
def panels(dashboard: Plain) -> dict[str, Plain]:
    """Its panels by their titles."""
    return {panel["title"]: panel for panel in dashboard["panels"]}


@pytest.fixture(scope="session")
def sources() -> dict[str, Plain]:
    """The provisioned data sources by their ids."""
    provisioned = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "throughline.yaml").read_text())
    return {source["uid"]: source for source in provisioned["datasources"]}


@pytest.fixture(scope="module")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    """Knows the known records for as long as these tests run."""
    with Elasticsearch(elasticsearch) as client:
        actions = [{"_op_type": "create", "_index": known.STREAM, **record} for record in known.records()]
        bulk(client, actions, refresh=True)
        yield client
        client.delete_by_query(index=known.STREAM, query={"match_all": {}}, refresh=True)


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


@pytest.fixture(scope="session")
def defaults(dashboard: Plain) -> dict[str, str | list[str]]:
    """The variables' values when the dashboard is opened."""
    values: dict[str, str | list[str]] = {}
    for variable in dashboard["templating"]["list"]:
        value = variable["current"]["value"]
        values[variable["name"]] = Everything(variable["allValue"]) if value == ["$__all"] else value
    return values


@pytest.fixture(scope="module")
def ask(post: Ask, defaults: dict[str, str | list[str]]) -> Ask:
    """Put a panel's query with the default choices, but for those given."""

    def answer(target: Plain, **chosen: str | list[str]) -> Plain:
        query = interpolate(target["query"], {**defaults, **chosen})
        return post(MOMENT.search({**target, "query": query}), target["datasource"]["uid"])

    return answer
