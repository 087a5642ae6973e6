"""Waits until what was sent can be read; sends nothing."""

from __future__ import annotations

import time
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch


def arrived(client: Elasticsearch, stream: str, identity: str) -> dict[str, Any]:
    """The document of that id, waited for."""
    return all_arrived(client, stream, [identity])[identity]


def all_arrived(client: Elasticsearch, stream: str, identities: list[str], seconds: float = 60) -> dict[str, Any]:
    """The documents of these ids, waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            hits = client.search(index=stream, query={"ids": {"values": identities}}, size=1000)["hits"]["hits"]
        except ApiError:  # no such stream yet, or its first index is just being made
            hits = []
        if len(hits) == len(identities):
            return {hit["_id"]: dict(hit["_source"]) for hit in hits}
        time.sleep(0.1)
    pytest.fail(f"of {len(identities)} documents {len(hits)} arrived in {stream}")
