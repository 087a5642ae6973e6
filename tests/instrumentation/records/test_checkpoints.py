"""Statements about a chain: opened, at intervals, closed; each signed, each covering what none before it covered."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from throughline.records import keys, proof
from throughline.records.checkpoints import Checkpoints, statement
from throughline.records.keys import Purpose, SigningKey

CHAIN = "c" * 32


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    path = tmp_path / "own.pem"
    path.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return SigningKey(path)


class Kept:
    """Where statements go; it fails as often as it is told to."""

    def __init__(self) -> None:
        self.statements: list[Mapping[str, Any]] = []
        self.failures = 0
        self.changed = threading.Condition()

    def add(self, made: Mapping[str, Any]) -> None:
        with self.changed:
            if self.failures:
                self.failures -= 1
                raise OSError("the disk is full")
            self.statements.append(made)
            self.changed.notify_all()

    def told(self, count: int) -> list[tuple[str, int]]:
        """Kinds and sequences, once so many have come."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.statements) >= count, 30)
            return [(made["kind"], made["sequence"]) for made in self.statements]


def begun(key: SigningKey, kept: Kept, *, seconds: float = 3_600, records: int = 1_000) -> Checkpoints:
    return Checkpoints(key, CHAIN, "s", kept.add, threading.Lock(), seconds=seconds, records=records)


def note(checkpoints: Checkpoints, *sequences: int, at: int = 1_000) -> None:
    with checkpoints._lock:
        for sequence in sequences:
            checkpoints.noted(sequence, bytes([sequence + 1]) * 32, at + sequence)


def test_a_chain_is_opened_covered_and_closed(key: SigningKey) -> None:
    kept = Kept()
    checkpoints = begun(key, kept, records=3)
    note(checkpoints, 0)
    kept.told(1)
    note(checkpoints, 1, 2)
    kept.told(2)
    note(checkpoints, 3)
    checkpoints.close()
    assert kept.told(3) == [("opened", -1), ("interval", 2), ("closed", 3)]
    for made in kept.statements:
        assert proof.signed_by(keys.public_bytes(keys.read_private_key(key.path)), made)
        assert (made["chain"], made["service"], made["version"]) == (CHAIN, "s", 1)
        assert abs(int(made["time"]) - time.time_ns()) < 60e9
    opened, interval, closed = kept.statements
    assert [made["digest"] for made in kept.statements] == ["00" * 32, "03" * 32, "04" * 32]
    assert (interval["from"], closed["from"]) == ("1000", "1003")
    assert opened["from"] == opened["time"]


def test_intervals_come_by_time_too_and_only_for_what_is_new(key: SigningKey) -> None:
    kept = Kept()
    checkpoints = begun(key, kept, seconds=0.01)
    note(checkpoints, 0)
    assert kept.told(2) == [("opened", -1), ("interval", 0)]
    note(checkpoints, 1)
    assert kept.told(3)[2:] == [("interval", 1)]
    checkpoints.close()
    assert kept.told(4)[3:] == [("closed", 1)]
    closed = kept.statements[-1]
    assert closed["from"] == closed["time"]


def test_without_a_record_nothing_is_stated(key: SigningKey) -> None:
    kept = Kept()
    begun(key, kept).close()
    assert kept.statements == []


def test_a_chain_that_closes_at_once_is_opened_first(key: SigningKey) -> None:
    kept = Kept()
    checkpoints = begun(key, kept)
    note(checkpoints, 0)
    checkpoints.close()
    checkpoints.close()
    assert kept.told(2) == [("opened", -1), ("closed", 0)]


@pytest.mark.complains
def test_what_one_statement_could_not_cover_the_next_one_does(
    key: SigningKey, caplog: pytest.LogCaptureFixture
) -> None:
    kept = Kept()
    checkpoints = begun(key, kept, records=2)
    note(checkpoints, 0)
    kept.told(1)
    kept.failures = 1
    note(checkpoints, 1)
    deadline = time.monotonic() + 30
    while kept.failures and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    note(checkpoints, 2, 3)
    kept.told(2)
    checkpoints.close()
    assert kept.statements[1]["from"] == "1000"
    assert kept.told(3)[1:] == [("interval", 3), ("closed", 3)]
    assert "the next one covers" in caplog.text


def test_the_oldest_record_need_not_be_the_first(key: SigningKey) -> None:
    kept = Kept()
    checkpoints = begun(key, kept)
    with checkpoints._lock:
        checkpoints.noted(0, bytes(32), 500)
        checkpoints.noted(1, bytes(32), 400)
    checkpoints.close()
    assert kept.statements[-1]["from"] == "400"


def test_a_statement_never_begins_after_its_own_time(key: SigningKey) -> None:
    made = statement(key, "interval", CHAIN, 0, bytes(32), "s", time.time_ns() + 10**12)
    assert made["from"] == made["time"]
