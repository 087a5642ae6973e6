"""TLS towards what a service asks by HTTP, from its settings; gRPC between services is in channels.py."""

import ssl
from pathlib import Path

from throughline import tls

from throughline_services.runtime.command import StartupError


def client_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """None where none of them is set: then the system's authorities are trusted, and no certificate is shown."""
    if not (authority or certificate):
        return None
    try:
        return tls.client_context(authority, certificate, key)
    except ValueError as error:
        raise StartupError(str(error)) from error
