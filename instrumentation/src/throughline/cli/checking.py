"""What a check reports; runs none."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a checked thing stands."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, what was found, and what to do unless it is fine."""

    name: str
    state: State
    found: str
    advice: str | None = None


def ok(name: str, found: str) -> Check:
    return Check(name, State.OK, found)


def warning(name: str, found: str, advice: str) -> Check:
    return Check(name, State.WARNING, found, advice)


def failed(name: str, found: str, advice: str) -> Check:
    return Check(name, State.FAILED, found, advice)
