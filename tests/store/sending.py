"""Records as the process sends them: by OTLP over gRPC to the real Collector; it waits for none to be stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from throughline import names

START = 1_795_433_146_820_898_477
Send = Callable[..., str]
SendAll = Callable[..., None]


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


def export(collector: str, records: dict[str, dict[str, Any]], event: str) -> None:
    """Send records, from id to attributes, in one request."""
    logs = [
        LogRecord(
            time_unix_nano=START,
            event_name=event,
            trace_id=b"\1" * 16,
            span_id=b"\2" * 8,
            attributes=pairs({names.RECORD_ID: identity, **attributes}),
        )
        for identity, attributes in records.items()
    ]
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=logs)])])
    with grpc.insecure_channel(collector.removeprefix("http://")) as channel:
        stub: Any = LogsServiceStub(channel)  # type: ignore[no-untyped-call] # generated without types
        stub.Export(request, timeout=30)
