"""Fetching Elasticsearch, with a stand-in for Maven that unpacks a tiny archive of the same shape."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from native.elasticsearch import fetch
from native.part import MissingError

MAVEN = f"""#!{sys.executable}
import pathlib, sys
options = dict(argument[2:].split("=", 1) for argument in sys.argv if argument.startswith("-D"))
archive = pathlib.Path(options["maven.repo.local"], "org/sonarsource/sonarqube/application/1/application-1.zip")
archive.parent.mkdir(parents=True)
archive.write_bytes(b"large")
home = pathlib.Path(options["unpack.directory"], "sonarqube-1/elasticsearch")
(home / "bin").mkdir(parents=True)
(home / "lib").mkdir()
(home / "bin" / "elasticsearch-env").touch(0o600)
(home / "lib" / "elasticsearch-9.9.9.jar").touch(0o600)
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty target, a Maven that works, a JDK that will do."""
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    maven.write_text(MAVEN)
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", str(maven.parent))
    monkeypatch.setattr(fetch, "TARGET", tmp_path / "elasticsearch")
    monkeypatch.setattr(fetch, "find_jdk", lambda: tmp_path)
    return tmp_path / "elasticsearch"


def fetched(version: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["fetch", version])
    return fetch.main()


def test_the_home_is_complete_and_nothing_else_is_left(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched("9.9.9", monkeypatch) == 0
    assert {path.name for path in target.iterdir()} == {"home", "complete"}
    scripts = {path.name: path.stat().st_mode & 0o777 for path in (target / "home" / "bin").iterdir()}
    expected = ("elasticsearch", "elasticsearch-env", "elasticsearch-keystore", "elasticsearch-users")
    assert scripts == dict.fromkeys(expected, 0o755)
    assert (target / "home" / "lib" / "elasticsearch-9.9.9.jar").stat().st_mode & 0o777 == 0o644
    assert (target / "home" / "plugins").is_dir()


def test_what_is_there_is_not_fetched_again(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetched("9.9.9", monkeypatch) == 0
    monkeypatch.setenv("PATH", "")
    assert fetched("9.9.9", monkeypatch) == 0


def test_another_version_is_fetched_anew(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetched("9.9.9", monkeypatch) == 0
    assert fetched("9.9.8", monkeypatch) == 1
    assert "does not hold Elasticsearch 9.9.8: change carrier.version" in capsys.readouterr().err
    assert not (target / "complete").exists()
    assert not (target / "work").exists()


def test_a_missing_maven_is_named(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert fetched("9.9.9", monkeypatch) == 1
    assert capsys.readouterr().err.startswith("missing: mvn")


def test_a_missing_jdk_is_named_before_anything_is_fetched(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none() -> Path:
        raise MissingError("missing: a JDK")

    monkeypatch.setattr(fetch, "find_jdk", none)
    assert fetched("9.9.9", monkeypatch) == 1
    assert capsys.readouterr().err == "missing: a JDK\n"
    assert not target.exists()


def test_a_failed_download_is_reported_and_cleaned_up(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (target.parent / "bin" / "mvn").write_text("#!/bin/sh\nexit 3\n")
    assert fetched("9.9.9", monkeypatch) == 1
    assert "mvn" in capsys.readouterr().err
    assert not (target / "work").exists()
