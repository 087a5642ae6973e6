"""Free TCP ports of 127.0.0.1 for a stack that is about to start; they are chosen, not reserved."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"
# Below the kernel's ephemeral range: a port from there could become some client's before the server binds it.
_CANDIDATES = range(20_000, 32_000)


class Ports:
    """Gives every name its own free port, and the same one each time."""

    def __init__(self) -> None:
        self._chosen: dict[str, int] = {}
        self._candidates = random.sample(_CANDIDATES, len(_CANDIDATES))

    def __getitem__(self, name: str) -> int:
        if name not in self._chosen:
            self._chosen[name] = self._free()
        return self._chosen[name]

    def address(self, name: str) -> str:
        """`host:port` of that name."""
        return f"{HOST}:{self[name]}"

    def url(self, name: str) -> str:
        """`http://host:port` of that name."""
        return f"http://{self.address(name)}"

    def _free(self) -> int:
        while self._candidates:
            port = self._candidates.pop()
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                return port
        raise OSError(f"no free port between {_CANDIDATES.start} and {_CANDIDATES.stop}")
