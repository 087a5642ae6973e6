"""The folder of one stack's state, data and logs, and the lock that keeps a second launcher out of it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO


class AlreadyRunningError(Exception):
    """Another launcher uses this run directory."""


def is_running(path: Path) -> bool:
    """Whether a launcher uses this run directory now; what a killed one left in it does not count."""
    try:
        with (path / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class RunDirectory:
    """Locked for as long as it is open; the kernel unlocks it when the launcher dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = self._locked()
        self.environment_file.unlink(missing_ok=True)  # a killed launcher's addresses, until ours are known

    @property
    def logs(self) -> Path:
        """One file for each part."""
        return self.path / "logs"

    @property
    def environment_file(self) -> Path:
        """Where other processes find the stack's addresses while it runs."""
        return self.path / "stack.env"

    def publish(self, environment: Mapping[str, str]) -> None:
        """Write the addresses, whole or not at all, for the owner alone."""
        draft = self.environment_file.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as lines:
            lines.writelines(f"{name}={value}\n" for name, value in sorted(environment.items()))
        draft.replace(self.environment_file)

    def close(self) -> None:
        """Withdraw the addresses and let the next launcher in."""
        self.environment_file.unlink(missing_ok=True)
        self._lock.close()

    def _locked(self) -> IO[str]:
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise AlreadyRunningError(
                f"a stack is already running in {self.path} (launcher process {holder}); "
                f"use it (`python -m native status` has its addresses), or stop it first with Ctrl-C there"
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        return lock
