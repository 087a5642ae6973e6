"""The command in a process that dies at a chosen moment, as by kill -9: at its n-th evaluation, or once delivered."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from throughline.cli import main
from throughline.scores.batch.delivery import Delivery


def die_after(moment: str) -> None:
    """Replace what comes before the moment by what ends the process after it."""
    left = int(moment) if moment.isdecimal() else 0
    put, note = Delivery.put, Delivery._note

    def kept(self: Delivery, *arguments: Any) -> None:
        nonlocal left
        put(self, *arguments)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def noted(self: Delivery, appended: Any) -> None:
        if moment == "delivered" and appended:  # the Collector has all of it, Elasticsearch perhaps not yet
            os.kill(os.getpid(), signal.SIGKILL)
        note(self, appended)
        if moment == "noted" and appended:
            os.kill(os.getpid(), signal.SIGKILL)

    Delivery.put, Delivery._note = kept, noted  # type: ignore[method-assign]


if __name__ == "__main__":
    die_after(sys.argv.pop(1))
    main()
