"""The process that keeps house: started as the stack starts it, on a real Elasticsearch and on one that goes away."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from evidence.ledger import Chain, Ledger
from evidence.signing import Key, write_keys
from store.test_provisioning import official
from store.writing import Write
from throughline import names
from throughline.store import Retention
from throughline.store.__main__ import keep_house
from throughline.store.queries import REPORTS
from throughline.store.reports import newest
from throughline.store.retention import streams
from throughline.store.templates import KINDS

_NOTHING = {"data_streams": []}
EMPTY = {
    "GET /_data_stream/throughline-none-*": _NOTHING,
    **{f"GET /_data_stream/{kind.pattern}/_lifecycle": _NOTHING for kind in KINDS},
}
"""What an official node without a stream answers."""


@contextmanager
def keeping_house(folder: Path, url: str, *options: str, **environment: str) -> Iterator[Path]:
    """`python -m throughline.store --every 0.2`, and the file with what it says."""
    said = folder / "said"
    variables = {"PATH": os.environ["PATH"], "ELASTICSEARCH_URL": url, **environment}
    command = [sys.executable, "-m", "throughline.store", "--every", "0.2", *options]
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


def test_it_reports_what_the_streams_take(
    client: Elasticsearch, elasticsearch: str, records: str, write: Write, tmp_path: Path
) -> None:
    """Again and again, the second time of one document more."""
    write(records, {"one": {}})
    with keeping_house(tmp_path, elasticsearch) as said:
        until(lambda: documents(client, records) == 1, said)
        write(records, {"two": {}})
        until(lambda: documents(client, records) == 2, said)


def documents(client: Elasticsearch, stream: str) -> int | None:
    """How many documents the last report on it says it holds."""
    client.indices.refresh(index=REPORTS, ignore_unavailable=True)
    found = (each["attributes"] for each in newest(client, names.STORAGE, names.STORAGE_STREAM))
    return next((each[names.STORAGE_DOCUMENTS] for each in found if each[names.STORAGE_STREAM] == stream), None)


def test_it_publishes_what_a_verification_finds(client: Elasticsearch, elasticsearch: str, tmp_path: Path) -> None:
    key = Key()
    (tmp_path / "anchor").mkdir()
    ledger = Ledger(client, tmp_path / "anchor", uuid.uuid4().hex)
    whole, broken = Chain(key).fill(12), Chain(key).fill(12)
    ledger.write(whole, broken)
    ledger.delete(broken, [3])
    settings = {
        "THROUGHLINE_KEY_LIST": str(write_keys(tmp_path / "keys.json", key)),
        "THROUGHLINE_ANCHOR": (tmp_path / "anchor").as_uri(),
    }
    with keeping_house(tmp_path, elasticsearch, "--verify", "2h", **settings) as said:
        until(lambda: state(client, whole) == "proven" and state(client, broken) == "broken", said)
        until(lambda: "NOT SOUND" in said.read_text(), said)
    ledger.remove()


def state(client: Elasticsearch, chain: Chain) -> str | None:
    """What the last report says of it."""
    client.indices.refresh(index=REPORTS, ignore_unavailable=True)
    found = (each["attributes"] for each in newest(client, names.VERIFICATION, names.CHAIN_ID))
    return next((each[names.VERIFICATION_STATE] for each in found if each[names.CHAIN_ID] == chain.id), None)


def test_a_verification_that_cannot_be_done_is_said(client: Elasticsearch, elasticsearch: str, tmp_path: Path) -> None:
    """And the house is kept all the same."""
    with keeping_house(tmp_path, elasticsearch, "--verify", "2 moons") as said:
        until(lambda: said.read_text().count("no point in time") == 2, said)


def test_it_does_so_more_often_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    def paused(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            raise InterruptedError

    monkeypatch.setattr("throughline.store.__main__.time.sleep", paused)
    with official(api=EMPTY) as (url, _), Elasticsearch(url) as client, pytest.raises(InterruptedError):
        keep_house(client, Retention(), 300.0, None)
    assert pauses == [15, 30, 60, 120, 240, 300, 300]


def test_it_outlives_an_elasticsearch_that_goes_away(tmp_path: Path) -> None:
    """It says so and tries again; nothing ends it but its launcher."""
    with ExitStack() as there:
        url, requests = there.enter_context(official(api=EMPTY))
        with keeping_house(tmp_path, url) as said:
            until(lambda: len(requests) > 2 * len(KINDS), said)
            there.close()
            until(lambda: "ConnectionError): tried again in 0.2 s" in said.read_text(), said)


def until(condition: Callable[[], bool], said: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.05)
