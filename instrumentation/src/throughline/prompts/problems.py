"""What is wrong with prompt files, and what ends a call for a prompt; finds nothing wrong by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to correct: in which file, below the folder, at which field, and what to do. Quotes no variable."""

    file: str
    field: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.field, self.message) if part)


class PromptError(Exception):
    """A prompt cannot be had or rendered; the message says what to do, and quotes no variable's value."""


class UnknownPromptError(PromptError):
    """There is no such prompt, version or variant; `what` says which of the three. Quotes not what was asked for."""

    def __init__(self, what: Literal["prompt", "version", "variant"], message: str) -> None:
        super().__init__(message)
        self.what = what


class RenderingError(PromptError):
    """A variable is missing, not declared or of another kind, or the template fails with these values."""


class BrokenFolderError(PromptError):
    """The folder of prompt files has problems, each of which is in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
