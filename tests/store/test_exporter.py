"""The same oddities through the real Collector: its exporter's documents fit the templates, and no record is lost."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from elasticsearch import ApiError, Elasticsearch
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from throughline import names

RECORDS = "logs-genai.record.otel-default"
CONTENTS = "logs-genai.content.otel-default"
EVALUATIONS = "logs-genai.evaluation.otel-default"
START = 1_795_433_146_820_898_477

pytestmark = pytest.mark.stack


def wrap(value: Any) -> AnyValue:
    match value:
        case None:
            return AnyValue()
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[wrap(each) for each in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=pairs(value)))
        case _:
            return AnyValue(string_value=value)


def pairs(values: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=wrap(value)) for key, value in values.items()]


@pytest.fixture
def send(collector: str) -> Callable[..., str]:
    """Sends one log record; returns its id."""

    def export(event: str, **attributes: Any) -> str:
        identity = uuid.uuid4().hex
        named = {names.RECORD_ID: identity, **{key.replace("__", "."): value for key, value in attributes.items()}}
        record = LogRecord(time_unix_nano=START, event_name=event, trace_id=b"\1" * 16, attributes=pairs(named))
        logs = ResourceLogs(scope_logs=[ScopeLogs(log_records=[record])])
        with grpc.insecure_channel(collector.removeprefix("http://")) as channel:
            stub: Any = LogsServiceStub(channel)  # type: ignore[no-untyped-call] # generated without types
            stub.Export(ExportLogsServiceRequest(resource_logs=[logs]), timeout=10)
        return identity

    return export


def arrived(client: Elasticsearch, stream: str, identity: str, seconds: float = 60) -> dict[str, Any]:
    """The document of that id, waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            hits = client.search(index=stream, query={"ids": {"values": [identity]}})["hits"]["hits"]
        except ApiError:  # no such stream yet, or its first index is just being made
            hits = []
        if hits:
            return dict(hits[0]["_source"])
        time.sleep(0.1)
    pytest.fail(f"{identity} did not arrive in {stream}")


ODD = {
    "arguments": {"": 1, "a..b": [[], {}, None], "nested": {"deep": [{"deeper": [1.5, True, "x"]}]}},
    "text": '{"city": "Paris"}',
    "numbers": [1, 2.5, -(2**63), math.pi],
    "huge": "ü" * 100_000,
    "empty": {},
    "control": "\u0000\u0007\u2028\U0001f600",
}


@pytest.mark.parametrize("name", ODD)
def test_a_record_arrives_under_its_id_as_it_was(client: Elasticsearch, send: Callable[..., str], name: str) -> None:
    messages = [{"role": "assistant", "parts": [{"type": "tool_call", "arguments": ODD[name]}]}]
    identity = send(names.CLIENT_INFERENCE_OPERATION_DETAILS, gen_ai__input__messages=messages)
    content = arrived(client, CONTENTS, identity)["attributes"]
    assert content == {names.INPUT_MESSAGES: messages, names.RECORD_ID: identity}
    assert arrived(client, RECORDS, identity)["attributes"] == {names.RECORD_ID: identity}


def test_an_evaluation_arrives_in_its_own_stream(client: Elasticsearch, send: Callable[..., str]) -> None:
    identity = send(names.EVALUATION_RESULT, gen_ai__evaluation__name="relevance", gen_ai__evaluation__score__value=0.5)
    document = arrived(client, EVALUATIONS, identity)
    assert document["trace_id"] == "01" * 16
    query = {"range": {f"attributes.{names.EVALUATION_SCORE_VALUE}": {"gte": 0.5}}}
    found = client.search(index=EVALUATIONS, query={"bool": {"must": [query, {"ids": {"values": [identity]}}]}})
    assert found["hits"]["total"]["value"] == 1
