"""The files of one chain's records: appended to at one end, given free at the other. Knows no locks and no sender."""

from __future__ import annotations

import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from throughline.records import frames
from throughline.records.proof import GENESIS

_SUFFIX: Final = ".frames"
_CURSOR_FILE: Final = "cursor"
_CURSOR: Final = struct.Struct("<qQ32s")
_CHECK: Final = struct.Struct("<I")
_LARGEST: Final = 4_000_000  # bytes of a file, unless one record alone is larger
_SMALLEST: Final = 4_096


class SpoolFullError(Exception):
    """The record does not fit into what the spool may take of the disk."""


class Head(NamedTuple):
    """Where a chain stands: its last record."""

    sequence: int = -1
    digest: bytes = GENESIS


@dataclass(slots=True, eq=False)
class _File:
    path: Path
    first: int = -1
    last: Head = Head()
    size: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits, as it lies on the disk."""

    frame: frames.Frame
    file: _File
    end: int
    """In its file."""


class Segments:
    """One folder's files, and the cursor that says up to where all is settled: delivered, dropped or set aside."""

    def __init__(self, folder: Path, *, limit: int, fsync: bool) -> None:
        self._folder, self.limit, self._fsync = folder, limit, fsync
        self._most = min(_LARGEST, max(_SMALLEST, limit // 16))
        self._files: deque[_File] = deque()
        self._next = 0
        self._writing = self._cursor = -1  # descriptors
        self._at = 0  # in the first file: up to there it is settled
        self.size = 0
        self.settled, self.settled_time = Head(), 0

    # --- writing ----------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Begin in an empty folder."""
        self._open_cursor(os.O_CREAT | os.O_EXCL)
        self._move_cursor(self.settled, 0)  # a full disk later has room for what is there already

    def append(self, head: Head, payload: bytes) -> None:
        """Raises SpoolFullError or OSError; then the files are as before."""
        header = frames.header(head.sequence, head.digest, payload)
        size = len(header) + len(payload)
        if not self.fits(size):
            raise SpoolFullError(f"{self.size} of {self.limit} bytes are taken; {size} more do not fit")
        if self._writing < 0 or (self._files[-1].size + size > self._most and self._files[-1].size):
            self._begin()
        file = self._files[-1]
        try:
            _write(self._writing, header, payload, file.size, fsync=self._fsync)
        except OSError:
            self._leave_torn(file)
            raise
        if file.first < 0:
            file.first = head.sequence
        file.last = head
        file.size += size
        self.size += size

    def fits(self, size: int) -> bool:
        """Whether so many bytes more fit; gives free what is settled, but still lies in the file written to."""
        if self.size + size > self.limit and self.waiting == 0:
            self._remove_all()
        return self.size + size <= self.limit

    def drop_oldest(self) -> tuple[int, int] | None:
        """Give up the records of the oldest file; the first and the last of them."""
        if not self.waiting:
            return None
        file = self._files[0]
        first = max(file.first, self.settled.sequence + 1)
        self._move_cursor(file.last, self.settled_time)
        self._remove_first()
        return first, file.last.sequence

    def _leave_torn(self, file: _File) -> None:
        """Write no more behind what the disk would not even let be cut off."""
        if os.fstat(self._writing).st_size != file.size:
            self._end_writing()
            if not file.size:
                self._files.remove(file)

    def _begin(self) -> None:
        if not self.waiting:
            self._remove_all()
        path = self._folder / f"{self._next:08d}{_SUFFIX}"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._end_writing()
        self._writing = descriptor
        self._next += 1
        self._files.append(_File(path))
        if self._fsync:
            sync_folder(self._folder)

    def _end_writing(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1

    # --- reading ----------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Bytes that are not settled."""
        return self.size - self._at

    @property
    def head(self) -> Head:
        """The last record, settled or not."""
        return next((file.last for file in reversed(self._files) if file.size), self.settled)

    def oldest(self, most_bytes: int, most_records: int) -> list[Waiting]:
        """The first records that wait, in order and of one file; at least one, however large, if there is any."""
        if not self.waiting:
            return []
        file = self._files[0]
        read = _read(file.path, self._at, min(max(most_bytes, frames.HEADER), file.size - self._at))
        if (needed := frames.length(read)) is not None and needed > len(read):
            read = _read(file.path, self._at, needed)
        return [Waiting(frame, file, self._at + frame.end) for frame in islice(frames.whole(read), most_records)]

    def give_up_oldest(self) -> bytes:
        """The rest of the first file, of which no frame is whole any more; it is settled by that."""
        rest = b""
        with suppress(OSError):
            rest = self._files[0].path.read_bytes()[self._at :]
        self.drop_oldest()
        return rest

    def settle(self, record: Waiting, time: int = 0) -> None:
        """All up to this record is settled. Does nothing where it was dropped meanwhile."""
        if record.file not in self._files:
            return
        self._move_cursor(Head(record.frame.sequence, record.frame.digest), time or self.settled_time)
        while self._files[0] is not record.file:
            self._remove_first()
        self._at = record.end
        if self._at >= record.file.size and (len(self._files) > 1 or record.file.size >= self._most):
            self._remove_first()

    def _remove_all(self) -> None:
        while self._files:
            self._remove_first()

    def _remove_first(self) -> None:
        file = self._files.popleft()
        if not self._files:
            self._end_writing()
        self.size -= file.size
        self._at = 0
        file.path.unlink(missing_ok=True)

    # --- the cursor -------------------------------------------------------------------------------------------------

    def _open_cursor(self, flags: int = 0) -> None:
        self._cursor = os.open(self._folder / _CURSOR_FILE, os.O_RDWR | os.O_CLOEXEC | flags, 0o600)

    def _move_cursor(self, head: Head, time: int) -> None:
        if head.sequence < self.settled.sequence:
            return
        self.settled, self.settled_time = head, time
        packed = _CURSOR.pack(head.sequence, time, head.digest)
        with suppress(OSError):  # then more is sent twice than need be
            os.pwrite(self._cursor, packed + _CHECK.pack(zlib.crc32(packed)), 0)

    # --- a dead process's ---------------------------------------------------------------------------------------------

    def take_over(self, keep: Callable[[bytes], None]) -> None:
        """Find what a dead process left. What is no whole frame is cut off; if more than a torn one, `keep` it."""
        self._open_cursor(os.O_CREAT)
        self.settled, self.settled_time = _read_cursor(os.pread(self._cursor, 1_000, 0))
        paths = sorted(self._folder.glob(f"*{_SUFFIX}"))
        for path in paths:
            file, settled, rest = _found(path, self.settled.sequence)
            if rest:
                if path != paths[-1] or (frames.length(rest) or len(rest)) < len(rest):
                    keep(rest)
                os.truncate(path, file.size)
            if settled == file.size:
                path.unlink()
                continue
            self._at = self._at or settled
            self._files.append(file)
            self.size += file.size

    def close(self) -> None:
        """Close the descriptors; the files stay."""
        self._end_writing()
        if self._cursor >= 0:
            with suppress(OSError):
                os.close(self._cursor)
            self._cursor = -1


def _write(descriptor: int, header: bytes, payload: bytes, at: int, *, fsync: bool) -> None:
    """All of it or nothing, as far as the disk allows: what was begun and could not be ended is cut off again."""
    try:
        written = os.writev(descriptor, (header, payload))
        if written < len(header) + len(payload):  # the disk is full, which only the next write says
            _write_rest(descriptor, (header + payload)[written:])
        if fsync:
            os.fdatasync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, at)
        raise


def _write_rest(descriptor: int, rest: bytes) -> None:
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _read(path: Path, at: int, size: int) -> bytes:
    try:
        with path.open("rb", buffering=0) as file:
            return os.pread(file.fileno(), size, at)
    except FileNotFoundError:  # somebody cleaned up
        return b""


def _found(path: Path, settled_sequence: int) -> tuple[_File, int, bytes]:
    """The file as far as its frames are whole; up to where it is settled; and what stands behind the whole frames."""
    read = path.read_bytes()
    file, settled = _File(path), 0
    for frame in frames.whole(read):
        file.first = frame.sequence if file.first < 0 else file.first
        file.last, file.size = Head(frame.sequence, frame.digest), frame.end
        settled = frame.end if frame.sequence <= settled_sequence else settled
    return file, settled, read[file.size :]


def _read_cursor(read: bytes) -> tuple[Head, int]:
    """As it was left; one that is torn settles nothing, so that records are sent twice rather than never."""
    packed, check = read[: _CURSOR.size], read[_CURSOR.size :]
    if len(packed) < _CURSOR.size or _CHECK.pack(zlib.crc32(packed)) != check:
        return Head(), 0
    sequence, time, digest = _CURSOR.unpack(packed)
    return Head(sequence, digest), time


def each_waiting(folder: Path) -> Iterator[int]:
    """Bytes of each record that waits in a folder, whoever owns it; changes nothing."""
    settled, _ = _read_cursor((folder / _CURSOR_FILE).read_bytes())
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError):  # settled meanwhile
            for frame in frames.whole(path.read_bytes()):
                if frame.sequence > settled.sequence:
                    yield len(frame.payload) + frames.HEADER


def sync_folder(folder: Path) -> None:
    """Put a folder's entries onto the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
