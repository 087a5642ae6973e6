"""One child process with its own process group and log file; it knows nothing of order, health or the stack."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

TAIL_LINES = 25


class ChildProcess:
    """Started at once; the kernel kills it when the launcher dies, however the launcher dies."""

    def __init__(
        self, argv: tuple[str, ...], environment: Mapping[str, str], log: Path, folder: Path | None = None
    ) -> None:
        self.log = log
        self.started = time.monotonic()
        with _private(log) as output:
            self._process = subprocess.Popen(
                [*_dies_with_parent(), *argv],
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def age(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started

    def terminate(self) -> None:
        """Ask the whole group to end."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the whole group, which may outlive its leader, and wait for the leader."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def _dies_with_parent() -> tuple[str, ...]:
    """PR_SET_PDEATHSIG by util-linux, so that no code of ours runs between fork and exec."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL", "--") if setpriv else ()


def _private(log: Path) -> IO[bytes]:
    """An empty log that only its owner reads."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
