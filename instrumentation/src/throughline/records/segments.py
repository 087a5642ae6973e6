"""The files of one chain's records: appended to at one end, given free at the other. Knows no locks and no sender."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from throughline.records import frames
from throughline.records.cursor import Cursor, Head, settled
from throughline.records.folders import sync_folder

_SUFFIX: Final = ".frames"
_LARGEST: Final = 4_000_000  # bytes of a file, unless one record alone is larger
_SMALLEST: Final = 4_096
_EMPTIED: Final = 65_536
"""A settled file up to this size is emptied and written on, which costs less than another; a larger one is removed."""


class SpoolFullError(Exception):
    """The record does not fit into what the spool may take of the disk."""


@dataclass(slots=True, eq=False)
class _File:
    path: Path
    first: int = -1
    last: Head = Head()
    size: int = 0


class Place(NamedTuple):
    """From where to where records lie in a file."""

    file: _File
    begin: int
    end: int

    def read(self, most_bytes: int, most_records: int) -> list[Waiting]:
        """The first of them in order; at least one, however large, if it is whole."""
        path, begin, end = self.file.path, self.begin, self.end
        read = _read(path, begin, min(max(most_bytes, frames.HEADER), end - begin))
        if (needed := frames.length(read)) is not None and len(read) < needed <= end - begin:
            read = _read(path, begin, needed)
        return [Waiting(frame, self.file, begin + frame.end) for frame in islice(frames.whole(read), most_records)]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits, as it lies on the disk."""

    frame: frames.Frame
    file: _File
    end: int
    """In its file."""


class Dropped(NamedTuple):
    """Records that were given up."""

    first: int
    last: int
    previous: bytes | None
    """Digest of the record before them; None where it is not known."""


class Segments:
    """One folder's files, and the cursor that says up to where all is settled: delivered, dropped or set aside."""

    def __init__(self, folder: Path, *, limit: int, fsync: bool) -> None:
        self._folder, self.limit, self._fsync = folder, limit, fsync
        self._most = min(_LARGEST, max(_SMALLEST, limit // 16))
        self._files: deque[_File] = deque()
        self._gone: list[Path] = []
        self._next = 0
        self._writing = -1  # descriptor
        self._cursor: Cursor | None = None
        self._at = 0  # in the first file: up to there it is settled
        self.size = 0

    # --- writing ----------------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Begin in an empty folder."""
        self._cursor = Cursor(self._folder, is_new=True)

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

    def drop_oldest(self) -> Dropped | None:
        """Give up the records of the oldest file."""
        if not self.waiting:
            return None
        file = self._files[0]
        before = self.cursor.head
        first = max(file.first, before.sequence + 1)
        self.cursor.move(file.last, self.cursor.time)
        self._remove_first()
        self.sweep()
        return Dropped(first, file.last.sequence, before.digest if before.sequence == first - 1 else None)

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
    def count(self) -> int:
        """Records that are not settled."""
        return self.head.sequence - self.cursor.head.sequence

    @property
    def first_written(self) -> float | None:
        """When the file of the oldest was last written to, in seconds since the epoch; None where none waits."""
        return self._files[0].path.stat().st_mtime if self.waiting else None

    @property
    def cursor(self) -> Cursor:
        """Up to where all is settled."""
        assert self._cursor is not None
        return self._cursor

    @property
    def head(self) -> Head:
        """The last record, settled or not."""
        return next((file.last for file in reversed(self._files) if file.size), self.cursor.head)

    @property
    def place(self) -> Place | None:
        """Where the first record that waits begins; None where none waits."""
        return Place(self._files[0], self._at, self._files[0].size) if self.waiting else None

    def give_up_oldest(self) -> bytes:
        """The rest of the first file, of which no frame is whole any more; it is settled by that."""
        rest = _read(self._files[0].path, self._at, self._files[0].size)
        self.drop_oldest()
        return rest

    def settle(self, record: Waiting, time: int = 0) -> None:
        """All up to this record is settled. Does nothing where it was dropped meanwhile; `sweep` removes the files."""
        if record.file not in self._files or record.frame.sequence <= self.cursor.head.sequence:
            return
        self.cursor.move(Head(record.frame.sequence, record.frame.digest), time or self.cursor.time)
        while self._files[0] is not record.file:
            self._remove_first()
        self._at = record.end
        if self._at >= record.file.size:
            self._give_free(record.file)

    def _give_free(self, file: _File) -> None:
        """Keep nothing of the first file, all of which is settled: what was said does not lie about afterwards."""
        if len(self._files) > 1 or file.size > _EMPTIED or self._writing < 0:
            self._remove_first()
            return
        with suppress(OSError):
            os.ftruncate(self._writing, 0)
            self.size -= file.size
            self._at = file.size = 0
            file.first = -1

    def _remove_all(self) -> None:
        while self._files:
            self._remove_first()
        self.sweep()

    def _remove_first(self) -> None:
        file = self._files.popleft()
        if not self._files:
            self._end_writing()
        self.size -= file.size
        self._at = 0
        self._gone.append(file.path)

    def sweep(self) -> None:
        """Remove the files of which all is settled."""
        with suppress(IndexError):  # another thread may be at it, too
            while self._gone:
                self._gone.pop().unlink(missing_ok=True)

    # --- a dead process's ---------------------------------------------------------------------------------------------

    def take_over(self, keep: Callable[[bytes], None]) -> None:
        """Find what a dead process left. What is no whole frame is cut off; if more than a torn one, `keep` it."""
        self._cursor = Cursor(self._folder, is_new=False)
        paths = sorted(self._folder.glob(f"*{_SUFFIX}"))
        for path in paths:
            file, settled, rest = _found(path, self.cursor.head.sequence)
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
        if self._cursor is not None:
            self._cursor.close()


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


def each_waiting(folder: Path) -> Iterator[int]:
    """Bytes of each record that waits in a folder, whoever owns it; changes nothing."""
    done = settled(folder).sequence
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with suppress(FileNotFoundError):  # settled meanwhile
            for frame in frames.whole(path.read_bytes()):
                if frame.sequence > done:
                    yield len(frame.payload) + frames.HEADER
