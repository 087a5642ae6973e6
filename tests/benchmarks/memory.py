"""Memory over many calls and abandoned streams of OpenAI's client, traced, with records and content. Asserts nothing.

Resident memory and the number of objects are read after each tenth. A tracer that keeps something of every call shows
a line that rises; one that does not is level once caches are full.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import psutil
import throughline
import typer
from measuring import NullRecords, NullSpans, providers
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from rich.console import Console
from rich.progress import track
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from instrumentation.openai_client import wire

_TENTHS = 10


def main(
    calls: Annotated[int, typer.Option(help="Calls that are answered whole.")] = 100_000,
    streams: Annotated[int, typer.Option(help="Streams of which one chunk is read and the rest is let go.")] = 50_000,
) -> None:
    """Show that tracing keeps nothing of calls that are over."""
    spans, meters = providers(NullSpans())
    trace.set_tracer_provider(spans)
    metrics.set_meter_provider(meters)
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(NullRecords()))
    _logs.set_logger_provider(logs)
    throughline.instrument(settings=throughline.Settings(content=throughline.ContentMode.SPAN_AND_EVENT))
    whole = wire.client(wire.answering(lambda: wire.json_response(wire.chat_reply())))
    streaming = wire.client(lambda _: wire.stream_response(wire.event_stream(wire.chat_chunks(*"abcdefgh"))))
    request = {"model": "gpt-4o", "messages": wire.MESSAGES}

    def left() -> None:
        for _chunk in streaming.chat.completions.create(**request, stream=True):
            break

    table = Table("done", title="MB resident, thousands of objects")
    columns = [[f"{number * 100 // _TENTHS} %" for number in range(_TENTHS + 1)]]
    for title, count, act in (
        ("calls", calls, lambda: whole.chat.completions.create(**request)),
        ("abandoned streams", streams, left),
    ):
        table.add_column(f"{count:,} {title}", justify="right")
        columns.append(list(_measured(title, count, act)))
    for cells in zip(*columns, strict=True):
        table.add_row(*cells)
    Console().print(table)


def _measured(title: str, count: int, act: Callable[[], object]) -> Iterator[str]:
    process = psutil.Process()
    yield _now(process)
    for _ in track(range(_TENTHS), description=title, console=Console(stderr=True)):
        for _ in range(count // _TENTHS):
            act()
        yield _now(process)


def _now(process: psutil.Process) -> str:
    gc.collect()
    return f"{process.memory_info().rss / 1e6:,.1f}  {len(gc.get_objects()) / 1e3:,.1f}"


if __name__ == "__main__":
    typer.run(main)
