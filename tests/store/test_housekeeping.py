"""The process that keeps house: started as the stack starts it, on a real Elasticsearch and on one that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from elasticsearch import Elasticsearch
from store.test_provisioning import official
from store.writing import Write
from throughline.store.retention import streams
from throughline.store.templates import KINDS


@contextmanager
def keeping_house(folder: Path, url: str, **environment: str) -> Iterator[Path]:
    """`python -m throughline.store --every 0.2`, and the file with what it says."""
    said = folder / "said"
    variables = {"PATH": os.environ["PATH"], "ELASTICSEARCH_URL": url, **environment}
    command = [sys.executable, "-m", "throughline.store", "--every", "0.2"]
    with said.open("wb") as out:
        process = subprocess.Popen(command, env=variables, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield said
        assert process.poll() is None, said.read_text()
    finally:
        process.kill()
        process.wait()


def test_it_stays_and_removes_what_comes_meanwhile(
    client: Elasticsearch, elasticsearch: str, records: str, write: Write, tmp_path: Path
) -> None:
    write(records, {"one": {}})
    client.indices.rollover(alias=records)
    removed = f"removed 1 copies from {records}"
    with keeping_house(tmp_path, elasticsearch) as said:
        for time_number in (1, 2):
            write(records, {"one": {}})
            until(lambda wanted=time_number: said.read_text().count(removed) == wanted, said)
    client.indices.refresh(index=records)
    assert client.count(index=records)["count"] == 1
    assert len(streams(client, records)[records]) == 2


def test_it_outlives_an_elasticsearch_that_goes_away(tmp_path: Path) -> None:
    """It says so and tries again; nothing ends it but its launcher."""
    nothing = {"data_streams": []}
    api = {f"GET /_data_stream/{kind.pattern}/_lifecycle": nothing for kind in KINDS}
    api["GET /_data_stream/throughline-none-*"] = nothing
    with ExitStack() as there:
        url, requests = there.enter_context(official(api=api))
        with keeping_house(tmp_path, url) as said:
            until(lambda: len(requests) > 2 * len(KINDS), said)
            there.close()
            until(lambda: "ConnectionError): tried again in 0.2 s" in said.read_text(), said)


def until(condition: Callable[[], bool], said: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)
