"""Over what an MCP session talks, found by the streams that its transport made. Opens and reads none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from throughline.adapter import Call
from throughline.servers import server

_HTTP = ("sse_client", "streamable_http_client", "streamablehttp_client")


@dataclass(slots=True)
class Transport:
    """One connection: a pipe to a local process, or HTTP or a web socket to a server."""

    network: str
    protocol: str | None = None
    address: str | None = None
    port: int | None = None
    client: Any = None
    """What HTTP's transport keeps of its session."""

    @property
    def session(self) -> str | None:
        """The id that the server gave the session; it has one from the first answer on, or none at all."""
        return getattr(self.client, "session_id", None)


def described(call: Call) -> Transport:
    """What this call of a function that connects connects to."""
    if call.point.startswith("stdio"):
        return Transport("pipe")
    protocol = "http" if call.point in _HTTP else "websocket"
    return Transport("tcp", protocol, *server(str(call.named("url").get("url", ""))))


class Transports:
    """Those that are being connected, until the session that talks over one asks for it."""

    def __init__(self) -> None:
        self._open: WeakKeyDictionary[Any, Transport] = WeakKeyDictionary()
        self._found: WeakKeyDictionary[Any, Transport | None] = WeakKeyDictionary()

    def opening(self, manager: Any, transport: Transport) -> None:
        """This context manager will make the streams of `transport`, which only its generator knows."""
        self._open[manager] = transport

    def of(self, owner: Any) -> Transport | None:
        """The transport over which this session or dispatcher writes; None: memory, or not seen when it was made."""
        stream = getattr(owner, "_write_stream", None)
        if stream is None:
            return None
        if owner not in self._found:
            self._found[owner] = self._search(stream)
        return self._found[owner]

    def _search(self, stream: Any) -> Transport | None:
        for manager, transport in list(self._open.items()):
            frame = getattr(manager.gen, "ag_frame", None)
            made = frame.f_locals if frame is not None else {}
            if any(value is stream for value in made.values()):
                transport.client = made.get("transport")
                del self._open[manager]
                return transport
        return None
