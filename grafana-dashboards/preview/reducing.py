"""The single values that a stat, a gauge or a pie shows: one a field and calculation, or one a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from preview.frames import Frame, Kind, Plain
from preview.look import Look, looks
from preview.reducers import calculated
from preview.transformations import pattern

_MOST: Final = 25


@dataclass(frozen=True, slots=True)
class Single:
    """One value with its name, and the field that it comes of."""

    name: str
    value: Any
    look: Look

    @property
    def text(self) -> str:
        """As it is written."""
        return self.look.text(self.value)

    @property
    def colour(self) -> str:
        """As its field colours it."""
        return self.look.colour(self.value)


def singles(panel: Plain, frames: Sequence[Frame]) -> list[Single]:
    """The values in their order; without a calculation it is the last one that there is."""
    options = (panel.get("options") or {}).get("reduceOptions") or {}
    found: list[Single] = []
    for of_frame in looks(panel, frames):
        chosen = [look for look in of_frame if _is_chosen(look, str(options.get("fields") or ""))]
        if options.get("values"):
            found += _rows(of_frame, chosen, int(options.get("limit") or _MOST))
        else:
            for look in chosen:
                for calculation in options.get("calcs") or ["lastNotNull"]:
                    found.append(Single(look.name, calculated(calculation, look.field.values), look))
    return found


def _is_chosen(look: Look, fields: str) -> bool:
    if look.is_hidden:
        return False
    return bool(pattern(fields).search(look.name)) if fields else look.field.kind is Kind.NUMBER


def _rows(of_frame: Sequence[Look], chosen: Sequence[Look], most: int) -> list[Single]:
    """Named by the texts of their row, and by the field where there are several."""
    texts = [look for look in of_frame if look.field.kind is Kind.STRING and look not in chosen]
    rows = min(most, len(of_frame[0].field.values) if of_frame else 0)
    found = []
    for row in range(rows):
        name = " ".join(str(look.field.values[row]) for look in texts)
        for look in chosen:
            whole = f"{name} {look.name}" if len(chosen) > 1 and name else name or look.name
            found.append(Single(whole, look.field.values[row], look))
    return found
