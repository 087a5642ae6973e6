"""The command in a process that dies at a chosen moment, as by kill -9: after its tombstones, or its n-th change."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from elastic_transport import Transport
from throughline.blobs import Store
from throughline.cli import main
from throughline.records.audit import Audit

CHANGES = ("/_delete_by_query", "/_update_by_query", "/_forcemerge")


def die_after(moment: str) -> None:
    """Replace what comes before the moment by what ends the process after it."""
    left = int(moment) if moment.isdecimal() else 0
    request, delete, tell = Transport.perform_request, Store.delete, Audit.tell

    def changed() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def perform_request(self: Any, method: str, target: str, **more: Any) -> Any:
        reply = request(self, method, target, **more)
        if any(change in target for change in CHANGES):
            changed()
        return reply

    def deleted(self: Any, digest: str) -> bool:
        found = delete(self, digest)
        changed()
        return found

    def told(self: Any, *arguments: Any) -> Any:
        ids = tell(self, *arguments)
        if moment == "tombstones":
            os.kill(os.getpid(), signal.SIGKILL)
        return ids

    Transport.perform_request, Store.delete, Audit.tell = perform_request, deleted, told  # type: ignore[method-assign]


if __name__ == "__main__":
    die_after(sys.argv.pop(1))
    main()
