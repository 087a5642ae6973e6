"""A blob is written whole and for its owner alone, a store that cannot be is refused at once, and a lie is not read."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from throughline import names
from throughline.blobs import CONTENT_STORE, Reference, Store, read

VALUE = [{"role": "user", "parts": [{"type": "text", "content": "large " * 100}]}]


def written(store: Store, value: Any = VALUE) -> str:
    """Write it and return the reference to it."""
    data = json.dumps(value).encode()
    digest = hashlib.sha256(data).hexdigest()
    store.write(digest, data)
    return str(Reference(names.INPUT_MESSAGES, store.url_of(digest), digest, len(data)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "content"


# --- writing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["memory://", "memory://bucket", "memory://bucket/deep/", "file://{}/x", "local://{}/y/"]
)
def test_what_is_written_is_read(url: str, tmp_path: Path) -> None:
    store = Store(url.format(tmp_path))
    assert read(written(store)) == VALUE
    assert read(written(store)) == VALUE  # and again, over itself


def test_files_and_new_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    before = os.umask(0)
    try:
        written(Store(f"file://{shared}/deep/content"))
    finally:
        os.umask(before)
    modes = {
        path.name if path.is_dir() else "blob": stat.S_IMODE(path.stat().st_mode)
        for path in (shared, *shared.rglob("*"))
    }
    assert modes == {"shared": 0o755, "deep": 0o700, "content": 0o700, "blob": 0o600}


def test_a_file_appears_whole_or_not_at_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, list[int]]] = []

    def look(_file: int) -> None:
        seen.append((len(list(folder.glob("*.json"))), [path.stat().st_size for path in folder.iterdir()]))

    monkeypatch.setattr(os, "fsync", look)
    reference = written(Store(f"file://{folder}"))
    assert seen == [(0, [Reference.parsed(reference).size])]
    assert [path.suffix for path in folder.iterdir()] == [".json"]


def test_a_write_that_fails_leaves_nothing_behind(folder: Path) -> None:
    digest = hashlib.sha256(b"{}").hexdigest()
    (folder / f"{digest}.json").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        Store(f"file://{folder}").write(digest, b"{}")
    assert [path.name for path in folder.iterdir()] == [f"{digest}.json"]


class Plain(MemoryFileSystem):
    """A store whose writes can be seen half done, and that does not replace what is there."""

    protocol = "plain"
    cachable = False
    piped: list[str] = []

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        Plain.piped.append(path)
        super().pipe_file(path, value, mode, **kwargs)

    def mv(self, path1: str, path2: str, *args: Any, **kwargs: Any) -> None:
        if path2 in self.store:
            raise FileExistsError(path2)
        super().mv(path1, path2, *args, **kwargs)


def test_where_a_write_could_be_seen_half_done_it_is_renamed_into_place() -> None:
    fsspec.register_implementation("plain", Plain, clobber=True)
    Plain.piped.clear()
    store = Store("plain://bucket/renamed")
    reference = written(store)
    assert written(store) == reference
    final = f"{Reference.parsed(reference).digest}.json"
    assert len(Plain.piped) == 1
    assert not Plain.piped[0].endswith(final)
    assert [path.rpartition("/")[2] for path in Plain.store if "renamed" in path] == [final]
    assert read(reference) == VALUE


# --- which stores -------------------------------------------------------------------------------------------------


def test_a_relative_folder_is_referred_to_by_its_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store("file://content").url == f"file://{tmp_path}/content"


def test_without_a_store_fsspec_is_not_imported() -> None:
    code = "import sys, throughline.offload; print([name for name in sys.modules if name.startswith('fsspec')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_missing_fsspec_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "fsspec"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ValueError, match=rf"{CONTENT_STORE}.*pip install fsspec"):
        Store("memory://store")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket/content", "s3fs"),
        ("gs://bucket", "gcsfs"),
        ("nonsense://bucket", "'nonsense'"),
        ("/var/lib/content", "file:///"),
        ("s3:/bucket", "s3://bucket"),
        ("s3://", "s3://bucket"),
        ("", "s3://bucket"),
    ],
)
def test_a_store_that_cannot_be_is_refused_at_once(url: str, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("s3fs", "gcsfs"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=CONTENT_STORE) as refused:
        Store(url)
    assert says in str(refused.value)


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match=CONTENT_STORE) as refused:
        Store("ftp://ana:hunter2@host/content")
    assert "hunter2" not in str(refused.value)


# --- reading ------------------------------------------------------------------------------------------------------


def test_what_was_changed_is_not_read(folder: Path) -> None:
    reference = written(Store(f"file://{folder}"))
    (blob,) = folder.iterdir()
    whole = blob.read_bytes()
    for other in (whole.replace(b"large", b"Large"), whole[:-1], whole + b" ", b""):
        blob.write_bytes(other)
        with pytest.raises(ValueError, match="other content") as refused:
            read(reference)
        assert "large" not in str(refused.value)
    blob.unlink()
    with pytest.raises(FileNotFoundError):
        read(reference)


@pytest.mark.parametrize("text", ["", "a:b", "a:file:///x:12:3", f"a:no url:{'0' * 64}:3", f"a:file:///x:{'0' * 64}:x"])
def test_what_is_no_reference_is_said_so(text: str) -> None:
    with pytest.raises(ValueError, match="attribute name:URL:SHA-256"):
        read(text)


def test_a_reference_may_not_lead_out_of_the_store(folder: Path, tmp_path: Path) -> None:
    assert read(written(Store(f"file://{folder}")), f"file://{folder}/") == VALUE
    (tmp_path / "private.json").write_text("1")
    digest = hashlib.sha256(b"1").hexdigest()
    for url in (f"file://{tmp_path}/private.json", f"file://{folder}/../../private.json", "memory://private.json"):
        with pytest.raises(ValueError, match="out of the store"):
            read(str(Reference(names.INPUT_MESSAGES, url, digest, 1)), f"file://{folder}")
