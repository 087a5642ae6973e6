"""Of a real stack's boards, exactly the panels are told that have nothing to show."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from dashboards import known
from elasticsearch import Elasticsearch
from preview.opening import boards, nothing_to_show

pytestmark = pytest.mark.stack
Plain = dict[str, Any]


@pytest.fixture
def addresses(client: Elasticsearch, elasticsearch: str, jaeger: str) -> dict[str, str]:
    """Of the stack that holds the known documents."""
    return {"ELASTICSEARCH_URL": elasticsearch, "JAEGER_URL": jaeger}


@pytest.fixture
def since() -> str:
    """So long that the known documents are seen."""
    return f"{int(time.time() - known.START / 1000) + 3600}s"


def test_of_known_documents_there_is_something_in_every_panel(addresses: dict[str, str], since: str) -> None:
    wanted = boards(["overview", "models", "rag", "prompts", "pipeline", "runbooks"])
    assert nothing_to_show(wanted, addresses, since) == []


def test_of_nobodys_requests_there_is_nothing_in_any(addresses: dict[str, str], since: str) -> None:
    wanted = boards(["models"])
    found = nothing_to_show(wanted, addresses, since, {"service": ["nobody"]})
    assert [title for _, title, _ in found] == [panel["title"] for panel in wanted["models"]["panels"]]
    assert {why for _, _, why in found} == {"no data: its queries match nothing"}


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside an old index"])
def test_a_query_that_fails_is_told_as_elasticsearch_tells_it(
    addresses: dict[str, str], since: str, client: Elasticsearch, request: pytest.FixtureRequest, beside: bool
) -> None:
    if beside:  # its shard has nothing of that time to look through, and so does not fail
        stream, old = "logs-genai.record.otel-old", {"@timestamp": "2001-01-01T00:00:00Z"}
        client.create(index=stream, id="old", document=old, refresh=True)
        everything = {"match_all": {}}
        request.addfinalizer(lambda: client.delete_by_query(index=stream, query=everything, refresh=True))
    (name, board), *_ = boards(["overview"]).items()
    panel = next(each for each in board["panels"] if each["title"] == "Calls")
    panel["targets"][0]["query"] = "service:("
    found = nothing_to_show({name: {**board, "panels": [panel]}}, addresses, since)
    assert [(each, title) for each, title, _ in found] == [("overview", "Calls")]
    assert "Failed to parse query" in found[0][2]


def first_panel(name: str) -> dict[str, Plain]:
    """The board with nothing but its first panel."""
    board = boards([name])[name]
    return {name: {**board, "panels": board["panels"][:1]}}


def test_a_secured_stack_is_asked_with_certificates_and_the_readers_key(secure_stack: Any, tmp_path: Path) -> None:
    addresses, key = secure_stack.addresses, tmp_path / "key"
    (found,) = nothing_to_show(first_panel("models"), addresses, "1m")
    assert found[2] == "no data: its queries match nothing"
    key.write_text("bm9ib2R5Om5vYm9keQ==")
    (found,) = nothing_to_show(first_panel("models"), {**addresses, "ELASTICSEARCH_API_KEY_FILE": str(key)}, "1m")
    assert "401" in found[2]
