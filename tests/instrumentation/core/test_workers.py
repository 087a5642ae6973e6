"""Pre-fork servers: each worker's calls are exported, each once, whatever the parent had begun before it forked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import json, os, sys
sys.path.insert(0, {tests!r})
from instrumentation.openai_client import wire
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
import throughline

class Lines(SpanExporter):
    def export(self, spans):
        for span in spans:
            with open({out!r}, "a") as out:
                model = span.attributes["gen_ai.request.model"]
                out.write(json.dumps([os.getpid(), span.context.span_id, model]) + "\\n")
        return SpanExportResult.SUCCESS

spans, logs = TracerProvider(), LoggerProvider()
spans.add_span_processor(BatchSpanProcessor(Lines()))
logs.add_log_record_processor(BatchLogRecordProcessor(InMemoryLogRecordExporter()))
throughline.instrument(tracer_provider=spans, logger_provider=logs)
whole = wire.client(wire.answering(lambda: wire.json_response(wire.chat_reply())))
chunks = wire.client(wire.answering(lambda: wire.stream_response(wire.event_stream(wire.chat_chunks("a", "b")))))

def ask(model, **more):
    return (chunks if more else whole).chat.completions.create(model=model, messages=wire.MESSAGES, **more)

ask("parent, before")
begun = ask("parent, open", stream=True)
next(begun)
for number in range(4):
    if os.fork() == 0:
        ask(f"worker {{number}}")
        list(ask(f"worker {{number}}, streamed", stream=True))
        sys.exit(0)
for _ in range(4):
    os.wait()
list(begun)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_every_worker_exports_its_own_calls_and_none_of_the_parents(tmp_path: Path) -> None:
    out = tmp_path / "spans"
    program = PROGRAM.format(tests=str(Path(__file__).parents[2]), out=str(out))
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60, capture_output=True)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    workers = {f"worker {number}{how}" for number in range(4) for how in ("", ", streamed")}
    assert sorted(model for _, _, model in lines) == sorted({*workers, "parent, before", "parent, open"})
    assert len({span for _, span, _ in lines}) == len(lines)
    processes = {model.partition(",")[0]: process for process, _, model in lines}
    assert len(set(processes.values())) == 5
