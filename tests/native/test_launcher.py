"""The launcher as a process of its own: signals, its sudden death, a second start, the crash of a part."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest
from native.__main__ import app
from typer.testing import CliRunner, Result

LAUNCHER = Path(__file__).with_name("launcher.py")
FILES = ("store", "gateway", "child")

Launch = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


@pytest.fixture
def launch(run: Path) -> Iterator[Launch]:
    """Starts launchers on the run folder and ends them, with a last resort, after the test."""
    with ExitStack() as started:

        def start(*options: str) -> subprocess.Popen[str]:
            command = [sys.executable, str(LAUNCHER), str(run), *options]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            started.enter_context(process)
            started.callback(process.kill)
            return process

        yield start


def read_until_ready(process: subprocess.Popen[str]) -> None:
    read_until(process, "READY")


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return
    pytest.fail(f"the launcher ended with {process.wait()} and never said {words}")


def processes(run: Path) -> list[psutil.Process]:
    return [psutil.Process(int((run / name).read_text())) for name in FILES]


def all_gone(candidates: list[psutil.Process], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(process) for process in candidates):
            return True
        time.sleep(0.02)
    return False


def alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def addresses(run: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (run / "stack.env").read_text().splitlines())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing_behind(launch: Launch, run: Path, number: signal.Signals) -> None:
    launcher = launch()
    read_until_ready(launcher)
    started = processes(run)
    launcher.send_signal(number)
    assert launcher.wait() == 130
    assert not [process for process in started if alive(process)]
    assert not (run / "stack.env").exists()


def test_a_second_signal_ends_what_does_not_end_by_itself(launch: Launch, run: Path) -> None:
    launcher = launch("--stubborn")
    read_until_ready(launcher)
    started = processes(run)
    launcher.send_signal(signal.SIGINT)
    read_until(launcher, "gateway")  # it has stopped, and now its store is waited for, for a long time
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait() == 130
    assert all_gone(started)
    assert not (run / "stack.env").exists()


def test_the_launchers_sudden_death_leaves_no_part_running(launch: Launch, run: Path) -> None:
    launcher = launch()
    read_until_ready(launcher)
    *parts, child = processes(run)
    launcher.kill()
    try:
        assert all_gone(parts)
    finally:
        child.kill()  # only a part's own process is the part's to end, as Elasticsearch does


def test_after_a_sudden_death_the_next_start_works(launch: Launch, run: Path) -> None:
    first = launch()
    read_until_ready(first)
    _, _, child = processes(run)
    first.kill()
    first.wait()
    child.kill()
    read_until_ready(launch())


def test_a_second_start_is_refused_and_the_first_goes_on(launch: Launch, run: Path) -> None:
    first = launch()
    read_until_ready(first)
    second = launch()
    output, _ = second.communicate()
    assert second.returncode == 1
    assert "already running" in output
    assert str(first.pid) in output
    assert "Traceback" not in output
    assert all(alive(process) for process in processes(run))
    assert (run / "stack.env").exists()


def test_a_crash_is_reported_with_the_end_of_the_log_and_stops_the_stack(launch: Launch, run: Path) -> None:
    launcher = launch()
    read_until_ready(launcher)
    started = processes(run)
    with suppress(OSError):
        urllib.request.urlopen(f"{addresses(run)['GATEWAY_URL']}/crash", timeout=10)
    output, _ = launcher.communicate()
    assert launcher.returncode == 1
    assert "gateway ended with exit code 7" in output
    assert output.index("stopping the rest") < output.index("stopped"), "said before the wait, not after it"
    assert "last words" in output
    assert "Traceback" not in output
    assert not [process for process in started if alive(process)]


def test_the_addresses_are_for_the_owner_alone_and_answer(launch: Launch, run: Path) -> None:
    read_until_ready(launch())
    assert stat.S_IMODE((run / "stack.env").stat().st_mode) == 0o600
    assert stat.S_IMODE((run / "logs" / "gateway.log").stat().st_mode) == 0o600
    with urllib.request.urlopen(addresses(run)["GATEWAY_URL"], timeout=10) as answer:
        assert answer.status == 200


def test_the_status_tells_a_running_stack_from_what_a_killed_one_left(launch: Launch, run: Path) -> None:
    def status() -> Result:
        return CliRunner().invoke(app, ["status", "--run", str(run)])

    assert status().exit_code == 1
    launcher = launch()
    read_until_ready(launcher)
    answer = status()
    assert answer.exit_code == 0
    assert answer.output == (run / "stack.env").read_text()
    *_, child = processes(run)
    launcher.kill()
    launcher.wait()
    child.kill()
    assert (run / "stack.env").exists()
    assert status().exit_code == 1


def test_parts_do_not_get_signals_meant_for_the_terminals_group(launch: Launch, run: Path) -> None:
    launcher = launch()
    read_until_ready(launcher)
    groups = {os.getpgid(process.pid) for process in processes(run)[:2]}
    assert len(groups) == 2
    assert os.getpgid(launcher.pid) not in groups
