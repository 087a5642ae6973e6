"""An old service that tells of its model calls by plain OTLP, and what goes wrong on their way to the store.

No masks, no chain, and so no evidence: what it sends lies in a namespace of its own. It repeats itself, it once tells a
number that is none, and the store refuses it for a moment, as one that is full or being moved does.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import httpx
from elasticsearch import Elasticsearch
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from throughline import names
from throughline.store import connect

SERVICE: Final = "fax-desk"
NAMESPACE: Final = "legacy"
ASKED: Final = "Please send the form to fax.desk@example.org."
_STREAM: Final = f"logs-genai.record.otel-{NAMESPACE}"
_RETRIED: Final = re.compile(r"^otelcol_elasticsearch_docs_retried\S* (\S+)$", re.MULTILINE)
_PATIENCE, _PAUSE = 20.0, 0.1


def run(addresses: Mapping[str, str]) -> None:
    """Send all of it. Raises grpc.RpcError where the Collector takes nothing, TimeoutError where nothing is stored."""
    first = _call()
    tell(addresses, first, _call(math.nan))
    with connect(addresses, operator=True) as store, httpx.Client(trust_env=False) as http:

        def retried() -> float:
            return sum(map(float, _RETRIED.findall(http.get(addresses["COLLECTOR_METRICS_URL"]).text)))

        _until(lambda: bool(store.indices.exists(index=_STREAM)))
        before = retried()
        with _refused(store):
            tell(addresses, first, _call())
            _until(lambda: retried() > before)


@contextmanager
def _refused(store: Elasticsearch) -> Iterator[None]:
    """Meanwhile the store takes nothing more into its stream."""
    store.indices.put_settings(index=_STREAM, settings={"index.blocks.write": True})
    try:
        yield
    finally:
        store.indices.put_settings(index=_STREAM, settings={"index.blocks.write": None})


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"what {SERVICE} sends does not reach the store")
        time.sleep(_PAUSE)


def _call(seconds: float = 0.8) -> LogRecord:
    now = time.time_ns()
    attributes = {
        names.RECORD_ID: os.urandom(16).hex(),
        names.OPERATION_NAME: "text_completion",
        names.PROVIDER_NAME: "openai",
        names.REQUEST_MODEL: "sim-small",
        names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}],
        names.DURATION: seconds,
    }
    return LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        event_name=names.CLIENT_INFERENCE_OPERATION_DETAILS,
        trace_id=os.urandom(16),
        span_id=os.urandom(8),
        attributes=_pairs(attributes),
    )


def tell(addresses: Mapping[str, str], *records: LogRecord) -> None:
    """Deliver records of this service. Raises grpc.RpcError where the Collector does not take them."""
    described = {
        names.SERVICE_NAME: SERVICE,
        names.DEPLOYMENT_ENVIRONMENT_NAME: addresses["DEPLOYMENT_ENVIRONMENT"],
        "data_stream.namespace": NAMESPACE,
    }
    logs = ResourceLogs(resource=Resource(attributes=_pairs(described)), scope_logs=[ScopeLogs(log_records=records)])
    with _channel(addresses) as channel:
        stub: Any = LogsServiceStub(channel)  # type: ignore[no-untyped-call] # generated without types
        stub.Export(ExportLogsServiceRequest(resource_logs=[logs]), timeout=30)


def _pairs(values: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in values.items()]


def _value(value: Any) -> AnyValue:
    match value:
        case float():
            return AnyValue(double_value=value)
        case list():
            return AnyValue(array_value=ArrayValue(values=[_value(each) for each in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=_pairs(value)))
    return AnyValue(string_value=str(value))


def _channel(addresses: Mapping[str, str]) -> grpc.Channel:
    target = addresses["OTEL_EXPORTER_OTLP_ENDPOINT"].partition("://")[2]
    certificate, key, authority = (
        addresses.get(f"OTEL_EXPORTER_OTLP_{what}", "") for what in ("CLIENT_CERTIFICATE", "CLIENT_KEY", "CERTIFICATE")
    )
    if not authority:
        return grpc.insecure_channel(target)
    files = (Path(file).read_bytes() for file in (authority, key, certificate))
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(*files))
