"""Ends that come at a bad moment: inside the garbage collector, at exit, in a forked child, from another context."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

import openai
import pytest
from instrumentation.openai_client.wire import (
    MESSAGES,
    answering,
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    stream_response,
)
from instrumentation.telemetry import Telemetry
from throughline import names


def _stream() -> Any:
    responses = answering(lambda: stream_response(event_stream(chat_chunks("Hel", "lo."))))
    return client(responses).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)


def _lose_in_a_circle() -> None:
    stream = _stream()
    next(stream)
    circle: list[Any] = [stream]
    circle.append(circle)


@pytest.mark.timeout(20)
def test_the_collector_may_run_while_a_lock_of_the_sdk_is_held(telemetry: Telemetry) -> None:
    telemetry.instrument()
    list(_stream())
    gc.disable()
    try:
        _lose_in_a_circle()
        with _a_lock_that_every_end_needs(telemetry):
            gc.collect()
    finally:
        gc.enable()
    telemetry.ended(2)
    ends = [(span.attributes or {}).get(names.END_REASON) for span in telemetry.spans()]
    assert ends[0] == "completed"
    assert ends[1:] in (["closed"], ["dropped"])  # newer clients' own iterator, which the collector frees first, closes


def _a_lock_that_every_end_needs(telemetry: Telemetry) -> Any:
    storages: Any = telemetry.meter_provider._measurement_consumer._reader_storages
    matches: Any = [m for s in storages.values() for ms in s._instrument_view_instrument_matches.values() for m in ms]
    duration = next(m for m in matches if m._instrument.name == names.CLIENT_OPERATION_DURATION)
    return next(iter(duration._attributes_aggregation.values()))._lock


@pytest.mark.skipif("grpc" in sys.modules, reason="gRPC's threads make a forked child hang: run this folder alone")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_does_not_end_the_streams_of_its_parent(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = _stream()
    next(stream)
    child = os.fork()
    if child == 0:
        del stream
        gc.collect()
        os._exit(len(telemetry.spans()))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    list(stream)
    assert telemetry.attributes()[names.END_REASON] == "completed"


def test_a_stream_that_is_open_at_exit_is_exported() -> None:
    program = """
        import throughline
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

        provider = TracerProvider()
        exporter = ConsoleSpanExporter(formatter=lambda span: span.attributes["throughline.end_reason"])
        provider.add_span_processor(BatchSpanProcessor(exporter))
        trace.set_tracer_provider(provider)
        throughline.instrument()
        from instrumentation.openai_client.wire import *

        said = answering(stream_response(event_stream(chat_chunks("Hel", "lo."))))
        stream = client(said).chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        next(stream)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("dropped", "")


def test_a_call_whose_loop_is_gone_ends_without_a_word(telemetry: Telemetry) -> None:
    telemetry.instrument()

    sent = []

    async def never(_request: Any) -> Any:
        sent.append(True)
        await asyncio.Event().wait()

    async def call() -> None:
        await client(never, openai.AsyncOpenAI).chat.completions.create(model="gpt-4o", messages=MESSAGES)

    loop, coroutine = asyncio.new_event_loop(), call()
    task = loop.create_task(coroutine)
    while not sent:
        loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    task._log_destroy_pending = False  # type: ignore[attr-defined] # what asyncio says of it is not the subject
    coroutine.close()  # as the collector would, and as it would, in another context
    assert telemetry.attributes()[names.ERROR_TYPE] == "GeneratorExit"


def test_what_a_call_started_and_outlives_it_is_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument()
    inside: list[Context] = []

    def handler(_request: Any) -> Any:
        inside.append(copy_context())  # as a task or thread does that is started here
        return json_response(chat_reply())

    chat = client(handler).chat.completions
    chat.create(model="gpt-4o", messages=MESSAGES)
    inside[0].run(lambda: chat.create(model="gpt-4o", messages=MESSAGES))
    assert len(telemetry.spans()) == 2
