"""Records and what was said in them, found together though they are stored apart."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch
from store.writing import Document, Write
from throughline import names
from throughline.store import queries
from throughline.store.queries import Search

TRACE = "5a" * 16


@pytest.fixture
def words(client: Elasticsearch, write: Write, namespace: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Nine records of ada and bob by turns, each with the same words as its content, the oldest first."""
    monkeypatch.setattr(queries, "PAGE", 2)
    monkeypatch.setattr(queries, "MOST_CONTENTS", 2)
    for number in range(9):
        identity, at = f"{namespace}{number}", f"{1_795_000_000_000 + number}.{number}"
        known: Document = {names.USER_ID: "bob" if number % 2 else "ada", names.RECORD_ID: identity}
        said: Document = {names.INPUT_MESSAGES: [{"parts": [{"content": f"we met {namespace} there"}]}]}
        create(client, f"logs-genai.record.otel-{namespace}", identity, at, known)
        create(client, f"logs-genai.content.otel-{namespace}", identity, at, {names.RECORD_ID: identity, **said})
    client.indices.refresh(index=f"logs-genai.*.otel-{namespace}")
    return namespace


def create(client: Elasticsearch, stream: str, identity: str, at: str, attributes: Document) -> None:
    document = {"@timestamp": at, "trace_id": TRACE, "attributes": attributes}
    client.create(index=stream, id=identity, document=document)


def numbers(found: list[dict[str, Any]]) -> list[int]:
    return [int(record["_id"][-1]) for record in found]


@pytest.mark.parametrize(
    ("search", "limit", "expected"),
    [
        (Search(), 100, [8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (Search(), 3, [8, 7, 6]),
        (Search(user="ada"), 2, [8, 6]),
        (Search(user="bob"), 100, [7, 5, 3, 1]),
        (Search(user="nobody"), 100, []),
        (Search(until="2026-11-18T11:06:40.0025Z"), 100, [2, 1, 0]),
        (Search(trace="0" * 32), 100, []),
    ],
)
def test_text_is_looked_for_in_content_and_all_else_on_the_record(
    client: Elasticsearch, words: str, search: Search, limit: int, expected: list[int]
) -> None:
    """However many contents have the words, and however few of their records are wanted."""
    wanted = Search(**{**{name: getattr(search, name) for name in Search.__slots__}, "text": f"met {words}"})
    assert numbers(queries.find(client, queries.RECORDS, wanted, limit)) == expected


def test_text_that_stands_on_the_record_itself_is_found_too(client: Elasticsearch, words: str) -> None:
    stream, described = f"logs-genai.record.otel-{words}", {names.TOOL_DESCRIPTION: f"met {words}"}
    create(client, stream, f"{words}9", "1795000000009.0", described)
    client.indices.refresh(index=stream)
    assert numbers(queries.find(client, stream, Search(text=f"met {words}"), 3)) == [9, 8, 7]


def test_contents_join_their_records_and_a_record_without_stays_as_it_is(client: Elasticsearch, words: str) -> None:
    stream = f"logs-genai.record.otel-{words}"
    create(client, stream, f"{words}9", "1795000000009.0", {names.USER_ID: "ada"})
    client.indices.refresh(index=stream)
    records = queries.find(client, stream, Search(), 5)
    said = queries.contents(client, records=[record["_id"] for record in records])
    assert said.keys() == {f"{words}{number}" for number in (5, 6, 7, 8)}
    silent, *others = queries.with_contents(records, said)
    assert silent == records[0]
    assert all(names.INPUT_MESSAGES in each["attributes"] and names.USER_ID in each["attributes"] for each in others)
    assert not any(names.INPUT_MESSAGES in each["attributes"] for each in records)


def test_nothing_asked_for_is_nothing_said(client: Elasticsearch) -> None:
    assert queries.contents(client, records=[]) == {}
    assert queries.contents(client, trace="0" * 32) == {}
