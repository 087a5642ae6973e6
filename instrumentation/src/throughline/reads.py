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
    """Puts a watch on `read` and `readinto`, also where one calls another; the last block ends the operation."""

    __slots__ = ("__weakref__", "_kept", "_made", "_recording", "_size", "gi_running")

    def __init__(self, recording: Recording, made: Callable[[bytes], Any], size: int | None) -> None:
        self._recording, self._made, self._size = recording, made, size
        self._kept, self.gi_running = bytearray(), False  # as a generator says that it is being advanced right now

    def __call__(self, read: Method) -> Method:
        """The same method, seen: sync or async, of as many bytes as it is asked for, or of all."""
        return self._watched_async(read) if inspect.iscoroutinefunction(read) else self._watched(read)

    def _watched(self, read: Method) -> Method:
        def watched(*args: Any, **kwargs: Any) -> Any:
            if self.gi_running:
                return read(*args, **kwargs)
            self.gi_running = True
            try:
                block = read(*args, **kwargs)
            except BaseException as error:
                self._recording.fail(error)
                raise
            finally:
                self.gi_running = False
            contained(self._take, block, args, kwargs)
            return block

        return watched

    def _watched_async(self, read: Method) -> Method:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            if self.gi_running:
                return await read(*args, **kwargs)
            self.gi_running = True
            try:
                block = await read(*args, **kwargs)
            except BaseException as error:
                self._recording.fail(error)
                raise
            finally:
                self.gi_running = False
            contained(self._take, block, args, kwargs)
            return block

        return watched

    def _take(self, block: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._recording.done:
            return
        amount = args[0] if args else kwargs.get("amt")
        if isinstance(block, int):  # so much was read into a buffer
            block, amount = bytes(memoryview(args[0])[:block]), len(args[0])
        self._kept += block
        if not isinstance(amount, int) or amount < 0 or (amount and not block) or len(self._kept) == self._size:
            body = contained(self._made, bytes(self._kept))
            self._recording.finish(body)
