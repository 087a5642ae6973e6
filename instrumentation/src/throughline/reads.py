"""A file-like body, read by whoever called when and as he likes, seen by a recording. Reads nothing by itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from throughline.contained import contained

if TYPE_CHECKING:
    from throughline.recording import Recording

Method = Callable[..., Any]


class Reads:
    """Puts a watch on each `read` of one body, also where one calls another; the last block ends the operation."""

    __slots__ = ("_kept", "_made", "_reading", "_recording", "_size")

    def __init__(self, recording: Recording, made: Callable[[bytes], Any], size: int | None) -> None:
        self._recording, self._made, self._size = recording, made, size
        self._kept, self._reading = bytearray(), False

    def __call__(self, read: Method) -> Method:
        """The same method, seen: sync or async, of as many bytes as it is asked for, or of all."""
        return self._watched_async(read) if inspect.iscoroutinefunction(read) else self._watched(read)

    def _watched(self, read: Method) -> Method:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self._reading:
                return read(*args, **kwargs)
            self._reading = True
            try:
                block = read(*args, **kwargs)
            except BaseException as error:
                self._recording.fail(error)
                raise
            finally:
                self._reading = False
            contained(self._take, block, args, kwargs)
            return block

        return watched

    def _watched_async(self, read: Method) -> Method:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            if self._reading:
                return await read(*args, **kwargs)
            self._reading = True
            try:
                block = await read(*args, **kwargs)
            except BaseException as error:
                self._recording.fail(error)
                raise
            finally:
                self._reading = False
            contained(self._take, block, args, kwargs)
            return block

        return watched

    def _take(self, block: bytes, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._recording.done:
            return
        self._kept += block
        amount = args[0] if args else kwargs.get("amt")
        if not isinstance(amount, int) or amount < 0 or (amount and not block) or len(self._kept) == self._size:
            body = contained(self._made, bytes(self._kept))
            self._recording.finish(body)
