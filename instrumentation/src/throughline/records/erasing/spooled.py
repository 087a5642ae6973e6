"""What of one person lies in spools on this machine, on its way to the Collector; it delivers and removes none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from throughline.records import left_over
from throughline.records.erasing.erasure import SHORT
from throughline.records.erasing.person import Trail

_CHUNK: Final = 1 << 20
_WHEN: Final = "they go when all that waits there is delivered; run it again then"


def remains(root: Path, trail: Trail) -> Iterator[str]:
    """In words, what is left of him there. What is sealed cannot be searched, and so may be his."""
    try:
        found = left_over.status(root)
    except OSError as error:
        yield f"what may be in the spool {root}, which cannot be read ({type(error).__name__})"
        return
    sealed = sum(chain.waiting_records for chain in found.chains if chain.key)
    if sealed:
        yield f"{sealed} sealed records that wait in the spool {root} and may be his; run it again when they are gone"
    marks = [mark.encode() for mark in _marks(trail)]
    waiting = sum(
        any(_holds(path, marks) for path in _files(root / chain.id)) for chain in found.chains if not chain.key
    )
    if waiting:
        yield f"records of his in the files of {waiting} spools of {root}: {_WHEN}"
    refused = [path for path in _files(root / "refused") if _holds(path, marks)]
    if refused:
        yield f"{len(refused)} records of his that the Collector refused, as files in {root / 'refused'}: remove them"


def _marks(trail: Trail) -> Iterator[str]:
    """What tells in a file that it is about him: his name as a value, as JSON may write it."""
    for text in {json.dumps(trail.user), json.dumps(trail.user, ensure_ascii=False)}:
        yield text if len(trail.user) < SHORT else text[1:-1]


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_file())


def _holds(path: Path, marks: list[bytes]) -> bool:
    overlap = max(map(len, marks)) - 1
    try:
        with path.open("rb") as file:
            before = b""
            while block := file.read(_CHUNK):
                if any(mark in before + block for mark in marks):
                    return True
                before = block[-overlap:] if overlap else b""
    except FileNotFoundError:  # delivered meanwhile
        return False
    return False
