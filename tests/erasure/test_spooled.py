"""What of a person waits on this machine is told, not overlooked: in spools, sealed ones, and what was set aside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from throughline.records.erasing import spooled
from throughline.records.erasing.person import Trail
from throughline.records.spool import Head, Spool

ADA = 'ada "the first" Lovelace-Þ'
PAYLOADS = (
    b'{"attributes":{"user.id":"ada \\"the first\\" Lovelace-\xc3\x9e"}}',
    b'{"attributes":{"user.id":"ada \\"the first\\" Lovelace-\\u00de"}}',
)


def spool(root: Path, payload: bytes, key: bytes | None = None) -> Spool:
    made = Spool.create(root, os.urandom(16).hex(), {}, limit=10_000_000, fsync=False, key=key)
    made.append(Head(0, bytes(32)), b"x" * (1 << 20))
    made.append(Head(1, bytes(32)), payload)
    return made


@pytest.mark.parametrize("payload", PAYLOADS)
def test_records_that_wait_are_told(tmp_path: Path, payload: bytes) -> None:
    waiting = spool(tmp_path, payload)
    (told,) = spooled.remains(tmp_path, Trail(ADA))
    assert told.startswith("records of his in the files of 1 spools")
    assert "Lovelace" not in told
    assert list(spooled.remains(tmp_path, Trail("bob"))) == []
    waiting.close()


def test_what_is_sealed_may_be_his(tmp_path: Path) -> None:
    waiting = spool(tmp_path, b'{"attributes":{"user.id":"bob"}}', bytes(range(32)))
    (told,) = spooled.remains(tmp_path, Trail(ADA))
    assert told.startswith("2 sealed records")
    waiting.close()


def test_what_the_collector_refused_is_told(tmp_path: Path) -> None:
    (tmp_path / "refused").mkdir()
    (tmp_path / "refused" / "1").write_bytes(PAYLOADS[0])
    (tmp_path / "refused" / "2").write_bytes(b"{}")
    (told,) = spooled.remains(tmp_path, Trail(ADA))
    assert told.startswith("1 records of his that the Collector refused")


def test_no_spool_is_nothing(tmp_path: Path) -> None:
    assert list(spooled.remains(tmp_path / "missing", Trail(ADA))) == []


def test_a_name_across_two_reads_is_found(tmp_path: Path) -> None:
    (tmp_path / "refused").mkdir()
    (tmp_path / "refused" / "1").write_bytes(b"." * ((1 << 20) - 5) + PAYLOADS[0])
    assert len(list(spooled.remains(tmp_path, Trail(ADA)))) == 1
