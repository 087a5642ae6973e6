"""Who owns a spool's folder: the process that holds its lock, and nobody once that is dead. It reads nothing else."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from functools import cache
from pathlib import Path

LOCK = "lock"


class Ownership:
    """A folder's lock, held until it is released or the process ends, however it ends."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _watch_forks()
        _held.add(self)

    @classmethod
    def take(cls, folder: Path) -> Ownership | None:
        """None when a living process owns the folder, or when it is gone."""
        path = folder / LOCK
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        if _locked(descriptor) and _is_there(descriptor, path):
            return cls(descriptor)
        os.close(descriptor)
        return None

    @classmethod
    def create(cls, folder: Path) -> Ownership:
        """Of a folder that nobody else looks at yet."""
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return cls(descriptor)

    def release(self) -> None:
        """Let others have the folder."""
        descriptor, self._descriptor = self._descriptor, -1
        _held.discard(self)
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_there(descriptor: int, path: Path) -> bool:
    """Whether the lock just got is still the folder's: its last owner may have removed it meanwhile."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (held.st_dev, held.st_ino) == (found.st_dev, found.st_ino)


_held: set[Ownership] = set()


@cache
def _watch_forks() -> None:
    """A child shares its parent's locks until it closes them, and would keep them beyond the parent's death."""
    os.register_at_fork(after_in_child=_release_all)


def _release_all() -> None:
    for ownership in list(_held):
        ownership.release()
