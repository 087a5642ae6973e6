"""What waits on this machine's disk, as a person sees it and sends it on; real processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import Run
from instrumentation.records.receiving import Receiver, serving
from throughline.records import keys
from throughline.records.keys import Purpose

PROGRAM = """
import os, sys
from throughline.records.journal import Journal
from throughline.settings import Settings
journal = Journal.open(Settings.from_environment(), {"service.name": "killed"})
for number in range(int(sys.argv[1])):
    assert journal.append("throughline.operation.details", {}, time=1)
print("kept", flush=True)
if sys.argv[2] == "die":
    os.kill(os.getpid(), 9)
sys.stdin.read()
os._exit(0)
"""
NOWHERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets where to send for its own process."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    key = tmp_path / "own.pem"
    key.write_bytes(keys.private_pem(keys.new_private_key(Purpose.SIGNING)))
    return {"THROUGHLINE_SPOOL": str(tmp_path / "spool"), "THROUGHLINE_SIGNING_KEY_FILE": str(key)}


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, dict[str, str]]]:
    own = Receiver()
    with serving(own) as port:
        yield own, {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}


def killed(count: int, settings: dict[str, str]) -> None:
    """A process that kept so many records and was killed."""
    environment = {"PATH": os.environ["PATH"], **settings, **NOWHERE}
    command = [sys.executable, "-c", PROGRAM, str(count), "die"]
    done = subprocess.run(command, env=environment, timeout=60, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL


def test_left_over_chains_are_shown_and_sent(
    run: Run, settings: dict[str, str], receiver: tuple[Receiver, dict[str, str]]
) -> None:
    own, where = receiver
    killed(3, settings)
    killed(2, settings)
    shown = run("spool", **settings)
    assert (shown.code, shown.out.count("left over"), shown.out.count("killed")) == (0, 3, 2)
    *chains, refused = run("spool", "--json", **settings).lines
    assert sorted((chain["state"], chain["waiting_records"]) for chain in chains) == [
        ("left over", 2),
        ("left over", 3),
    ]
    assert refused == {"refused": 0}
    sent = run("spool", "send", "--json", **settings, **where)
    assert (sent.code, sent.lines) == (0, [{"delivered": 2, "left": 0}])
    events = [record.event_name for record in own.records]
    assert events.count("throughline.operation.details") == 5
    assert events.count("throughline.chain.checkpoint") >= 2
    assert "nothing waits" in run("spool", **settings).out
    assert run("spool", "send", **settings, **where).code == 0


def test_a_living_process_keeps_its_own(
    run: Run, settings: dict[str, str], receiver: tuple[Receiver, dict[str, str]]
) -> None:
    environment = {"PATH": os.environ["PATH"], **settings, **NOWHERE}
    command = [sys.executable, "-c", PROGRAM, "1", "live"]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout
        assert living.stdin
        assert living.stdout.readline() == b"kept\n"
        sent = run("spool", "send", "--json", **settings, **receiver[1])
        (chain, _) = run("spool", "--json", **settings).lines
        living.stdin.close()
    assert (sent.code, sent.lines) == (0, [{"delivered": 0, "left": 0}])
    assert (chain["state"], chain["waiting_records"]) == ("living", 1)
    assert receiver[0].records == []


def test_what_cannot_be_sent_stays_and_the_exit_code_says_so(run: Run, settings: dict[str, str]) -> None:
    killed(1, settings)
    sent = run("spool", "send", "--wait", "0.5", **settings, **NOWHERE)
    assert sent.code == 1
    assert "1 left" in sent.out
    assert "next:" in sent.out
    assert run("spool", "--json", **settings).lines[0]["waiting_records"] == 1


def test_what_cannot_be_is_said_with_what_to_do(run: Run, settings: dict[str, str], tmp_path: Path) -> None:
    for variables, said in (
        ({"THROUGHLINE_SPOOL": "off"}, "--folder"),
        ({"THROUGHLINE_SPOOL_BYTES": "many"}, "THROUGHLINE_SPOOL_BYTES"),
    ):
        ended = run("spool", **{**settings, **variables})
        assert ended.code == 2
        assert said in ended.err
    killed(1, settings)
    ended = run("spool", "send", **{**settings, "THROUGHLINE_SIGNING_KEY_FILE": str(tmp_path / "none.pem")})
    assert ended.code == 2
    assert "THROUGHLINE_SIGNING_KEY_FILE" in ended.err


def test_the_default_folder_is_looked_at_where_none_is_named(run: Run, tmp_path: Path) -> None:
    assert "state/throughline/spool" in run("spool", XDG_STATE_HOME=str(tmp_path / "state")).out
