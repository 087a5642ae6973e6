"""Iterators that let the recorder see what a stream yields. They attach no context and change no item or error."""

from __future__ import annotations

import json
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, MutableSequence
from time import perf_counter
from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from throughline.contained import contained, lost
from throughline.parts import decoded

if TYPE_CHECKING:
    from throughline.recording import Recording


class Watcher(Protocol):
    """Who sees what passes. Asked once a stream, not once a chunk, for what does not change."""

    @property
    def times(self) -> MutableSequence[float]:
        """Gets the clock, in seconds, at each item's arrival."""

    @property
    def whole(self) -> dict[str, Any]:
        """What is known of the reply so far."""

    @property
    def fold(self) -> Callable[[dict[str, Any], Any], None]:
        """What adds an item to it."""

    @property
    def hides(self) -> Callable[[Any], bool] | None:
        """Whether the caller must not see an item; None: he sees all."""

    def finish(self) -> None:
        """The stream is exhausted."""

    def fail(self, error: BaseException) -> None:
        """It raised."""

    def left(self) -> None:
        """The caller is done with it before its end: he closed it, or let go of it."""

    def dropped(self) -> None:
        """The caller let go of it."""


def _watch(source: Iterator[Any], watcher: Watcher) -> Iterator[Any]:
    """The items of `source`. Its first one is nothing: past it, the generator knows when the caller lets go of it.

    A generator, because it costs half of a class's `__next__`, and a stream of 200 chunks pays that 200 times.
    """
    seen, fold, whole, hides = watcher.times.append, watcher.fold, watcher.whole, watcher.hides
    try:
        yield None
        for item in source:
            seen(perf_counter())
            try:
                fold(whole, item)
            except Exception as error:
                lost(fold, error)
            if hides is None or not contained(hides, item):
                yield item
    except GeneratorExit:
        watcher.left()
        if isinstance(source, GeneratorType):
            source.close()  # at once, and what it raises is the caller's
    except BaseException as error:
        watcher.fail(error)
        raise
    else:
        watcher.finish()


async def _watch_async(source: AsyncIterator[Any], watcher: Watcher) -> AsyncIterator[Any]:
    """The same for an async iterator whose caller expects a generator."""
    seen, fold, whole, hides = watcher.times.append, watcher.fold, watcher.whole, watcher.hides
    try:
        async for item in source:
            seen(perf_counter())
            try:
                fold(whole, item)
            except Exception as error:
                lost(fold, error)
            if hides is None or not contained(hides, item):
                yield item
    except GeneratorExit:
        watcher.left()
        if isinstance(source, AsyncGeneratorType):
            await source.aclose()
        raise
    except BaseException as error:
        watcher.fail(error)
        raise
    else:
        watcher.finish()


class WatchedAsyncIterator:
    """The same for an async iterator that the caller never sees, at the price of a class. Its loss is seen at once."""

    __slots__ = ("__weakref__", "_fold", "_hides", "_next", "_seen", "_source", "_watcher", "_whole")

    def __init__(self, source: AsyncIterator[Any], watcher: Watcher) -> None:
        self._source, self._watcher, self._next = source, watcher, source.__anext__
        self._seen, self._fold = watcher.times.append, watcher.fold
        self._whole, self._hides = watcher.whole, watcher.hides

    @property
    def gi_running(self) -> bool:
        """Whether the source is being advanced right now, as a generator says it."""
        return bool(getattr(self._source, "ag_running", False))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)  # aclose, asend…: the source's own

    def __aiter__(self) -> WatchedAsyncIterator:
        return self

    async def __anext__(self) -> Any:
        try:
            while True:
                item = await self._next()
                self._seen(perf_counter())
                try:
                    self._fold(self._whole, item)
                except Exception as error:
                    lost(self._fold, error)
                if self._hides is None or not contained(self._hides, item):
                    return item
        except StopAsyncIteration:
            self._whole = {}  # the caller may keep his stream
            self._watcher.finish()
            raise
        except BaseException as error:
            self._whole = {}
            self._watcher.fail(error)
            raise

    def __del__(self) -> None:
        self._watcher.dropped()


Watched: TypeAlias = "GeneratorType[Any, None, None] | WatchedAsyncIterator"
Generator: TypeAlias = "GeneratorType[Any, None, None] | AsyncGeneratorType[Any, None]"


def watch(source: Any, watcher: Watcher) -> Watched:
    """The watched form of the iterator `source`, sync or async as it is."""
    if hasattr(source, "__anext__"):
        return WatchedAsyncIterator(source, watcher)
    watched = _watch(source, watcher)
    next(watched)
    return cast("GeneratorType[Any, None, None]", watched)


def watch_generator(source: Any, watcher: Watcher) -> Generator:
    """A generator, sync or async as `source` is, for the caller to get in its place."""
    if not hasattr(source, "__anext__"):
        return cast("GeneratorType[Any, None, None]", watch(source, watcher))
    watched = _watch_async(source, watcher)
    weakref.finalize(watched, watcher.dropped).atexit = False  # one never begun, or that outlives its event loop
    return cast("AsyncGeneratorType[Any, None]", watched)


class ByteFeed:
    """A watcher of an HTTP body's bytes: an event stream gives chunks at once, JSON and text one body at the end.

    Of a binary body nothing is kept: its blocks are the reader's chunks.
    """

    __slots__ = ("_binary", "_kept", "_recording", "_streaming", "fold", "hides", "times", "whole")

    def __init__(self, recording: Recording, *, streaming: bool) -> None:
        self._recording, self._streaming, self._kept = recording, streaming, bytearray()
        self._binary = recording.reader.binary and not streaming
        self.times: MutableSequence[float] = deque(maxlen=0)  # a block of bytes is no chunk: its time says nothing
        self.whole: dict[str, Any] = recording.whole
        self.fold: Callable[[dict[str, Any], Any], None] = recording.fold if self._binary else self._feed
        self.hides: Callable[[Any], bool] | None = None

    def _feed(self, _whole: dict[str, Any], block: bytes) -> None:
        """Take a block; complete event lines become chunks. Raises ValueError on a line that is no JSON."""
        self._kept += block
        if self._streaming:
            *lines, self._kept = self._kept.split(b"\n")
            for line in lines:
                self._line(line.strip())

    def _line(self, line: bytes | bytearray) -> None:
        if not line.startswith(b"data:"):
            return
        if line.endswith(b"[DONE]"):
            self._recording.finish()
        else:
            self._recording.chunk(json.loads(line[5:]))

    def finish(self) -> None:
        """The body is complete."""
        if not self._streaming and not self._binary:
            contained(self._finish_whole)
        self._recording.finish()  # does nothing when the body could end it

    def _finish_whole(self) -> None:
        self._recording.finish(decoded(self._kept))

    def fail(self, error: BaseException) -> None:
        """Reading it raised."""
        self._recording.fail(error)

    def left(self) -> None:
        """The caller read no further."""
        self._recording.left()

    def dropped(self) -> None:
        """The caller let go of it."""
        self._recording.dropped()
