"""What a reply, as far as it came, says of its operation, and what that cost. Not when the operation ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from throughline.adapter import Reader
from throughline.charging import charge
from throughline.contained import contained
from throughline.operation import Operation
from throughline.usage import estimate

if TYPE_CHECKING:
    from throughline.recorder import Recorder


def learn(recorder: Recorder, reader: Reader, op: Operation, reply: Any, began: float) -> None:
    """Fill `op`, which `began` at this Unix time in seconds, from its whole reply or from what a stream gave of it."""
    contained(reader.response, op, reply)
    if recorder.reads_content:
        contained(reader.response_content, op, reply)
    if recorder.prices is not None and op.input_tokens is not None:
        contained(charge, op, recorder.prices, began)
    if recorder.settings.estimate_usage:
        contained(estimate, op)
