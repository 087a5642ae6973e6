"""A client of the session's Elasticsearch, and streams of each kind that no other test writes to."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

import pytest
from elasticsearch import Elasticsearch
from store.sending import Send, SendAll, export
from store.writing import Document, Write
from throughline import names


@pytest.fixture(scope="session")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as client:
        yield client


@pytest.fixture
def namespace() -> str:
    """The last part of this test's own data streams."""
    return uuid.uuid4().hex


@pytest.fixture
def records(namespace: str) -> str:
    return f"logs-genai.record.otel-{namespace}"


@pytest.fixture
def contents(namespace: str) -> str:
    return f"logs-genai.content.otel-{namespace}"


@pytest.fixture
def write(client: Elasticsearch) -> Write:
    """Bulk-creates documents as the exporter does, from id to attributes; returns id to reason of what is rejected."""

    def create(stream: str, documents: Mapping[str, Document]) -> dict[str, str]:
        operations: list[Document] = []
        for identity, attributes in documents.items():
            operations.append({"create": {"_id": identity}})
            operations.append({"@timestamp": "1795433146990.999040", "attributes": attributes})
        items = [each["create"] for each in client.bulk(index=stream, operations=operations, refresh=True)["items"]]
        return {item["_id"]: item["error"]["reason"] for item in items if "error" in item}

    return create


@pytest.fixture
def send_all(collector: str) -> SendAll:
    """Sends records, from id to attributes, in one request."""

    def send(records: dict[str, Document], event: str = names.CLIENT_INFERENCE_OPERATION_DETAILS) -> None:
        export(collector, records, event)

    return send


@pytest.fixture
def send(send_all: SendAll) -> Send:
    """Sends one log record; returns its id."""

    def one(event: str, **attributes: object) -> str:
        identity = uuid.uuid4().hex
        send_all({identity: {key.replace("__", "."): value for key, value in attributes.items()}}, event)
        return identity

    return one
