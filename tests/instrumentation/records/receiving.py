"""A small OTLP receiver in the test's own process, over gRPC, that keeps, refuses or loses its answer as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as messages
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as services
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs
from throughline import names

Verdict = grpc.StatusCode | None


class Receiver(services.LogsServiceServicer):
    """What came, in order. `judge` refuses a request before it is kept, `lose` the answer to one that was."""

    def __init__(self) -> None:
        self.requests: list[list[LogRecord]] = []
        self.resources: list[ResourceLogs] = []
        self.judge: Callable[[list[LogRecord]], Verdict] = lambda _: None
        self.lose: Callable[[list[LogRecord]], Verdict] = lambda _: None
        self.refused = 0

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - as the service calls it
        records = contained(request)
        if (verdict := self.judge(records)) is not None:
            self.refused += 1
            context.abort(verdict, "not this")
        self.keep(request)
        if (verdict := self.lose(records)) is not None:
            context.abort(verdict, "kept, but who knows")
        return messages.ExportLogsServiceResponse()

    def keep(self, request: Any) -> None:
        self.requests.append(contained(request))
        self.resources += request.resource_logs

    @property
    def records(self) -> list[LogRecord]:
        return [record for request in self.requests for record in request]

    def sequences(self, chain: str, event: str | None = None) -> list[int]:
        """Of what came from a chain, as often as it came."""
        found = [plain(record) for record in self.records if event is None or record.event_name == event]
        return [record[names.CHAIN_SEQUENCE] for record in found if record[names.CHAIN_ID] == chain]

    def arrived(self, chain: str, event: str | None = None) -> list[int]:
        """The same, each once: what a busy machine answers too late comes again."""
        return list(dict.fromkeys(self.sequences(chain, event)))


def contained(request: Any) -> list[LogRecord]:
    return [record for of in request.resource_logs for scope in of.scope_logs for record in scope.log_records]


@contextmanager
def serving(receiver: Receiver, port: int = 0) -> Iterator[int]:
    """Serve it on this port of 127.0.0.1, or on a free one."""
    pool = ThreadPoolExecutor(4)
    server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
    services.add_LogsServiceServicer_to_server(receiver, server)
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield bound
    finally:
        server.stop(None).wait()
        pool.shutdown()


def plain(record: LogRecord) -> dict[str, Any]:
    """Its attributes as Python has them."""
    return {attribute.key: value(attribute.value) for attribute in record.attributes}


def value(given: AnyValue) -> Any:
    kind = given.WhichOneof("value")
    if kind == "array_value":
        return [value(item) for item in given.array_value.values]
    if kind == "kvlist_value":
        return {item.key: value(item.value) for item in given.kvlist_value.values}
    return getattr(given, kind) if kind else None


def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for it; give up without a word, for the test to fail on what is missing."""
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.005)
