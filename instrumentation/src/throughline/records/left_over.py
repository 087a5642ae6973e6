"""Chains of dead processes: found, adopted by one living process each, and counted. It sends none."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time

from throughline.records.folders import GONE, NEW, REFUSED
from throughline.records.ownership import LOCK, Ownership
from throughline.records.segments import each_waiting
from throughline.records.spool import Spool, WrongKeyError

_CHAIN = re.compile(r"[0-9a-f]{32}")
_ABANDONED = 60.0  # seconds: nobody takes as long to make a folder


@dataclass(frozen=True, slots=True)
class Chain:
    """What lies in one chain's folder."""

    id: str
    service: str
    is_alive: bool
    """Its process lives, or another is delivering it."""
    waiting_records: int
    waiting_bytes: int
    statements: int
    """Not yet sent, or not yet anchored."""
    key: str | None
    """Under which it is sealed."""


@dataclass(frozen=True, slots=True)
class Status:
    """What lies in a root."""

    chains: tuple[Chain, ...]
    refused: int
    """Records set aside because the Collector never took them, or because they were damaged."""


def status(root: Path) -> Status:
    """What waits there, for whoever asks; changes nothing. Raises OSError where it may not look."""
    chains = tuple(chain for folder in _folders(root) if (chain := _chain(folder)) is not None)
    return Status(chains, sum(path.suffix != ".json" for path in (root / REFUSED).glob("*")))


def adopt(root: Path, key: bytes | None, most: int) -> tuple[list[Spool], int]:
    """Up to so many chains of dead processes, owned now by this one; and how many are under a key we have not."""
    adopted: list[Spool] = []
    unknown = 0
    for folder in _folders(root):
        if len(adopted) >= most:
            break
        try:
            spool = Spool.take_over(folder, key)
        except WrongKeyError:
            unknown += 1
        except (OSError, ValueError, KeyError, TypeError):  # another user's, or spoilt: nothing that we may touch
            continue
        else:
            adopted += [spool] if spool is not None else []
    return adopted, unknown


def clear(root: Path) -> None:
    """Remove what a process left that died while it made or removed a folder."""
    for folder in root.glob(f"{GONE}*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in root.glob(f"{NEW}*"):
        with suppress(OSError):
            if time() - folder.stat().st_mtime < _ABANDONED:
                continue
            if (ownership := Ownership.take(folder)) is not None:
                ownership.release()
            elif (folder / LOCK).exists():
                continue
            shutil.rmtree(folder, ignore_errors=True)


def _folders(root: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        yield from sorted(path for path in root.iterdir() if _CHAIN.fullmatch(path.name))


def _chain(folder: Path) -> Chain | None:
    try:
        described = json.loads((folder / "resource.json").read_bytes())
        waiting = list(each_waiting(folder))
        statements = len(list((folder / "statements").glob("*.json")))
        is_alive = _is_owned(folder)
    except (FileNotFoundError, ValueError):  # delivered meanwhile
        return None
    return Chain(
        id=folder.name,
        service=str(described["resource"].get("service.name", "")),
        is_alive=is_alive,
        waiting_records=len(waiting),
        waiting_bytes=sum(waiting),
        statements=statements,
        key=described["key"],
    )


def _is_owned(folder: Path) -> bool:
    descriptor = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
