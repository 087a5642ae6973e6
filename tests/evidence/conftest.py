"""A ledger of one test's own, and the command that verifies it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import commanding
import pytest
from elasticsearch import Elasticsearch
from evidence.ledger import Chain, Ledger
from evidence.signing import Key, write_keys
from throughline.cli.application import application
from typer.testing import CliRunner


class Ended(commanding.Ended):
    """How a verification ended."""

    @property
    def whole(self) -> dict[str, Any]:
        """The sum at the end."""
        return dict(self.lines[-1])

    @property
    def found(self) -> dict[str, int]:
        """What was found, and how often; notes, too."""
        counts: dict[str, int] = {}
        for line in self.lines[:-1]:
            counts[line["found"]] = counts.get(line["found"], 0) + line["count"]
        return counts

    def places(self, kind: str) -> list[tuple[Any, Any]]:
        return [(each["first"], each["last"]) for line in self._of(kind) for each in line["places"]]

    def ids(self, kind: str) -> list[str]:
        return [each["record"] for line in self._of(kind) for each in line["places"]]

    def what(self, kind: str) -> list[str]:
        return [each["what"] for line in self._of(kind) for each in line["places"]]

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines[:-1] if line["found"] == kind]


Run = Callable[..., Ended]


@pytest.fixture(scope="session")
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as client:
        yield client


@pytest.fixture(scope="session")
def key() -> Key:
    return Key()


@pytest.fixture(scope="session")
def operator() -> Key:
    return Key("operator")


@pytest.fixture
def keys(tmp_path: Path, key: Key, operator: Key) -> Path:
    return write_keys(tmp_path / "keys.json", key, operator)


@pytest.fixture(scope="session")
def namespace() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def ledger(client: Elasticsearch, tmp_path: Path, namespace: str) -> Iterator[Ledger]:
    (tmp_path / "anchor").mkdir()
    ledger = Ledger(client, tmp_path / "anchor", namespace)
    yield ledger
    ledger.remove()


@pytest.fixture
def chain(ledger: Ledger, key: Key) -> Chain:
    """Of 35 records, stated every 10, and closed; stored and anchored."""
    chain = Chain(key).fill(35)
    ledger.write(chain)
    return chain


@pytest.fixture
def run(tmp_path: Path, elasticsearch: str, keys: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command on the session's Elasticsearch, with the test's keys and anchor; keywords are variables."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    settings = {
        "ELASTICSEARCH_URL": elasticsearch,
        "THROUGHLINE_KEY_LIST": str(keys),
        "THROUGHLINE_ANCHOR": (tmp_path / "anchor").as_uri(),
    }

    def command(*arguments: str, **variables: str) -> Ended:
        ended = CliRunner().invoke(application, arguments, env={**settings, **variables})
        if ended.exception and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(ended.exit_code, ended.stdout, ended.stderr)

    return command


@pytest.fixture
def verify(run: Run, ledger: Ledger) -> Run:
    """Verify the test's ledger, as JSON."""

    def command(*arguments: str, **variables: str) -> Ended:
        return run("verify", "--json", "--namespace", ledger.namespace, *arguments, **variables)

    return command
