"""A process that makes model calls under opentelemetry-instrument: test_one_line starts it and counts what arrives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import throughline
from native.stack import Stack
from opentelemetry import trace

INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
WORKERS = 8
SLOW_SECONDS = 3.5  # a little more than the stack's SLOW_TRACE_MS


def make_calls(stack: Stack, run_id: str, *, normal: int, failed: int, slow: int) -> None:
    """Run this file as a process of its own and wait for its end. Each call is a trace of its own."""
    environment = {
        "PATH": os.environ["PATH"],
        **stack.addresses,
        "OTEL_SERVICE_NAME": "counted-app",
        "OTEL_LOGS_EXPORTER": "otlp",
        "THROUGHLINE_SPOOL": str(stack.logs.parent / "spool"),
        "OTEL_BSP_SCHEDULE_DELAY": "500",
    }
    arguments = [run_id, str(normal), str(failed), str(slow)]
    subprocess.run([INSTRUMENT, sys.executable, __file__, *arguments], env=environment, timeout=180, check=True)


def main(run_id: str, normal: int, failed: int, slow: int) -> None:
    """Normal calls, then calls that the simulator is told to refuse, then calls whose answer takes long to digest."""
    client = openai.OpenAI(max_retries=0)
    tracer = trace.get_tracer("counted-app")

    def call(kind: str, digesting: float = 0.0) -> None:
        with throughline.identify(session_id=run_id, conversation_id=kind), tracer.start_as_current_span("question"):
            client.chat.completions.create(model="sim-small", messages=[{"role": "user", "content": "Hello?"}])
            time.sleep(digesting)

    def refused() -> None:
        try:
            call("failed")
        except openai.InternalServerError:
            return
        raise AssertionError("the simulator answered though it was told to refuse")

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda _: call("normal"), range(normal)))
        list(pool.map(lambda _: call("slow", SLOW_SECONDS), range(slow)))
        control = f"{os.environ['SIMULATOR_URL']}/control"
        httpx.put(control, json={"next": ["500"] * failed}, trust_env=False).raise_for_status()
        list(pool.map(lambda _: refused(), range(failed)))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
