"""HTTP responses of httpx and its likes: seeing that one is closed. Not about what is in them."""

from __future__ import annotations

from typing import Any

from throughline.adapter import Running


def watch_close(response: Any, running: Running) -> None:
    """Streams, stream helpers and raw responses all close their HTTP response; the watch goes with its first close."""

    def watched_close() -> None:
        running.closed()
        _unwatch(response)
        response.close()

    async def watched_aclose() -> None:
        running.closed()
        _unwatch(response)
        await response.aclose()

    response.close, response.aclose = watched_close, watched_aclose


def _unwatch(response: Any) -> None:
    for name in ("iter_bytes", "aiter_bytes", "close", "aclose"):
        vars(response).pop(name, None)
