"""What is reported of each data stream, against what was written there."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch
from store.writing import Write
from throughline import names
from throughline.store import Retention
from throughline.store.reports import Report
from throughline.store.storage import storage


def reported(client: Elasticsearch, stream: str, retention: Retention | None = None) -> Report:
    (found,) = (
        each
        for each in storage(client, retention or Retention())
        if each.attributes["throughline.storage.stream"] == stream
    )
    assert (found.event, found.service) == ("throughline.storage", None)
    return found


def test_a_stream_of_several_indices_is_told_as_one(client: Elasticsearch, write: Write, namespace: str) -> None:
    stream = f"traces-generic.otel-{namespace}"
    write(stream, {f"{number}": {"text": f"{number}" * 1_000} for number in range(7)})
    client.indices.rollover(alias=stream)
    early = {"@timestamp": "1795433146980.000001", "attributes": {}}
    client.index(index=stream, document=early, op_type="create", refresh=True)
    client.indices.flush(index=stream)
    sizes = client.indices.stats(index=stream, metric="store")["indices"]
    assert len(sizes) == 2
    assert reported(client, stream).attributes == {
        "throughline.storage.stream": stream,
        "throughline.storage.bytes": sum(each["total"]["store"]["size_in_bytes"] for each in sizes.values()),
        "throughline.storage.documents": 8,
        "throughline.storage.oldest_unix_nano": 1_795_433_146_980_000_001,
        "throughline.storage.retention_days": 14,
    }


@pytest.mark.parametrize(("dataset", "days"), [("logs-generic", 1), ("logs-genai.record", 2), ("logs-genai.report", 3)])
def test_the_retention_is_that_of_the_streams_kind(
    client: Elasticsearch, write: Write, namespace: str, dataset: str, days: int
) -> None:
    stream = f"{dataset}.otel-{namespace}"
    write(stream, {"one": {}})
    found = reported(client, stream, Retention(logs=1, records=2, reports=3))
    assert found.attributes[names.STORAGE_RETENTION_DAYS] == days


def test_an_empty_stream_has_no_oldest(client: Elasticsearch, write: Write, records: str) -> None:
    write(records, {"one": {}})
    client.delete_by_query(index=records, query={"match_all": {}}, refresh=True)
    found = reported(client, records).attributes
    assert (found[names.STORAGE_DOCUMENTS], found[names.STORAGE_OLDEST_UNIX_NANO]) == (0, None)
