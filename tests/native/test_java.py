"""Which JDK is chosen among those a machine has, and what is said when none will do."""

from __future__ import annotations

from pathlib import Path

import pytest
from native import java
from native.part import MissingError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose only JDKs are those a test puts into this folder."""
    monkeypatch.setattr(java, "_PLACES", (f"{tmp_path}/*",))
    monkeypatch.setattr(java, "_HOME_PLACES", ())
    monkeypatch.setenv("PATH", "")
    for name in ("JAVA_HOME", "ES_JAVA_HOME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def put_jdk(home: Path, version: str, *, compiler: bool = True) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="X"\nJAVA_VERSION="{version}"\nJAVA_VERSION_DATE="2026-01-20"\n')
    if compiler:
        (home / "bin" / "javac").touch()
    return home


def test_the_newest_is_chosen(machine: Path) -> None:
    put_jdk(machine / "a", "21.0.9")
    newest = put_jdk(machine / "b", "25")
    put_jdk(machine / "c", "17.0.2")
    assert java.find_jdk() == newest


def test_java_home_wins_if_it_is_new_enough(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_jdk(machine / "newest", "25")
    chosen = put_jdk(machine / "elsewhere" / "chosen", "21.0.1")
    monkeypatch.setenv("JAVA_HOME", str(chosen))
    assert java.find_jdk() == chosen


def test_a_java_home_that_is_too_old_is_passed_over(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = put_jdk(machine / "newest", "25")
    monkeypatch.setenv("JAVA_HOME", str(put_jdk(machine / "old", "17.0.2")))
    assert java.find_jdk() == newest


def test_the_compiler_on_the_path_is_followed_through_links(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = put_jdk(machine / "deep" / "inside", "23.0.1")
    (home / "bin" / "javac").chmod(0o755)
    (machine / "links").mkdir()
    (machine / "links" / "javac").symlink_to(home / "bin" / "javac")
    monkeypatch.setenv("PATH", str(machine / "links"))
    assert java.find_jdk() == home


def test_a_runtime_without_compiler_will_not_do_and_the_message_says_what_was_found(machine: Path) -> None:
    put_jdk(machine / "runtime", "25", compiler=False)
    old = put_jdk(machine / "old", "17.0.2")
    with pytest.raises(MissingError) as missing:
        java.find_jdk()
    assert "missing: a JDK, version 21 or later" in str(missing.value)
    assert f"{old} (17)" in str(missing.value)
    assert "runtime (" not in str(missing.value)


def test_no_java_at_all(machine: Path) -> None:
    with pytest.raises(MissingError, match="Found: none"):
        java.find_jdk()
