"""The commands that the person at a running stack would give, and what they say; it judges nothing that they find."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from native import dashboards
from native.stack import PROGRAMS, Stack


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended."""

    code: int
    said: str
    complained: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it said with --json."""
        return [json.loads(line) for line in self.said.splitlines()]

    @property
    def trouble(self) -> str:
        """The last that it complained of."""
        return next(iter(self.complained.strip().splitlines()[-1:]), "")


class Commands:
    """In the environment of one stack."""

    def __init__(self, stack: Stack) -> None:
        spool = {"THROUGHLINE_SPOOL": str(stack.logs.parent / "spool" / "operator")}
        self._environment = {**stack.supervisor.environment, **stack.addresses, **spool}

    def empty_panels(self, seconds: float) -> list[str]:
        """Which panels of the dashboards show nothing of the last so many seconds, and why."""
        return dashboards.empty_panels(self._environment, seconds)

    def throughline(self, *arguments: str) -> Done:
        """`throughline` with these arguments."""
        command = (str(PROGRAMS / "throughline"), *arguments)
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        return Done(done.returncode, done.stdout, done.stderr)
