"""CPU that a record costs as evidence (chained, on disk), beside the same record by the SDK's logger. Asserts nothing.

`on the call` is the CPU of the calling thread; `in all` that of the whole process until the last record was delivered
by OTLP over HTTP to a server in another process, which takes all and answers at once.
"""

from __future__ import annotations

import base64
import gc
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time_ns, thread_time_ns, time_ns
from typing import Annotated

import throughline
import typer
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from rich.console import Console
from rich.table import Table
from throughline import names
from throughline.records import keys
from throughline.records.journal import Journal
from throughline.settings import ContentMode, Settings

sys.path.insert(0, str(Path(__file__).parents[1]))
from instrumentation.openai_client import wire

EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS
SERVER = """
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *_): pass
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
METADATA = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
    "gen_ai.request.temperature": 0.7, "gen_ai.request.max_tokens": 256, "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.id": "chatcmpl-AbCdEfGhIjKl", "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 432, "gen_ai.usage.output_tokens": 86, "gen_ai.conversation.id": "c-81",
    "openai.response.service_tier": "default", "server.address": "api.openai.com", "server.port": 443,
    "session.id": "s-17", "user.id": "ada", "throughline.cost.amount": 0.00194, "throughline.cost.input": 0.00108,
    "throughline.cost.output": 0.00086, "throughline.cost.currency": "USD", "throughline.cost.price_version": "2026-11",
    "throughline.duration": 0.8127, "throughline.end_reason": "completed", "throughline.record.id": "4b" * 24,
    "throughline.start_time_unix_nano": 1_795_433_146_990_999_040,
}  # fmt: skip
TEXT = "What does the contract say about the notice period, and where? "
CONTENT = {
    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": TEXT * 60}]}],
    "gen_ai.output.messages": [
        {"role": "assistant", "parts": [{"type": "text", "content": TEXT * 6}], "finish_reason": "stop"}
    ],
}
RECORDS = {"metadata, 25 attributes": METADATA, "and 4 KB of content": {**METADATA, **CONTENT}}


@dataclass(frozen=True)
class Way:
    """How a record is kept."""

    put: Callable[[dict[str, object]], object]
    flush: Callable[[], object]
    close: Callable[[], object]


def main(
    rounds: Annotated[int, typer.Option(min=5, help="Interleaved rounds; medians are over these.")] = 31,
    records: Annotated[int, typer.Option(min=100, help="Records in a round.")] = 1_000,
    calls: Annotated[int, typer.Option(help="Calls of OpenAI's client in a round.")] = 100,
) -> None:
    """Measure both ways side by side."""
    console = Console(stderr=True)
    with _server(), tempfile.TemporaryDirectory() as folder:
        settings = _settings(Path(folder))
        for title, attributes in RECORDS.items():
            ways = _ways(settings, Path(folder), title)
            console.print(f"{title}: {rounds} rounds of {records:,} records, {len(ways)} ways")
            Console().print(_table(title, _measured(ways, attributes, rounds, records)))
            for way in ways.values():
                way.close()
        Console().print(_call_table(settings, rounds, calls))


@contextmanager
def _server() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
        try:
            yield
        finally:
            process.terminate()


def _settings(folder: Path) -> Settings:
    (folder / "own.pem").write_bytes(keys.private_pem(keys.new_private_key(keys.Purpose.SIGNING)))
    (folder / "spool.key").write_bytes(base64.b64encode(os.urandom(32)))
    return Settings(spool=folder / "spool")


def _logs() -> LoggerProvider:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    provider = LoggerProvider()
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), max_queue_size=100_000))
    return provider


def _ways(settings: Settings, folder: Path, title: str) -> dict[str, Way]:
    place = folder / title.partition(",")[0]
    signed = replace(settings, signing_key_file=folder / "own.pem")
    return {
        "the SDK's logger": _by_logger(),
        "chain and spool": _by_journal(replace(settings, spool=place / "plain")),
        "… signed": _by_journal(replace(signed, spool=place / "signed")),
        "… signed, sealed on disk": _by_journal(
            replace(signed, spool=place / "sealed", spool_key_file=folder / "spool.key")
        ),
    }


def _by_logger() -> Way:
    provider = _logs()
    logger = provider.get_logger("throughline")

    def put(attributes: dict[str, object]) -> None:
        severity = SeverityNumber.INFO
        logger.emit(
            LogRecord(timestamp=time_ns(), severity_number=severity, event_name=EVENT, attributes=dict(attributes))  # type: ignore[arg-type]
        )

    return Way(put, provider.force_flush, provider.shutdown)


def _by_journal(settings: Settings) -> Way:
    journal = Journal.open(settings, {"service.name": "benchmark", "service.instance.id": "1"})

    def put(attributes: dict[str, object]) -> None:
        assert journal.append(EVENT, attributes, time=time_ns(), trace_id=2**127 + 1, span_id=2**63 + 1)

    return Way(put, lambda: journal.flush(60), journal.close)


def _measured(
    ways: dict[str, Way], attributes: dict[str, object], rounds: int, records: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Microseconds a record in each round: on the calling thread, and in all."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ways}
    for number in range(rounds + 1):
        for name in random.sample(list(ways), len(ways)):
            gc.collect()
            on_call, in_all = _one(ways[name], attributes, records)
            if number:  # the first one warms up
                found[name][0].append(on_call)
                found[name][1].append(in_all)
    return found


def _one(way: Way, attributes: dict[str, object], records: int) -> tuple[float, float]:
    everything, own = process_time_ns(), thread_time_ns()
    for _ in range(records):
        way.put(attributes)
    own = thread_time_ns() - own
    way.flush()
    return own / records / 1000, (process_time_ns() - everything) / records / 1000


def _table(title: str, measured: dict[str, tuple[list[float], list[float]]]) -> Table:
    table = Table("µs of CPU a record", "on the call", "in all", title=title, title_justify="left")
    for name, columns in measured.items():
        table.add_row(name, *(f"{statistics.median(values):.0f}" for values in columns))
    return table


def _call_table(settings: Settings, rounds: int, calls: int) -> Table:
    """What a whole call of OpenAI's client costs beyond the untraced one."""
    client = wire.client(wire.answering(lambda: wire.json_response(wire.chat_reply())))
    request = {"model": "gpt-4o", "messages": wire.MESSAGES}
    quiet = Settings(content=ContentMode.NO_CONTENT)
    ways: dict[str, Settings | None] = {
        "untraced": None,
        "traced": replace(quiet, emit_records=False),
        "traced, record by the SDK": quiet,
        "traced, record as evidence": replace(quiet, spool=settings.spool),
    }
    spans, logs = TracerProvider(), _logs()
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in random.sample(list(ways), len(ways)):
            if (own := ways[name]) is not None:
                throughline.instrument(settings=own, tracer_provider=spans, logger_provider=logs)
            spent = _timed(lambda: client.chat.completions.create(**request), calls)
            throughline.uninstrument()
            if number:
                found[name].append(spent)
    logs.shutdown()
    untraced = statistics.median(found["untraced"])
    table = Table("µs of CPU a call, on its thread", "whole", "added", title="chat small", title_justify="left")
    for name, values in found.items():
        whole = statistics.median(values)
        table.add_row(name, f"{whole:.0f}", f"{whole - untraced:.0f}")
    return table


def _timed(call: Callable[[], object], times: int) -> float:
    """Microseconds of this thread's CPU a call, after one that warms up."""
    call()
    began = thread_time_ns()
    for _ in range(times):
        call()
    return (thread_time_ns() - began) / times / 1000


if __name__ == "__main__":
    typer.run(main)
