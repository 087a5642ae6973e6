"""The `throughline` command on a secured stack: stack.env is all it needs, and a file that is wrong is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from native.stack import Stack
from throughline.cli.application import application
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.stack


@pytest.fixture
def told(secure_stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What stack.env says, and nothing else of where the parts are."""
    monkeypatch.chdir(tmp_path)
    lines = (secure_stack.logs.parent / "stack.env").read_text().splitlines()
    return {**dict(line.split("=", 1) for line in lines), "OTEL_SERVICE_NAME": "tested"}


def run(told: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(application, arguments, env=told)


def checks(told: dict[str, str]) -> dict[str, Any]:
    lines = run(told, "doctor", "--json").stdout.splitlines()
    return {check["check"]: check for check in map(json.loads, lines)}


def test_the_doctor_finds_every_part_sound(told: dict[str, str]) -> None:
    found = checks(told)
    for part in ("Collector OTLP", "Collector health", "Elasticsearch", "index templates", "Jaeger"):
        assert found[part]["state"] == "ok", found[part]


def test_the_doctor_sees_that_certificates_are_missing(told: dict[str, str]) -> None:
    bare = {
        name: value for name, value in told.items() if not name.endswith(("_CA_FILE", "_CERTIFICATE", "_CLIENT_KEY"))
    }
    found = checks(bare)
    assert {found[part]["state"] for part in ("Collector OTLP", "Elasticsearch", "Jaeger")} == {"failed"}


def test_setup_works_by_the_operators_key_and_changes_nothing(told: dict[str, str]) -> None:
    assert json.loads(run(told, "setup", "--json").stdout) == {"changes": []}


@pytest.mark.parametrize(
    ("variable", "content", "said"),
    [
        ("ELASTICSEARCH_CA_FILE", None, "cannot read"),
        ("ELASTICSEARCH_CA_FILE", "no key", "holds no certificate"),
        ("ELASTICSEARCH_CLIENT_KEY", "no key", "are not a certificate and its key"),
        ("ELASTICSEARCH_API_KEY_FILE", None, "No such file"),
    ],
)
def test_a_file_that_is_wrong_is_named_and_not_quoted(
    told: dict[str, str], tmp_path: Path, variable: str, content: str | None, said: str
) -> None:
    file = tmp_path / "wrong"
    if content:
        file.write_text(content)
    ended = run({**told, variable: str(file)}, "records")
    assert ended.exit_code == 2
    assert said in ended.stderr
    assert "wrong" in ended.stderr
    assert "no key" not in ended.stderr


def test_verdicts_are_published_by_the_operators_key_alone(told: dict[str, str]) -> None:
    """Before anything is read, and not by whoever may read all."""
    scope = ("verify", "--namespace", "nobody-writes-here", "--publish")
    assert run(told, *scope).exit_code == 0
    ended = run({**told, "THROUGHLINE_OPERATOR_API_KEY_FILE": ""}, *scope)
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert "you may not publish reports" in ended.stderr
    assert "THROUGHLINE_OPERATOR_API_KEY_FILE" in ended.stderr
