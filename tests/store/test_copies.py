"""A second delivery across a rollover: its copies go, the first ones stay, and whatever differs is left and told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from elasticsearch import Elasticsearch
from store.arriving import all_arrived
from store.sending import SendAll
from store.writing import Document, Write
from throughline import names
from throughline.store import copies
from throughline.store.copies import remove_copies
from throughline.store.retention import streams


def places(client: Elasticsearch, stream: str) -> dict[str, list[int]]:
    """Id → the places, among the stream's indices, of those in which it is."""
    client.indices.refresh(index=stream)
    order = [index for index, _ in streams(client, stream)[stream]]
    found: dict[str, list[int]] = {}
    for hit in client.search(index=stream, size=1000, source=False)["hits"]["hits"]:
        found.setdefault(hit["_id"], []).append(order.index(hit["_index"]))
    return {identity: sorted(where) for identity, where in found.items()}


@pytest.mark.stack
def test_delivered_again_after_a_rollover_it_is_there_once(
    client: Elasticsearch, send_all: SendAll, namespace: str
) -> None:
    """Through the real Collector: records and their contents, both streams rolled over in between."""
    said = {names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "once"}]}]}
    sent = {f"{namespace}{number}": {"data_stream.namespace": namespace, **said} for number in range(5)}
    both = [f"logs-genai.{kind}.otel-{namespace}" for kind in ("record", "content")]
    send_all(sent)
    for stream in both:
        all_arrived(client, stream, list(sent))
        client.indices.rollover(alias=stream)
    send_all({**sent, f"{namespace}new": {"data_stream.namespace": namespace, **said}})
    twice = [f"{namespace}new", *(identity for identity in sent for _ in range(2))]
    for stream in both:
        all_arrived(client, stream, twice)
        assert places(client, stream) == {f"{namespace}new": [1], **{key: [0, 1] for key in sent}}
    told = remove_copies(client, f"logs-genai.*.otel-{namespace}")
    assert sorted(told) == sorted(f"removed 5 copies from {stream}" for stream in both)
    for stream in both:
        assert places(client, stream) == {f"{namespace}new": [1], **{key: [0] for key in sent}}
    assert remove_copies(client, f"logs-genai.*.otel-{namespace}") == []


def test_what_differs_stays_and_is_told(client: Elasticsearch, records: str, write: Write) -> None:
    write(records, {"same": {names.USER_ID: "ada"}, "changed": {names.USER_ID: "ada"}})
    client.indices.rollover(alias=records)
    write(records, {"same": {names.USER_ID: "ada"}, "changed": {names.USER_ID: "bob"}})
    removed, told = remove_copies(client, records)
    assert removed == f"removed 1 copies from {records}"
    assert told.startswith("changed is in ")
    assert "ada" not in told
    assert "bob" not in told
    assert places(client, records) == {"same": [0], "changed": [0, 1]}


def test_only_when_it_was_delivered_may_differ(client: Elasticsearch, records: str) -> None:
    for observed in ("1795433146990.1", "1795433150000.2"):
        document = {"@timestamp": "1795433146990.0", "observed_timestamp": observed, "attributes": {"a": "b"}}
        client.create(index=records, id="one", document=document, refresh=True)
        client.indices.rollover(alias=records)
    assert remove_copies(client, records) == [f"removed 1 copies from {records}"]
    assert places(client, records) == {"one": [0]}


def test_the_first_of_several_stays(client: Elasticsearch, records: str, write: Write) -> None:
    for _ in range(3):
        write(records, {"one": {}, "two": {}})
        client.indices.rollover(alias=records)
    assert sorted(remove_copies(client, records)) == [f"removed 2 copies from {records}"] * 2
    assert places(client, records) == {"one": [0], "two": [0]}


def test_many_are_taken_in_pieces(
    client: Elasticsearch, records: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "AT_ONCE", 3)
    documents: dict[str, Document] = {str(number): {} for number in range(10)}
    for _ in range(2):
        write(records, documents)
        client.indices.rollover(alias=records)
    assert remove_copies(client, records) == [f"removed 10 copies from {records}"]
    assert places(client, records) == {key: [0] for key in documents}


def test_what_was_made_after_an_index_began_is_not_looked_up(client: Elasticsearch, records: str) -> None:
    """It cannot have been delivered before; so the search stays small however large the index."""
    ahead = f"{(datetime.now(UTC) + copies.SKEW + timedelta(hours=1)).timestamp() * 1000:.0f}.0"
    for _ in range(2):
        client.create(index=records, id="ahead", document={"@timestamp": ahead}, refresh=True)
        client.indices.rollover(alias=records)
    assert remove_copies(client, records) == []


def test_an_index_that_took_nothing_since_is_not_looked_at_again(
    client: Elasticsearch, records: str, write: Write
) -> None:
    for _ in range(2):
        write(records, {"one": {}})
        client.indices.rollover(alias=records)
    assert remove_copies(client, records, since=datetime.now(UTC) + timedelta(hours=1)) == []
    assert remove_copies(client, records, since=datetime.now(UTC) - timedelta(hours=1)) != []
