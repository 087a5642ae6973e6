"""A spool's folders and their small files, made private and removed whole. It knows nothing of what is in them."""

from __future__ import annotations

import os
import shutil
import zlib
from contextlib import suppress
from pathlib import Path

NEW, GONE, REFUSED = "new-", "gone-", "refused"
"""How chains' folders are called while they are being made and removed; and where what was set aside lies."""


def write_private(path: Path, content: bytes, *, fsync: bool) -> None:
    """A new file that only its owner reads. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
        file.write(content)
        file.flush()
        if fsync:
            os.fsync(descriptor)


def remove(folder: Path) -> None:
    """Under another name first: who dies in the middle of it leaves no half of a chain."""
    gone = folder.with_name(f"{GONE}{folder.name}")
    with suppress(OSError):
        folder.rename(gone)
        shutil.rmtree(gone)


def set_aside(folder: Path, name: str, content: bytes) -> None:
    """Keep something of a chain's folder after that is gone."""
    refused = folder.parent / REFUSED
    refused.mkdir(mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        write_private(refused / name, content, fsync=True)


def set_damaged_aside(folder: Path, rest: bytes) -> None:
    """Keep what can be read no more, for whoever can."""
    if rest:
        set_aside(folder, f"{folder.name}-{zlib.crc32(rest):08x}.damaged", rest)


def sync_folder(folder: Path) -> None:
    """Put a folder's entries onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
