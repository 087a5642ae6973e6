"""A real Elasticsearch with planted requests, streams of each test's own, and the command as a user runs it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import commanding
import pytest
from comparison.planted import Document, Plant, Requests
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from throughline.cli.application import application
from typer.testing import CliRunner

Write = Callable[..., None]


class Ended(commanding.Ended):
    """How a comparison ended."""

    def found(self, metric: str, variant: str) -> dict[str, Any]:
        """What --json says of a variant and metric."""
        return next(each for each in self.lines if (each["metric"], each["variant"]) == (metric, variant))


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch, request_timeout=60) as client:
        yield client


@pytest.fixture
def write(client: Elasticsearch) -> Iterator[Write]:
    """Writes documents, and takes them away at the end."""
    streams = set[str]()

    def written(*documents: Document) -> None:
        streams.update(each["_index"] for each in documents)
        bulk(client, documents, refresh=True, chunk_size=2_000)

    yield written
    for stream in streams:
        client.delete_by_query(index=stream, query={"match_all": {}}, refresh=True)


@pytest.fixture
def namespace() -> str:
    return uuid.uuid4().hex


@pytest.fixture(scope="session")
def help_desk(client: Elasticsearch) -> Iterator[Requests]:
    """A prompt's traffic: `stepwise` is half as slow again as `concise`, better grounded, and fails as seldom."""
    plants = {"concise": Plant(), "stepwise": Plant(latency=1.5, grounded=0.7)}
    requests = Requests("planted-help-desk", plants, uuid.uuid4().hex, users=1500, experiment="planted-wording")
    bulk(client, requests.actions(), refresh=True, chunk_size=2_000)
    yield requests
    client.delete_by_query(index=f"logs-genai.*.otel-{requests.namespace}", query={"match_all": {}}, refresh=True)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, elasticsearch: str) -> Run:
    """Run the command on the session's Elasticsearch; keywords are variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "140")
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("THROUGHLINE_PROMPTS", raising=False)

    def command(*arguments: str, **variables: str) -> Ended:
        environment = {"ELASTICSEARCH_URL": elasticsearch, **variables}
        ended = CliRunner().invoke(application, ["compare", *arguments], env=environment)
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return command
