"""Asks a port whether it speaks HTTP/2, as every gRPC server does; sends no request."""

import socket
import ssl
from typing import Final

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SETTINGS: Final = 4
_EMPTY_SETTINGS: Final = bytes((0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0))  # length, type, flags, stream
_FRAME_HEADER: Final = len(_EMPTY_SETTINGS)


def speaks_http2(host: str, port: int, tls: ssl.SSLContext | None, patience: float = 5.0) -> bool:
    """Whether the server answers the client's preface with its settings (RFC 9113, section 3.4). Raises OSError."""
    with socket.create_connection((host, port), patience) as connection:
        if tls is None:
            return _exchange(connection)
        tls.set_alpn_protocols(["h2"])
        with tls.wrap_socket(connection, server_hostname=host) as secured:
            return _exchange(secured)


def _exchange(connection: socket.socket) -> bool:
    connection.sendall(_PREFACE + _EMPTY_SETTINGS)
    header = b""
    while len(header) < _FRAME_HEADER:
        received = connection.recv(_FRAME_HEADER - len(header))
        if not received:
            return False
        header += received
    return header[3] == _SETTINGS
