"""How a record lies in a spool's file: a frame that shows whether it is whole. It opens no file.

A frame: CRC-32 of all that follows; length of the payload; sequence and digest of the record in its chain; payload.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_CHECK: Final = struct.Struct("<I")
_META: Final = struct.Struct("<IQ32s")
HEADER: Final = _CHECK.size + _META.size


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as it was read back."""

    sequence: int
    digest: bytes
    payload: bytes
    end: int
    """Where the next frame begins, counted from where the reading began."""


def header(sequence: int, digest: bytes, payload: bytes) -> bytes:
    """What stands before the payload."""
    meta = _META.pack(len(payload), sequence, digest)
    return _CHECK.pack(zlib.crc32(payload, zlib.crc32(meta))) + meta


def length(start: bytes) -> int | None:
    """Of the whole frame that begins so; None when not even its header is there."""
    if len(start) < HEADER:
        return None
    return HEADER + int(_META.unpack_from(start, _CHECK.size)[0])


def whole(read: bytes) -> Iterator[Frame]:
    """The frames up to the first that is cut off or damaged."""
    at = 0
    while (frame := _one(read, at)) is not None:
        yield frame
        at = frame.end


def _one(read: bytes, at: int) -> Frame | None:
    if at + HEADER > len(read):
        return None
    (check,) = _CHECK.unpack_from(read, at)
    size, sequence, digest = _META.unpack_from(read, at + _CHECK.size)
    end = at + HEADER + size
    if end > len(read) or zlib.crc32(memoryview(read)[at + _CHECK.size : end]) != check:
        return None
    return Frame(sequence, digest, read[at + HEADER : end], end)
