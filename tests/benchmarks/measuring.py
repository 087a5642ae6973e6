"""The measurement of one tracer in its own environment: run as a script there, prints one JSON line for each row."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import statistics
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from time import thread_time_ns
from typing import Any

from floors import LEVELS, ByHand
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from patches import Patches
from subjects import Subject, Workload, exhaust, exhaust_async
from tracers import TRACERS

Batch = Callable[[int], Any]


class NullSpans(SpanExporter):
    """Counts and forgets."""

    count = 0

    def export(self, spans: Any) -> SpanExportResult:
        self.count += len(spans)
        return SpanExportResult.SUCCESS


class NullRecords(LogRecordExporter):
    """Counts and forgets."""

    count = 0

    def export(self, batch: Any) -> Any:
        self.count += len(batch)
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 0) -> bool:
        del timeout_millis
        return True


def providers(exporter: SpanExporter) -> tuple[TracerProvider, MeterProvider]:
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(exporter))
    return tracers, MeterProvider([InMemoryMetricReader()])


class Bench:
    """The providers of this process, the tracer, and how rows are measured."""

    def __init__(self, switch_on: Callable[[bool], None], subject: Subject, *, content: bool, records: bool) -> None:
        self.spans, self.records = NullSpans(), NullRecords()
        self._tracer_provider, self._meter_provider = providers(self.spans)
        self._by_hand = providers(NullSpans())  # of its own, so that no tracer's span processor slows the floors
        trace.set_tracer_provider(self._tracer_provider)
        metrics.set_meter_provider(self._meter_provider)
        self._logger_provider = LoggerProvider() if records else None
        if self._logger_provider:
            self._logger_provider.add_log_record_processor(BatchLogRecordProcessor(self.records))
            _logs.set_logger_provider(self._logger_provider)
        self.loop = asyncio.new_event_loop()
        self._plain = {mode: subject.make_client(asynchronous=mode) for mode in subject.modes}
        for workload in subject.workloads:  # what the client imports late must be there before patches are looked for
            for mode in subject.modes:
                self._batch(workload, self._plain[mode], asynchronous=mode)(1)
        self._patches = Patches(subject.modules)
        switch_on(content)
        self._patches.switched_on()
        self._traced = {mode: subject.make_client(asynchronous=mode) for mode in subject.modes}
        self._patches.off()

    def row(self, workload: Workload, *, asynchronous: bool, rounds: int) -> dict[str, Any]:
        """Medians over rounds of the CPU time added per call, in microseconds."""
        batches = self._variants(workload, asynchronous=asynchronous)
        emitted = self._emitted(batches["tracer"])
        gc.collect()
        gc.freeze()  # what start-up allocated is no part of a call's cost; the collector itself stays on
        times: dict[str, list[float]] = {name: [] for name in batches}
        for _ in range(rounds):
            for name in random.sample(list(batches), len(batches)):
                with self._patches.applied() if name == "tracer" else nullcontext():
                    times[name].append(_timed(batches[name], workload.calls))
        gc.unfreeze()
        base = statistics.median(times["base"])
        added = {
            name: [own - plain for own, plain in zip(values, times["base"], strict=True)]
            for name, values in times.items()
            if name != "base"
        }
        return {
            "row": workload.name,
            "async": asynchronous,
            "base": base,
            **{name: statistics.median(values) for name, values in added.items()},
            "quartiles": {name: statistics.quantiles(values, n=4)[::2] for name, values in added.items()},
            **emitted,
        }

    def _emitted(self, batch: Batch) -> dict[str, float]:
        """Spans and records a call, so that nobody looks quick by doing nothing."""
        self._flush()
        spans, records = self.spans.count, self.records.count
        with self._patches.applied():
            batch(5)
        self._flush()
        return {"spans": (self.spans.count - spans) / 5, "records": (self.records.count - records) / 5}

    def _flush(self) -> None:
        gc.collect()
        self._tracer_provider.force_flush()
        if self._logger_provider:
            self._logger_provider.force_flush()

    def _variants(self, workload: Workload, *, asynchronous: bool) -> dict[str, Batch]:
        tracers, meters = self._by_hand
        by_hand = ByHand(workload, tracers.get_tracer("by hand"), meters.get_meter("by hand"))
        plain = self._plain[asynchronous]
        variants = {"base": self._batch(workload, plain, asynchronous=asynchronous)}
        for level in LEVELS if workload.streamed else LEVELS[:2]:
            if asynchronous:
                variants[level] = self._awaited(by_hand.async_call(level, plain))
            else:
                variants[level] = _repeated(by_hand.sync_call(level, plain))
        variants["tracer"] = self._batch(workload, self._traced[asynchronous], asynchronous=asynchronous)
        return variants

    def _batch(self, workload: Workload, client: Any, *, asynchronous: bool) -> Batch:
        call, streamed = workload.way(asynchronous=asynchronous), workload.streamed

        def once() -> None:
            result = call(client)
            if streamed:
                exhaust(result)

        async def once_async() -> None:
            result = await call(client)
            if streamed:
                await exhaust_async(result)

        return self._awaited(once_async) if asynchronous else _repeated(once)

    def _awaited(self, call: Callable[[], Awaitable[None]]) -> Batch:
        async def batch(times: int) -> None:
            for _ in range(times):
                await call()

        return lambda times: self.loop.run_until_complete(batch(times))


def _repeated(call: Callable[[], None]) -> Batch:
    def batch(times: int) -> None:
        for _ in range(times):
            call()

    return batch


def _timed(batch: Batch, calls: int) -> float:
    """Microseconds of this thread's CPU time a call, after one that warms up."""
    batch(1)
    began = thread_time_ns()
    batch(calls)
    return (thread_time_ns() - began) / calls / 1000


def _chosen(tracer: str, client: str | None) -> tuple[Subject, Callable[[bool], None]]:
    """What is measured under whom; each is imported only where it is installed."""
    if client is None:
        from workloads import subject

        return subject(), TRACERS[tracer]
    from clients import rival_of, subject_of

    return subject_of(client), rival_of(client) if tracer == "rival" else TRACERS[tracer]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tracer", choices=[*TRACERS, "rival"])
    parser.add_argument("--client", help="one of the tests' clients; by default openai's, which all tracers know")
    parser.add_argument("--content", action="store_true")
    parser.add_argument("--records", action="store_true")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--row", action="append", help="part of a row's name; may be given again")
    options = parser.parse_args()
    subject, switch_on = _chosen(options.tracer, options.client)
    bench = Bench(switch_on, subject, content=options.content, records=options.records)
    for workload in subject.workloads:
        if options.row and not any(part in workload.name for part in options.row):
            continue
        for asynchronous in subject.modes:
            found = bench.row(workload, asynchronous=asynchronous, rounds=options.rounds)
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
