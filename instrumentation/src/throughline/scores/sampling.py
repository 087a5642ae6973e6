"""Which answers are looked at when not all are: a fixed share, told by the trace's id. It counts nothing."""

from __future__ import annotations

import hashlib


def chosen(trace_id: str, rate: float) -> bool:
    """Whether this trace is among the share `rate` (0 to 1): the same whoever asks, and more traces at a higher rate.

    By a hash of the id, not its last digits, of which samplers of traces make use: what is judged does not depend on
    what is kept.
    """
    digest = hashlib.sha256(b"throughline.judge:" + trace_id.encode()).digest()
    return int.from_bytes(digest[:8]) < rate * 2**64
