"""One thing that has to hold after the demo, and what was found of it; finds nothing itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that has to hold, and what was found."""

    claim: str
    holds: bool
    found: str
