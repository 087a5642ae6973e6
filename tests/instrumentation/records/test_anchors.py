"""Anchored statements: written where they are looked for, whole, readable, and never a second time."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from throughline.records import proof
from throughline.records.anchors import Anchor
from throughline.records.verification.anchored import Anchored

STATEMENT: dict[str, Any] = {
    "version": 1,
    "kind": "interval",
    "chain": "c" * 32,
    "sequence": 41,
    "digest": "00" * 32,
    "time": "1795651199999999999",  # the last moment of a day
    "from": "1795651190000000000",
    "service": "s",
    "key": "k",
    "signature": "s",
}
NAME = f"2026-11-25/{'c' * 32}-000000000042-interval.json"


@pytest.fixture
def memory() -> Iterator[str]:
    yield "memory://anchors"
    files = fsspec.filesystem("memory")
    if files.exists("/anchors"):
        files.rm("/anchors", recursive=True)


def test_a_folder_holds_each_statement_as_a_file_of_its_own(tmp_path: Path) -> None:
    anchor = Anchor(f"file://{tmp_path}/deep/anchors")
    anchor.write(STATEMENT)
    path = tmp_path / "deep" / "anchors" / NAME
    assert path.read_text() == proof.canonical(STATEMENT) + "\n"
    assert path.stat().st_mode & 0o777 == 0o444
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_a_statement_is_never_written_over(tmp_path: Path, memory: str, kind: str) -> None:
    url = memory if kind == "memory" else f"file://{tmp_path}"
    anchor = Anchor(url)
    anchor.write(STATEMENT)
    anchor.write(STATEMENT)  # delivered a second time
    with pytest.raises(FileExistsError):
        anchor.write({**STATEMENT, "digest": "11" * 32})
    with fsspec.open(f"{url}/{NAME}") as file:
        assert json.loads(file.read()) == STATEMENT


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_the_verifier_finds_it(tmp_path: Path, memory: str, kind: str) -> None:
    url = memory if kind == "memory" else f"file://{tmp_path}"
    Anchor(url).write(STATEMENT)
    assert list(Anchored(url).statements("c" * 32)) == [((41, "interval"), STATEMENT)]


def test_a_folder_that_cannot_be_written_raises(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Anchor(f"file://{tmp_path}/file").write(STATEMENT)


@pytest.mark.parametrize("url", ["", "/var/lib", "s3://", "none://somewhere"])
def test_what_is_no_place_is_said_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="THROUGHLINE_ANCHOR"):
        Anchor(url)


def test_a_password_is_refused_and_not_repeated() -> None:
    for url in ("ftp://ada:s3cret@host/anchors", "ftp://:s3cret@host/anchors", "ftp://ada:s3@cret@host/anchors"):
        with pytest.raises(ValueError, match="THROUGHLINE_ANCHOR holds a password") as raised:
            Anchor(url)
        assert "cret" not in str(raised.value)
    Anchor("memory://bucket/a:b@c")  # no password, but a name


def test_without_fsspec_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.registry", None)
    with pytest.raises(ValueError, match=r"throughline\[evidence\]"):
        Anchor("file:///anchors")
