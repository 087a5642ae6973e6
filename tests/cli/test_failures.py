"""Bad input, parts that are away, interruptions: a message, what to do next, the exit code, never a traceback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from cli.conftest import NOWHERE, Run
from throughline.cli.failures import reported

COMMAND = Path(sys.executable).with_name("throughline")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("trace", "zz"), "no trace id"),
        (("trace", "abc"), "no trace id"),
        (("records", "--since", "yesterday"), "no point in time"),
        (("records", "--limit", "0"), "--limit"),
        (("records", "--status", "fine"), "--status"),
        (("top", "colour"), "colour"),
        (("top", "--until", "1h", "--since", "now"), "later than"),
    ],
)
def test_bad_input_ends_with_two(run: Run, arguments: tuple[str, ...], says: str) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert says in ended.err


@pytest.mark.parametrize("url", ["", "not a url", "127.0.0.1:9200"])
def test_an_address_that_is_missing_or_wrong_is_bad_input(run: Run, url: str) -> None:
    ended = run("records", ELASTICSEARCH_URL=url)
    assert ended.code == 2
    assert "ELASTICSEARCH_URL" in ended.err
    assert "next:" in ended.err


def test_a_bad_retention_is_bad_input(run: Run) -> None:
    ended = run("setup", THROUGHLINE_RETENTION_TRACES_DAYS="never")
    assert ended.code == 2
    assert "THROUGHLINE_RETENTION" in ended.err


@pytest.mark.parametrize("arguments", [("records",), ("top",), ("trace", "a" * 32), ("setup",)])
def test_a_part_that_is_away_ends_with_three(run: Run, arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.code == 3
    assert "Elasticsearch does not answer" in ended.err
    assert "throughline doctor" in ended.err


def started(*arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {"PATH": os.environ["PATH"], "ELASTICSEARCH_URL": NOWHERE, **variables}
    return subprocess.Popen(
        [COMMAND, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )


def test_the_installed_command_ends_likewise() -> None:
    process = started("records")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert out == ""
    assert "error: Elasticsearch does not answer" in err
    assert "Traceback" not in err


def test_a_fault_of_ours_quotes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, reported():
        raise LookupError("somebody's prompt")
    assert ended.value.exit_code == 70
    err = capsys.readouterr().err
    assert "unexpected LookupError at test_failures.py:" in err
    assert "prompt" not in err


def test_help_names_every_command_and_the_exit_codes() -> None:
    out, _ = started("--help", COLUMNS="160").communicate(timeout=60)
    for word in ("trace", "records", "top", "doctor", "setup", "130 interrupted"):
        assert word in out


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        yield listening


def test_an_interruption_ends_with_130(silent: socket.socket) -> None:
    process = started("records", ELASTICSEARCH_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
    connection, _ = silent.accept()
    with connection:
        assert connection.recv(1)  # the request is under way
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
