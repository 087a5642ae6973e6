"""How a command of `throughline` ends, in this process or in one of its own; which it is, its callers say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = Path(sys.executable).with_name("throughline")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[Any]:
        """Its JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def in_a_process(
    arguments: Sequence[str], environment: Mapping[str, str], folder: Path, *, killed: tuple[Path, str] | None = None
) -> Ended:
    """The command with these arguments; `killed`: the program that kills it, and the moment."""
    program = [sys.executable, *map(str, killed)] if killed and killed[1] else [str(COMMAND)]
    ended = subprocess.run(
        [*program, *arguments], env=environment, cwd=folder, timeout=110, check=False, capture_output=True, text=True
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
