"""Brings spools' statements to the anchor, on a thread of its own. Where the anchor is, and how, is its caller's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from throughline.records.background import Background, Rest
from throughline.records.spool import Spool

Anchor = Callable[[Mapping[str, Any]], None]
_LONGEST_PAUSE: Final = 60.0
_LOOK_EVERY: Final = 30.0


class Anchoring:
    """`anchor` may take long, and may raise: then it is called again later."""

    def __init__(
        self,
        anchor: Anchor,
        spools: Callable[[], Iterable[Spool]],
        anchored: Callable[[], None],
        say: Callable[..., None],
        pause: float,
    ) -> None:
        self._anchor, self._spools, self._anchored, self._say, self._pause = anchor, spools, anchored, say, pause
        self._trouble = 0
        self._background = Background(self._turn)

    def wake(self) -> None:
        """There may be a new statement."""
        if self._has_work():
            self._background.wake()

    def hurry(self, seconds: float) -> None:
        """Somebody waits for so long."""
        if self._has_work():
            self._background.hurry(seconds)

    def stop(self) -> None:
        """Leave the rest to the next process."""
        self._background.stop()

    def _has_work(self) -> bool:
        return any(spool.statements.waiting for spool in self._spools())

    def _turn(self) -> Rest:
        for spool in self._spools():
            for name in spool.statements_to("anchor"):
                if self._background.is_stopped or not self._bring(spool, name):
                    pause = self._pause * 2.0 ** min(max(self._trouble - 1, 0), 16)
                    return Rest(min(pause, _LONGEST_PAUSE), is_pause=True)
        return Rest(_LOOK_EVERY)

    def _bring(self, spool: Spool, name: str) -> bool:
        try:
            self._anchor(spool.statements.read(name))
        except FileExistsError:
            self._say("a statement's place at the anchor is taken by another, which stays")
        except Exception as error:
            if spool.closed:  # and gone
                return True
            self._trouble += 1
            self._say("statements wait on disk: the anchor does not take them: %s", type(error).__qualname__)
            return False
        self._trouble = 0
        spool.statement_done(name, "anchor")
        self._anchored()
        return True
