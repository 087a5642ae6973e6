"""Iterators that let the recorder see what a stream yields. They attach no context and change no item or error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from throughline.contained import contained

if TYPE_CHECKING:
    from throughline.recorder import Recording


class _Watched:
    """What both share: the operation ends with the iterator, or when the last reference to it goes."""

    __slots__ = ("__weakref__", "_recording", "_source")

    def __init__(self, source: Any, recording: Recording) -> None:
        self._source, self._recording = source, recording

    @property
    def running(self) -> bool:
        """Whether the source is being advanced right now, so that a close comes from within and is no caller's."""
        return bool(getattr(self._source, "gi_running", False) or getattr(self._source, "ag_running", False))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)  # close, aclose, send…: the source's own

    def __del__(self) -> None:
        self._recording.dropped()


class WatchedIterator(_Watched):
    """A sync iterator of chunks."""

    __slots__ = ()

    def __iter__(self) -> WatchedIterator:
        return self

    def __next__(self) -> Any:
        try:
            chunk = next(self._source)
            while self._recording.chunk(chunk):  # asked for by us, not by the caller
                chunk = next(self._source)
        except StopIteration:
            self._recording.finish()
            raise
        except BaseException as error:
            self._recording.fail(error)
            raise
        return chunk


class WatchedAsyncIterator(_Watched):
    """An async iterator of chunks."""

    __slots__ = ()

    def __aiter__(self) -> WatchedAsyncIterator:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._source)
            while self._recording.chunk(chunk):
                chunk = await anext(self._source)
        except StopAsyncIteration:
            self._recording.finish()
            raise
        except BaseException as error:
            self._recording.fail(error)
            raise
        return chunk


def iterator(source: Any, recording: Recording) -> WatchedIterator | WatchedAsyncIterator:
    """The watched form of `source`, sync or async as it is."""
    return (WatchedAsyncIterator if hasattr(source, "__anext__") else WatchedIterator)(source, recording)


class ByteFeed:
    """Bytes of an HTTP body as they pass: an event stream gives chunks at once, anything else one body at the end."""

    __slots__ = ("_kept", "_recording", "_streaming")

    def __init__(self, recording: Recording, *, streaming: bool) -> None:
        self._recording, self._streaming, self._kept = recording, streaming, b""

    def feed(self, block: bytes) -> None:
        """Take a block; complete event lines become chunks. Raises ValueError on a line that is no JSON."""
        self._kept += block
        if self._streaming:
            *lines, self._kept = self._kept.split(b"\n")
            for line in lines:
                self._line(line.strip())

    def _line(self, line: bytes) -> None:
        if not line.startswith(b"data:"):
            return
        if line.endswith(b"[DONE]"):
            self._recording.finish()
        else:
            self._recording.chunk(json.loads(line[5:]))

    def end(self) -> None:
        """The body is complete."""
        self._recording.finish(None if self._streaming else json.loads(self._kept or b"{}"))


def watched_bytes(method: Callable[..., Any], recording: Recording, *, streaming: bool) -> Callable[..., Any]:
    """`iter_bytes` or `aiter_bytes` of an HTTP response, with a feed beside it; each item passes unchanged."""

    def observed(*args: Any, **kwargs: Any) -> Any:
        blocks = method(*args, **kwargs)
        feed = _BytesRecording(ByteFeed(recording, streaming=streaming), recording)
        watched = iterator(blocks, cast("Recording", feed))
        recording.watching(watched)
        return watched

    return observed


class _BytesRecording:
    """A recording whose chunks are blocks of bytes."""

    __slots__ = ("_feed", "_recording")

    def __init__(self, feed: ByteFeed, recording: Recording) -> None:
        self._feed, self._recording = feed, recording

    def chunk(self, block: bytes) -> bool:
        contained(self._feed.feed, block)
        return False

    def finish(self) -> None:
        contained(self._feed.end)
        self._recording.finish()  # does nothing when the feed could end it

    def fail(self, error: BaseException) -> None:
        self._recording.fail(error)

    def dropped(self) -> None:
        self._recording.dropped()
