"""Free TCP ports of 127.0.0.1 for a stack that is about to start. Other stacks do not choose them; others may."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
import weakref
from pathlib import Path

HOST = "127.0.0.1"
# Below the kernel's ephemeral range: a port from there could become some client's before the server binds it.
_CANDIDATES = range(20_000, 32_000)


class Ports:
    """Gives every name its own free port, and the same one each time."""

    def __init__(self) -> None:
        self._chosen: dict[str, int] = {}
        self._candidates = random.sample(_CANDIDATES, len(_CANDIDATES))
        self._held: list[int] = []
        weakref.finalize(self, _let_go, self._held)
        self._claims = Path(tempfile.gettempdir()) / f"throughline-ports-{os.getuid()}"
        self._claims.mkdir(mode=0o700, exist_ok=True)

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
            if not self._claimed(port):
                continue
            with socket.socket() as probe:
                try:
                    probe.bind((HOST, port))
                except OSError:
                    continue
                return port
        raise OSError(f"no free port between {_CANDIDATES.start} and {_CANDIDATES.stop}")

    def _claimed(self, port: int) -> bool:
        """Whether no other stack has it: its server may bind it half a minute from now. Held as long as this object."""
        descriptor = os.open(self._claims / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._held.append(descriptor)
        return True


def _let_go(claims: list[int]) -> None:
    for descriptor in claims:
        os.close(descriptor)
