"""How long the current request may still take, carried in a context variable; not a timer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("throughline_services.deadline", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """The block has to end in so many seconds; None changes nothing, an earlier deadline stays."""
    outer = _ends.get()
    own = None if seconds is None else time.monotonic() + seconds
    ends = min((end for end in (outer, own) if end is not None), default=None)
    token = _ends.set(ends)
    try:
        yield
    finally:
        _ends.reset(token)


def remaining(limit: float, margin: float = 0.0) -> float:
    """Seconds that a call made now may take: what is left less the margin, at most the limit, never below zero."""
    ends = _ends.get()
    return limit if ends is None else max(0.0, min(limit, ends - time.monotonic() - margin))
