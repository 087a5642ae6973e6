"""Delivers what lies in spools, this process's and dead ones', on threads of its own. It makes no record.

A record is settled when the Collector took it. What is not settled when the process ends is for the next one.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import weakref
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Final

from throughline.records import left_over
from throughline.records.anchoring import Anchor, Anchoring
from throughline.records.background import Background, Rest
from throughline.records.courier import Counts, Courier
from throughline.records.export import NoExporterError
from throughline.records.lanes import Lane, lanes
from throughline.records.spool import Head, Spool

__all__ = ["Anchor", "Counts", "Recovered", "Sender"]

_log = logging.getLogger(__name__)
Recovered = Callable[[str, Head, Mapping[str, Any], int], Mapping[str, Any] | None]
"""Called with chain, head, resource and the newest time known; gives the statement that closes the chain."""
_LINGER: Final = 0.2  # seconds in which more may come, after the first
_LOOK_EVERY: Final = 30.0  # seconds, for what dead processes left
_MOST_ADOPTED: Final = 8
_chance = random.SystemRandom()  # the application may count on the numbers that its own seed gives


class Sender:
    """Of one root. `anchor` and `recovered` may raise; they are called again later, and hold up no record."""

    def __init__(
        self,
        root: Path,
        *,
        key: bytes | None = None,
        anchor: Anchor | None = None,
        recovered: Recovered | None = None,
        pause: float = 0.5,
    ) -> None:
        self._root, self._key, self._anchor, self._recovered, self._pause = root, key, anchor, recovered, pause
        self.begin_anew()
        _watch_forks()
        _all.add(self)

    def begin_anew(self) -> None:
        """As in a forked child, where nothing of the parent's is to be sent."""
        self.counts = Counts()
        self._courier = Courier(self.counts, self._say, self._pause)
        self._background = Background(self._turn, _LINGER)
        self._anchoring = (
            None
            if self._anchor is None
            else Anchoring(self._anchor, self.spools, self._anchored, self._say, self._pause)
        )
        self._changing = threading.Lock()
        self._lanes: list[Lane] = []
        self._adopted: list[Spool] = []
        self._next_look = 0.0
        self._said: set[str] = set()

    # --- the application's side -------------------------------------------------------------------------------------

    def serve(self, spool: Spool) -> None:
        """Deliver this spool, too, from its next record on."""
        with self._changing:
            self._lanes = [*self._lanes, *lanes(spool, anchored=self._anchoring is not None)]
        spool.wake, spool.hurry = self._background.wake, self._hurry
        if self._anchoring is not None:
            spool.stated = self._anchoring.wake
        if not spool.is_drained:
            self.start()

    def start(self) -> None:
        """Begin now, rather than with the first record, to look for what dead processes left."""
        self._background.wake()
        if self._anchoring is not None:
            self._anchoring.wake()

    @property
    def is_recovering(self) -> bool:
        """Whether it is about to be done with a dead process's chain, unless the Collector is away."""
        return bool(self._adopted) and not self._courier.trouble

    def close(self) -> None:
        """Stop. What is not delivered stays on disk; a record that is on its way may be sent again by the next one."""
        self._background.stop()
        if self._anchoring is not None:
            self._anchoring.stop()
        if (exporter := self._courier.exporter) is not None:
            exporter.close()
            if self._background.has_ended(1.0):
                exporter.speak_again()
        for spool in list(self._adopted):
            spool.close(keep=True)

    def _hurry(self, seconds: float) -> None:
        self._background.hurry(seconds)
        if self._anchoring is not None:
            self._anchoring.hurry(seconds)

    # --- on the threads ---------------------------------------------------------------------------------------------

    def _turn(self) -> Rest:
        courier = self._courier
        try:
            self._look_around()
            while self._round() and not self._background.is_stopped:
                pass
        except Exception as error:
            courier.trouble += 1
            self._say("records wait on disk; sending failed: %s", _described(error))
        if courier.trouble:
            return Rest(courier.pause, is_pause=True)
        due = min([self._next_look, *(lane.not_before for lane in self._lanes if lane.refusals)])
        return Rest(max(due - monotonic(), 0.0))

    def _round(self) -> bool:
        """A batch of each lane, unless one fails; whether any got ahead. After a failure, another lane comes first."""
        trouble, ahead = self._courier.trouble, False
        first = trouble % len(self._lanes) if self._lanes else 0
        for lane in (*self._lanes[first:], *self._lanes[:first]):
            if not self._background.is_stopped:
                ahead |= self._courier.deliver(lane)
            if self._courier.trouble > trouble:
                return False
        if not ahead:
            self._courier.trouble = 0  # nothing is left that could fail
        self._let_go()
        return ahead

    def _look_around(self) -> None:
        if self._courier.trouble or monotonic() < self._next_look:
            return
        self._next_look = monotonic() + _LOOK_EVERY * _chance.uniform(0.8, 1.2)
        left_over.clear(self._root)
        adopted, self.counts.unknown_key = left_over.adopt(self._root, self._key, _MOST_ADOPTED - len(self._adopted))
        self.counts.adopted += len(adopted)
        for spool in adopted:
            self._adopted.append(spool)
            self.serve(spool)
        if self.counts.unknown_key:
            self._say("chains of dead processes are left alone: they are sealed under a key that this one has not")

    def _let_go(self) -> None:
        """Close adopted chains that are delivered, and forget closed ones."""
        for spool in list(self._adopted):
            if not spool.waiting_bytes and self._is_recovered(spool) and spool.is_drained:
                spool.close()
                self._adopted.remove(spool)
                self._next_look = 0.0  # there may be more
        if any(lane.spool.closed for lane in self._lanes):
            with self._changing:
                self._lanes = [lane for lane in self._lanes if not lane.spool.closed]

    def _is_recovered(self, spool: Spool) -> bool:
        """Whether its chain is closed: by its own process, by us now, or never where nobody signs."""
        if self._recovered is None or spool.statements.has_ended:
            return True
        try:
            statement = self._recovered(spool.chain_id, spool.head, spool.resource, spool.settled_time)
            if statement is not None:
                spool.add_statement(statement)
        except Exception as error:
            self._say("a dead process's chain could not be closed, which is tried again: %s", _described(error))
            spool.close(keep=True)
            self._adopted.remove(spool)
            return False
        return True

    def spools(self) -> list[Spool]:
        """Those that it delivers, dead processes' among them."""
        return list({lane.spool: None for lane in self._lanes})

    def _anchored(self) -> None:
        self.counts.anchored += 1
        self._background.wake()  # an adopted chain may be done with now

    def _say(self, text: str, *args: Any) -> None:
        if text not in self._said and not self._background.is_stopped:  # at the end it is said by who waited for it
            self._said.add(text)
            _log.warning(f"{text} (said once)", *args)


def _described(error: Exception) -> str:
    """Without the text of just any error, which may quote content."""
    return str(error) if isinstance(error, NoExporterError) else type(error).__qualname__


_all: weakref.WeakSet[Sender] = weakref.WeakSet()
_left_to_the_parent: list[Any] = []
"""What has connections that are the parent's: to close them, even by forgetting them, is not for a child."""


@cache
def _watch_forks() -> None:
    os.register_at_fork(after_in_child=_forget_all)


def _forget_all() -> None:
    for sender in list(_all):
        _left_to_the_parent.append(sender._courier)
        sender.begin_anew()
