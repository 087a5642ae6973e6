"""A record that really came through the Collector has the shape of the known ones, and the dashboard shows it."""

from __future__ import annotations

import time

import pytest
from dashboards import known
from dashboards.conftest import Ask, Plain, defaults
from elasticsearch import Elasticsearch
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from preview.datasource import Moment, documents, interpolate, shaped
from throughline import names
from throughline.store.queries import CONTENTS, RECORDS

pytestmark = pytest.mark.stack
TRACE, SPAN = 0xDA5B0A2D, 0xDA5B


def deliver(endpoint: str, attributes: Plain) -> None:
    """Send one record by OTLP, as the library does."""
    resource = Resource.create({names.SERVICE_NAME: "llm-caller"})
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(OTLPLogExporter(endpoint, insecure=True)))
    record = LogRecord(
        timestamp=time.time_ns(),
        trace_id=TRACE,
        span_id=SPAN,
        event_name=names.CLIENT_INFERENCE_OPERATION_DETAILS,
        attributes=attributes,
    )
    provider.get_logger("throughline").emit(record)
    provider.shutdown()


def stored(client: Elasticsearch, index: str, record: str) -> Plain:
    """The document, once it is there to be searched."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        client.indices.refresh(index=index)
        hits = client.search(index=index, query={"ids": {"values": [record]}})["hits"]["hits"]
        if hits:
            return dict(hits[0]["_source"])
        time.sleep(0.1)
    raise AssertionError("the record did not arrive")


def withdraw(elasticsearch: str, record: str) -> None:
    """Other tests count the records of the same stream."""
    with Elasticsearch(elasticsearch) as client:
        query = {"ids": {"values": [record]}}
        client.delete_by_query(index=f"{RECORDS},{CONTENTS}", query=query, refresh=True, conflicts="proceed")


def test_a_delivered_record_is_shown(
    request: pytest.FixtureRequest,
    collector: str,
    elasticsearch: str,
    post: Ask,
    boards: dict[str, Plain],
) -> None:
    model = known.chat(7)
    record = f"{TRACE:032x}{SPAN:016x}"
    question = {names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "a question"}]}]}
    deliver(collector, model["attributes"] | question | {names.RECORD_ID: record, names.USER_ID: "dashboards' own"})
    with Elasticsearch(elasticsearch) as client:
        source, said = stored(client, RECORDS, record), stored(client, CONTENTS, record)
        request.addfinalizer(lambda: withdraw(elasticsearch, record))

    placed = {name: model["attributes"][name] for name in (names.CHAIN_ID, names.CHAIN_SEQUENCE)}
    assert said["attributes"] == question | {names.RECORD_ID: record} | placed
    assert set(model) - {"_id"} <= set(source)
    assert {key: type(value) for key, value in source["attributes"].items()} == {
        key: type(value) for key, value in model["attributes"].items()
    }
    assert type(source["@timestamp"]) is type(model["@timestamp"])

    now = time.time_ns() // 1_000_000
    (panel,) = (panel for panel in boards["overview"]["panels"] if panel["title"] == "Requests")
    (target,) = panel["targets"]
    query = interpolate(target["query"], {**defaults(boards["overview"]), "user": ["dashboards' own"]})
    answer = post(Moment(now - 300_000, now, 10_000).search({**target, "query": query}))
    found = shaped(documents(answer), panel["transformations"])
    assert found["Record"] == [record]
    assert found["Trace"] == [f"{TRACE:032x}"]
    assert found["Took"] == [0.7]
    assert found["Service"] == ["llm-caller"]
