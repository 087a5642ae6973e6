"""The command as a user runs it, and an Elasticsearch that holds the known documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli import documents
from commanding import Ended
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from throughline.cli.application import application
from typer.testing import CliRunner

NOWHERE = "http://127.0.0.1:1"


Run = Callable[..., Ended]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command outside any repository; keywords are variables, and parts that are not named are nowhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("TZ", "UTC")

    def command(*arguments: str, **variables: str) -> Ended:
        environment = {"ELASTICSEARCH_URL": NOWHERE, "JAEGER_URL": NOWHERE, **variables}
        ended = CliRunner().invoke(application, arguments, env=environment)
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return command


@pytest.fixture(scope="session")
def stored(elasticsearch: str) -> Iterator[str]:
    """URL of an Elasticsearch that has the known documents."""
    with Elasticsearch(elasticsearch) as client:
        actions = [
            {"_op_type": "create", "_index": stream, "_id": identity, "_source": document}
            for stream, identity, document in documents.all_documents()
        ]
        bulk(client, actions, refresh=True)
        yield elasticsearch
        for stream in {action["_index"] for action in actions}:
            client.delete_by_query(index=stream, query={"match_all": {}}, refresh=True)
