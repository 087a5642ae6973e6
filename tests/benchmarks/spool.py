"""What a record costs on its way through the spool: appended by the call, delivered behind its back. Asserts nothing.

PYTHONPATH=tests .venv/bin/python tests/benchmarks/spool.py [folder on the disk to measure]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from instrumentation.records.receiving import Receiver, serving
from throughline.records.sender import Sender
from throughline.records.spool import Head, Spool

ROUNDS, APPENDS, SYNCED = 7, 2_000, 100
DELIVERED = 5_000
DIGEST = bytes(32)


def payload(size: int) -> bytes:
    """A record of about this size, with content as chats have it."""
    text = "What the customer said, and what was answered. " * (size // 47 + 1)
    attributes = {"throughline.chain.sequence": 0, "gen_ai.input.messages": [{"role": "user", "parts": [text[:size]]}]}
    return json.dumps(
        {"event": "e", "time": time.time_ns(), "trace": "", "span": "", "attributes": attributes}
    ).encode()


def opened(root: Path, *, fsync: bool = False, key: bytes | None = None) -> Spool:
    return Spool.create(root, os.urandom(16).hex(), {"service.name": "x"}, limit=2**40, fsync=fsync, key=key)


def append(root: Path, size: int, *, fsync: bool, key: bytes | None) -> tuple[float, float]:
    """Microseconds of this thread's CPU, and of the clock, for one append: the median round."""
    record, count = payload(size), SYNCED if fsync else APPENDS
    rounds = []
    for _ in range(ROUNDS):
        spool = opened(root, fsync=fsync, key=key)
        spool.append(Head(0, DIGEST), record)
        cpu, clock = time.thread_time_ns(), time.perf_counter_ns()
        for sequence in range(1, count + 1):
            spool.append(Head(sequence, DIGEST), record)
        rounds.append(((time.thread_time_ns() - cpu) / count / 1e3, (time.perf_counter_ns() - clock) / count / 1e3))
        while spool.drop_oldest():
            pass
        spool.close()
    cpus, clocks = zip(*rounds, strict=True)
    return statistics.median(cpus), statistics.median(clocks)


def deliver(root: Path, size: int) -> tuple[float, float]:
    """Microseconds of the process's CPU for one record that is delivered, and records in a second."""
    spool = opened(root)
    for sequence in range(DELIVERED):
        spool.append(Head(sequence, DIGEST), payload(size))
    sender = Sender(root)
    cpu, clock = time.process_time_ns(), time.perf_counter_ns()
    sender.serve(spool)
    spool.flush(120)
    used, took = time.process_time_ns() - cpu, time.perf_counter_ns() - clock
    spool.close()
    sender.close()
    return used / DELIVERED / 1e3, DELIVERED / took * 1e9


def receive() -> None:
    """Be the Collector, in a process of its own, until somebody closes the input."""
    with serving(Receiver()) as port:
        print(port, flush=True)
        sys.stdin.read()


def main(folder: str | None) -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory(dir=folder) as root:
        print(f"{'append':<28}{'CPU us':>8}{'us':>10}")
        for size in (1_024, 32_768):
            for fsync, key in ((False, None), (False, bytes(32)), (True, None)):
                name = f"{size // 1_024} KB{', fsync' * fsync}{', AES-256-GCM' * bool(key)}"
                cpu, clock = append(Path(root), size, fsync=fsync, key=key)
                print(f"{name:<28}{cpu:>8.1f}{clock:>10.1f}")
        print(f"\n{'delivery over gRPC':<28}{'CPU us':>8}{'a second':>10}")
        command = [sys.executable, __file__, "receive"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as collector:
            assert collector.stdout is not None
            assert collector.stdin is not None
            os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{collector.stdout.readline().strip()}"
            for size in (1_024, 32_768):
                cpu, rate = deliver(Path(root), size)
                print(f"{size // 1_024} KB{'':<24}{cpu:>8.0f}{rate:>10.0f}")
            collector.stdin.close()


if __name__ == "__main__":
    if sys.argv[1:] == ["receive"]:
        receive()
    else:
        main(sys.argv[1] if len(sys.argv) > 1 else None)
