"""How fast `throughline compare` is and what memory it takes, on records that it writes by bulk. Asserts nothing."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from comparison.planted import Plant, Requests
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from native.stack import Stack


def main(records: Annotated[int, typer.Option(help="How many records to write.")] = 200_000) -> None:
    """Start an Elasticsearch, write records and scores, compare, and print records a second and the largest memory."""
    folder = Path(tempfile.mkdtemp(prefix="throughline-compare-"))
    folder.chmod(0o711)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "JAVA_HOME") if name in os.environ}
    stack = Stack(folder / "run", environment=kept)
    try:
        stack.start(["templates"])
        url = stack.addresses["ELASTICSEARCH_URL"]
        with Elasticsearch(url, request_timeout=120) as client:
            began = time.monotonic()
            bulk(client, _all(records), chunk_size=4_000)
            client.indices.refresh(index="logs-genai.*")
            typer.echo(f"written in {time.monotonic() - began:.0f} s")
        _compare(url, records, [])
        _compare(url, records, ["--html", str(folder / "page.html")])
    finally:
        stack.close()
        shutil.rmtree(folder)


def _all(records: int) -> Iterator[dict[str, Any]]:
    plants = {"concise": Plant(), "stepwise": Plant(latency=1.2, grounded=0.7)}
    return Requests("help-desk", plants, "bench", users=records // 3, experiment="wording").actions()


def _compare(url: str, records: int, options: list[str]) -> None:
    command = [sys.executable, "-c", "from throughline.cli import main; main()", "compare", "help-desk", *options]
    began = time.monotonic()
    process = psutil.Popen(command, env={**os.environ, "ELASTICSEARCH_URL": url})
    peak = 0
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.05)
    seconds = time.monotonic() - began
    typer.echo(f"exit code {process.wait()}: {seconds:.1f} s, {records / seconds:,.0f} records/s, {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    typer.run(main)
