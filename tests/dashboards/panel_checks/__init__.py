"""Which numbers each panel shows for the known data set; a module for each board, and here how a panel is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dashboards import known
from dashboards.conftest import Ask, Plain
from preview.datasource import Columns, Everything, columns, frames, series, transformed

ALL = Everything("(*:*)")


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel as it is seen when its board is opened, or with other choices."""

    board: Plain
    panel: Plain
    ask: Ask

    def columns(self, **chosen: str | list[str]) -> Columns:
        """What a table, a stat or a bar gauge gets, as the panel's transformations leave it."""
        found = [
            frame
            for target in self.panel["targets"]
            for frame in frames(target, self.ask(self.board, target, **chosen))
        ]
        return columns(transformed(found, self.panel.get("transformations", [])))

    def rows(self, **chosen: str | list[str]) -> list[Plain]:
        """The same, row by row."""
        found = self.columns(**chosen)
        return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]

    def series(self, **chosen: str | list[str]) -> dict[str, list[Any]]:
        """The series of a panel over time: its values, a minute each."""
        found: dict[str, list[Any]] = {}
        for target in self.panel["targets"]:
            for name, points in series(target, self.ask(self.board, target, **chosen)).items():
                assert [time for time, _ in points] == sorted({time for time, _ in points})
                assert all(known.START <= time <= known.END for time, _ in points)
                found[name] = [value for _, value in points]
        return found


Check = Callable[[Shown], None]
CHECKS: dict[tuple[str, str], Check] = {}


def checks(board: str, *titles: str) -> Callable[[Check], Check]:
    """Says of which panels of a board a function knows the numbers."""

    def register(check: Check) -> Check:
        CHECKS.update({(board, title): check for title in titles})
        return check

    return register
