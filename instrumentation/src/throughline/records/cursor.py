"""Up to where a chain is settled, in a small file that outlives the records themselves. It knows no records."""

from __future__ import annotations

import os
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from throughline.records.proof import GENESIS

_NAME: Final = "cursor"
_PACKED: Final = struct.Struct("<qQ32s")
_CHECK: Final = struct.Struct("<I")


class Head(NamedTuple):
    """Where a chain stands: its last record."""

    sequence: int = -1
    digest: bytes = GENESIS


class Cursor:
    """One chain's, open for writing."""

    def __init__(self, folder: Path, *, is_new: bool) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (os.O_EXCL if is_new else 0)
        self._descriptor = os.open(folder / _NAME, flags, 0o600)
        self.head, self.time = _unpacked(os.pread(self._descriptor, 1_000, 0))
        if is_new:
            self.move(self.head, 0)  # a full disk later has room for what is there already

    def move(self, head: Head, time: int) -> None:
        """All up to there is settled; `time` is the newest record's."""
        if head.sequence < self.head.sequence:
            return
        self.head, self.time = head, time
        packed = _PACKED.pack(head.sequence, time, head.digest)
        with suppress(OSError):  # then more is sent twice than need be
            os.pwrite(self._descriptor, packed + _CHECK.pack(zlib.crc32(packed)), 0)

    def close(self) -> None:
        """The file stays."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with suppress(OSError):
                os.close(descriptor)


def settled(folder: Path) -> Head:
    """Up to where all in a folder is settled, whoever owns it. Raises FileNotFoundError where it is gone."""
    return _unpacked((folder / _NAME).read_bytes())[0]


def _unpacked(read: bytes) -> tuple[Head, int]:
    """As it was left; one that is torn settles nothing, so that records are sent twice rather than never."""
    packed, check = read[: _PACKED.size], read[_PACKED.size :]
    if len(packed) < _PACKED.size or _CHECK.pack(zlib.crc32(packed)) != check:
        return Head(), 0
    sequence, time, digest = _PACKED.unpack(packed)
    return Head(sequence, digest), time
