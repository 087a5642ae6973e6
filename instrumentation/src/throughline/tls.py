"""A client's side of TLS from the files that variables name; it opens no connection."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path


def client_context(
    authority: str | Path | None = None, certificate: str | Path | None = None, key: str | Path | None = None
) -> ssl.SSLContext:
    """TLS 1.2 or later; trusts that authority instead of the system's, and shows the certificate if there is one.

    Raises ValueError, naming the file, where one cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=_file(authority))
    except ssl.SSLError:
        raise ValueError(f"{authority} holds no certificate") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        try:
            context.load_cert_chain(str(_file(certificate)), _file(key))
        except ssl.SSLError:
            raise ValueError(f"{certificate} and {key} are not a certificate and its key") from None
    return context


def client_of(part: str, environment: Mapping[str, str]) -> ssl.SSLContext | None:
    """By `<part>_CA_FILE`, `<part>_CLIENT_CERTIFICATE` and `<part>_CLIENT_KEY`; None where none of them is set."""
    chosen = [environment.get(f"{part}_{name}") for name in ("CA_FILE", "CLIENT_CERTIFICATE", "CLIENT_KEY")]
    return client_context(*chosen) if any(chosen) else None


def _file(path: str | Path | None) -> str | None:
    """Its name; the standard library would not say which file it is that is missing."""
    if path is None or path == "":
        return None
    try:
        with Path(path).open("rb"):
            return str(path)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
