"""The event loop in which threads that have none ask asynchronous judges: one a process, which stays. It asks nothing.

A client keeps connections, and these belong to the loop in which they were opened: in a loop of its own, every other
question would find one that is closed.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable
from typing import Any, Final

_loops: Final[dict[int, asyncio.AbstractEventLoop]] = {}
"""By process, as a forked child has none of its parent's threads."""


def settled(reply: Awaitable[Any]) -> Any:
    """What it comes to, in the context of who asks. Raises what it raises."""
    future = asyncio.run_coroutine_threadsafe(_awaited(reply), _loop())
    try:
        return future.result()
    finally:
        future.cancel()  # where the wait was interrupted; else it is done


def _loop() -> asyncio.AbstractEventLoop:
    own = os.getpid()
    if own not in _loops:
        new = asyncio.new_event_loop()
        if _loops.setdefault(own, new) is new:  # in one step, so that of two threads one makes it
            threading.Thread(target=new.run_forever, name="throughline-judge-loop", daemon=True).start()
        else:
            new.close()
    return _loops[own]


async def _awaited(reply: Awaitable[Any]) -> Any:
    return await reply
