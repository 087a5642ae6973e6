"""The runbooks of all alert rules, in the rules' order: an alert leads to its panel by that place."""

from functools import partial
from typing import Final

from alerts import RULES
from board import Board, Make, Row
from panels.runbooks import runbook

_BESIDE: Final = 2
_PANELS: Final[tuple[Make, ...]] = tuple(partial(runbook, rule) for rule in RULES)


def _row(first: int) -> Row:
    beside = _PANELS[first : first + _BESIDE]
    return 12, tuple((make, 24 // len(beside)) for make in beside)


BOARD: Final = Board(
    name="runbooks",
    title="Runbooks",
    description="What each alert means, where to look first, and what to do.",
    variables=(),
    refresh="",
    rows=tuple(_row(first) for first in range(0, len(_PANELS), _BESIDE)),
)
