"""A chain's statements as small files beside its records, until they are anchored and sent. It signs and sends none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from throughline.records.proof import canonical

_ENDS: Final = ("closed", "recovered")
_MOST: Final = 1_000
"""Files. A later statement covers what an earlier one does, so that of too many the oldest are the ones to go."""


class Statements:
    """Those of one chain, by their files' names, which sort as they came. Its owner holds a lock around changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "statements"
        self._ended = folder / "ended"
        self.waiting: list[str] = []
        if self._folder.is_dir():
            self.waiting = sorted(path.name for path in self._folder.glob("*.json"))

    def add(self, statement: Mapping[str, Any]) -> None:
        """Written whole or not at all."""
        name = f"{statement['sequence'] + 1:012d}-{statement['kind']}.json"
        begun = self._folder / f"{name}.new"
        descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(canonical(statement).encode())
        begun.rename(self._folder / name)
        if statement["kind"] in _ENDS:
            self._ended.touch(0o600)
        if name not in self.waiting:
            self.waiting.append(name)
        self._thin_out()

    def read(self, name: str) -> dict[str, Any]:
        statement: dict[str, Any] = json.loads((self._folder / name).read_bytes())
        return statement

    def remove(self, name: str) -> None:
        if name in self.waiting:
            self.waiting.remove(name)
            (self._folder / name).unlink(missing_ok=True)

    @property
    def has_ended(self) -> bool:
        """Whether the chain was closed, so that nobody may close it again."""
        return self._ended.exists() or any(_kind(name) in _ENDS for name in self.waiting)

    def _thin_out(self) -> None:
        if len(self.waiting) > _MOST:
            oldest = next((name for name in self.waiting if _kind(name) == "interval"), None)
            if oldest is not None:
                self.remove(oldest)


def _kind(name: str) -> str:
    return name.removesuffix(".json").partition("-")[2]
