"""OpenTelemetry providers that keep everything in memory, for tests to look at."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any

import throughline
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from throughline import names


@dataclass
class Telemetry:
    """The providers of one test, and what reached them."""

    span_exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    log_exporter: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)
    metric_reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.span_exporter))
        self.logger_provider = LoggerProvider()
        self.logger_provider.add_log_record_processor(SimpleLogRecordProcessor(self.log_exporter))
        self.meter_provider = MeterProvider([self.metric_reader])

    def instrument(self, **settings: Any) -> None:
        """Switch on, without cost unless asked for: the price list changes, what a test compares should not."""
        throughline.instrument(
            settings=throughline.Settings(**{"cost": False, **settings}),
            tracer_provider=self.tracer_provider,
            meter_provider=self.meter_provider,
            logger_provider=self.logger_provider,
        )

    def spans(self) -> list[ReadableSpan]:
        return list(self.span_exporter.get_finished_spans())

    def span(self) -> ReadableSpan:
        """The only span; awaited, because what the garbage collector ends, it ends in a thread."""
        self.ended(1)
        (only,) = self.spans()
        return only

    def ended(self, count: int) -> None:
        """Wait until this many spans have ended; give up without a word, for the test to fail on what is missing."""
        deadline = time.monotonic() + 5
        while len(self.spans()) < count and time.monotonic() < deadline:
            os.sched_yield()

    def attributes(self) -> dict[str, Any]:
        return plain(self.span().attributes or {})

    def events(self, name: str) -> list[Any]:
        return [log.log_record for log in self.log_exporter.get_finished_logs() if log.log_record.event_name == name]

    def record(self) -> Any:
        (only,) = self.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)
        return only

    def points(self) -> dict[str, list[Any]]:
        """Metric name → its data points."""
        found = self.metric_reader.get_metrics_data()
        scopes = [scope for resource in (found.resource_metrics if found else ()) for scope in resource.scope_metrics]
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}

    def everything(self) -> str:
        """All that was exported, as text, to search for what must not be in it."""
        spans = "".join(span.to_json() for span in self.spans())
        logs = "".join(log.to_json() for log in self.log_exporter.get_finished_logs())
        return spans + logs + str(self.points())


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes with lists for tuples, so that they compare with what a test writes."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in attributes.items()}
