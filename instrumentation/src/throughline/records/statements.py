"""A chain's statements as small files beside its records, until they are anchored and sent. It signs and sends none."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from throughline import names
from throughline.records.proof import canonical

ENDS: Final = ("closed", "recovered")
_TASKS: Final = ("send", "anchor")
_MOST: Final = 1_000
"""Files. A later statement covers what an earlier one does, so that of too many the oldest are the ones to go."""


def attributes_of(statement: Mapping[str, Any]) -> dict[str, Any]:
    """What the log record says that carries it to Elasticsearch; its id is that of the document, too."""
    chain, sequence, ends = statement["chain"], int(statement["sequence"]), statement["kind"] in ENDS
    return {
        names.RECORD_ID: f"{chain}{sequence + 1:015x}{int(ends)}",
        names.CHAIN_ID: chain,
        names.CHAIN_SEQUENCE: sequence,
        names.CHECKPOINT_STATEMENT: canonical(statement),
        names.CHECKPOINT_CLOSED: ends,
        names.SIGNING_KEY_ID: statement["key"],
        names.RECORD_TIME_UNIX_NANO: int(statement["time"]),
    }


class Statements:
    """Those of one chain, by their files' names, which sort as they came. Its owner holds a lock around changes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "statements"
        self._ended = folder / "ended"
        self._left: dict[str, set[str]] = {}  # what is to be done yet with each
        for path in sorted(self._folder.glob("*.json")):
            self._left[path.name] = set(_TASKS)

    def add(self, statement: Mapping[str, Any]) -> None:
        """Written whole or not at all."""
        name = f"{statement['sequence'] + 1:012d}-{statement['kind']}.json"
        begun = self._folder / f"{name}.new"
        descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor is no path
            file.write(canonical(statement).encode())
        begun.rename(self._folder / name)
        if statement["kind"] in ENDS:
            self._ended.touch(0o600)
        self._left[name] = set(_TASKS)
        self._thin_out()

    def read(self, name: str) -> dict[str, Any]:
        statement: dict[str, Any] = json.loads((self._folder / name).read_bytes())
        return statement

    def done(self, name: str, *tasks: str) -> None:
        """These have been done with it; when all are, it is gone."""
        left = self._left.get(name, set())
        left.difference_update(tasks)
        if not left and self._left.pop(name, None) is not None:
            (self._folder / name).unlink(missing_ok=True)

    def waiting_to(self, task: str) -> list[str]:
        """With which this is to be done yet."""
        return [name for name, left in self._left.items() if task in left]

    @property
    def waiting(self) -> int:
        """How many are not done with."""
        return len(self._left)

    @property
    def has_ended(self) -> bool:
        """Whether the chain was closed, so that nobody may close it again."""
        return self._ended.exists() or any(_kind(name) in ENDS for name in list(self._left))

    def _thin_out(self) -> None:
        if len(self._left) > _MOST:
            oldest = next((name for name in self._left if _kind(name) == "interval"), None)
            if oldest is not None:
                self.done(oldest, *_TASKS)


def _kind(name: str) -> str:
    return name.removesuffix(".json").partition("-")[2]
