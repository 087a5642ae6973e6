"""Records as the SDK's log records, and the OTLP exporter that the environment asks for. Keeps and repeats nothing."""

from __future__ import annotations

import importlib
import json
import logging
import os
import re
from _thread import get_ident
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

from throughline import names
from throughline.records.statements import attributes_of
from throughline.version import __version__

_SDK = importlib.import_module("opentelemetry.sdk._logs")
"""Imported now: at the exit, where the first record may be sent, it cannot be."""
_PROTOCOLS = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_SCOPE = InstrumentationScope("throughline", __version__)
_LOGGERS = (
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.proto.common._internal",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
)
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63 - 1


def log_record(payload: Mapping[str, Any], resource: Resource) -> Any:
    """What the SDK would hand to its exporter for such a record."""
    trace, span = payload.get("trace"), payload.get("span")
    flags = TraceFlags(payload.get("flags", 1 if trace else 0))
    context = SpanContext(int(trace or "0", 16), int(span or "0", 16), is_remote=False, trace_flags=flags)
    record = LogRecord(
        timestamp=payload["time"],
        observed_timestamp=payload["time"],  # the same each time it is sent
        context=set_span_in_context(NonRecordingSpan(context)),
        severity_number=SeverityNumber(payload.get("severity", SeverityNumber.INFO.value)),
        event_name=payload["event"],
        attributes=payload["attributes"],
    )
    return _readable()(record, resource, _SCOPE)


def decoded(payload: bytes) -> dict[str, Any]:
    """A record as it was appended, without what protobuf cannot say. Raises ValueError for what is none."""
    record: dict[str, Any] = json.loads(payload, parse_int=_integer)
    if b"\\ud" in payload or b"\\uD" in payload:  # perhaps half a character
        record["attributes"] = _whole(record["attributes"])
    return record


def statement_record(statement: Mapping[str, Any], resource: Resource) -> Any:
    """A checkpoint's statement as a log record, of the audit stream."""
    payload = {"event": names.CHAIN_CHECKPOINT, "time": int(statement["time"]), "attributes": attributes_of(statement)}
    return log_record(payload, resource)


class Process(Resource):
    """What describes a process. Exporters ask each record's for its hash, which a resource's own takes long to make."""

    _hash: int | None = None

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = super().__hash__()
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


class NoExporterError(RuntimeError):
    """Nothing is installed that could send what the environment asks for."""


class Exporter:
    """Sends on one thread; what the exporter logs there goes no further, for it would say it at each attempt."""

    def __init__(self) -> None:
        self._exporter = _named(_name())()
        self._quiet = _Quiet(get_ident())
        for name in _LOGGERS:
            logging.getLogger(name).filters.insert(0, self._quiet)  # before those that drop what they saw before

    def send(self, records: Sequence[Any]) -> bool:
        """Whether the Collector took them."""
        self._quiet.has_retried = False
        return str(self._exporter.export(records).name) == "SUCCESS"

    @property
    def was_transient(self) -> bool:
        """Whether the exporter itself thought that trying again would help."""
        return self._quiet.has_retried

    def close(self) -> None:
        """End what is on its way."""
        self._exporter.shutdown()

    def speak_again(self) -> None:
        """The thread is over, and another may have its number."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._quiet)


class _Quiet(logging.Filter):
    def __init__(self, thread: int) -> None:
        super().__init__()
        self._thread = thread
        self.has_retried = False

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread:
            return True
        self.has_retried |= record.levelno == logging.WARNING
        return False


def _name() -> str:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if not protocol:
        asked = os.environ.get("OTEL_LOGS_EXPORTER", "").split(",")
        return next((name.strip() for name in asked if name.strip() in _PROTOCOLS.values()), _PROTOCOLS["grpc"])
    if (name := _PROTOCOLS.get(protocol.strip())) is None:
        raise NoExporterError("OTEL_EXPORTER_OTLP_PROTOCOL may be grpc or http/protobuf")
    return name


def _named(name: str) -> Any:
    for found in entry_points(group="opentelemetry_logs_exporter", name=name):
        return found.load()
    raise NoExporterError(f"the exporter {name} is not installed: pip install 'throughline[otlp]'")


@cache
def _readable() -> Any:
    """Record, resource and scope as exporters take them."""
    return getattr(_SDK, "ReadableLogRecord", _as_sdk_1_38_had_it)


def _as_sdk_1_38_had_it(record: LogRecord, resource: Resource, scope: InstrumentationScope) -> Any:
    sdk: Any = _SDK
    known = ("timestamp", "observed_timestamp", "context", "severity_number", "event_name")
    log = sdk.LogRecord(**{name: getattr(record, name) for name in known}, resource=resource)
    log.attributes = record.attributes  # set later, so that nothing is cut or left out
    return sdk.LogData(log, scope)


def _integer(digits: str) -> int | str:
    """More than protobuf's 64 bits stay text."""
    if len(digits) < 19:
        return int(digits)
    return int(digits) if len(digits) <= 20 and -_LARGEST <= int(digits) <= _LARGEST else digits


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALF_A_CHARACTER.sub("\ufffd", value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return value
