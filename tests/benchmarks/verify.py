"""How fast `throughline verify` is and how much memory it takes, on a log that it writes by bulk. Asserts nothing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import psutil
import typer
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from evidence.ledger import Chain, Ledger
from evidence.signing import HOUR, Key, now, write_keys
from native.stack import Stack

_AT_ONCE = 5_000


def main(
    records: Annotated[int, typer.Option(help="How many records to write.")] = 200_000,
    chains: Annotated[int, typer.Option(help="Of how many processes.")] = 10,
    content: Annotated[bool, typer.Option(help="With prompts and answers.")] = True,
    processes: Annotated[int, typer.Option(help="How many verify.")] = 2,
) -> None:
    """Start an Elasticsearch, write a log, verify it, and print records a second and the largest memory of all."""
    folder = Path(tempfile.mkdtemp(prefix="throughline-verify-"))
    folder.chmod(0o711)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JAVA_HOME") if name in os.environ}
    stack = Stack(folder / "run", environment=kept)
    try:
        stack.start(["templates"])
        url = stack.addresses["ELASTICSEARCH_URL"]
        key = Key()
        keys = write_keys(folder / "keys.json", key)
        began = time.monotonic()
        _write(url, folder, key, records, chains, content=content)
        typer.echo(f"written: {records} records in {time.monotonic() - began:.0f} s")
        _verify(url, folder, keys, records, processes)
    finally:
        stack.close()
        shutil.rmtree(folder)


def _write(url: str, folder: Path, key: Key, records: int, chains: int, *, content: bool) -> None:
    with Elasticsearch(url, request_timeout=120) as client, ThreadPoolExecutor(1) as writer:
        (folder / "anchor").mkdir()
        ledger = Ledger(client, folder / "anchor", uuid.uuid4().hex)
        for _ in range(chains):
            chain, waiting = Chain(key, start=now() - 20 * HOUR, step=10**6), None
            for part in range(0, records // chains, _AT_ONCE):
                last = part + _AT_ONCE >= records // chains
                count = min(_AT_ONCE, records // chains - part)
                chain.fill(count, every=1_000, close="closed" if last else None, content=content)
                actions = list(ledger.actions(chain))
                for statement in chain.statements:
                    ledger.keep(statement)
                chain.records, chain.contents, chain.statements = [], [], chain.statements[-1:]
                if waiting:
                    waiting.result()
                waiting = writer.submit(bulk, client, actions, chunk_size=2_000, raise_on_error=False)
            if waiting:
                waiting.result()
        ledger.refresh()


def _verify(url: str, folder: Path, keys: Path, records: int, processes: int) -> None:
    command = [sys.executable, "-c", "from throughline.cli import main; main()", "verify", "--keys", str(keys)]
    command += ["--anchor", (folder / "anchor").as_uri(), "--processes", str(processes)]
    began = time.monotonic()
    process = psutil.Popen(command, env={**os.environ, "ELASTICSEARCH_URL": url})
    peaks: dict[int, int] = {}
    watch = threading.Thread(target=_watch, args=(process, peaks))
    watch.start()
    code = process.wait()
    watch.join()
    seconds = time.monotonic() - began
    largest = ", ".join(f"{peak / 1e6:.0f}" for peak in sorted(peaks.values(), reverse=True))
    typer.echo(
        f"exit code {code}: {records / seconds:,.0f} records/s, {seconds:.1f} s; peak MB of each process: {largest}"
    )


def _watch(process: psutil.Popen, peaks: dict[int, int]) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            for each in (process, *process.children(recursive=True)):
                peaks[each.pid] = max(peaks.get(each.pid, 0), each.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
        time.sleep(0.1)


if __name__ == "__main__":
    typer.run(main)
