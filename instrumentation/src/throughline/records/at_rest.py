"""Payloads sealed while they lie on the disk, with AES-256-GCM under the owner's key. Nothing of it is for the wire."""

from __future__ import annotations

import base64
import binascii
from itertools import count
from pathlib import Path
from typing import Final

_TAG: Final = 16
_NONCE: Final = 12


class WrongKeyError(ValueError):
    """The spool was written under another key, or under one at all."""


def read_key(path: Path) -> bytes:
    """The key in this file. Raises ValueError, without quoting the file, when it holds no 32 bytes in base64."""
    try:
        key = base64.b64decode(path.read_text("ascii").strip(), validate=True)
    except (UnicodeDecodeError, binascii.Error):
        key = b""
    if len(key) != 32:
        raise ValueError(f"{path} may hold 32 bytes in base64, and nothing else")
    return key


class Sealing:
    """The seal of one chain's payloads. Each chain has a key of its own, so that a counter will do as nonce."""

    __slots__ = ("_aes", "_chain", "_nonces", "key_id")

    def __init__(self, key: bytes, chain_id: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._aes = AESGCM(_derived(key, f"throughline spool {chain_id}"))
        self._chain = bytes.fromhex(chain_id)
        self._nonces = count()
        self.key_id = key_id(key)

    def seal(self, payload: bytes, sequence: int, digest: bytes) -> bytes:
        nonce = next(self._nonces).to_bytes(_NONCE, "big")
        return nonce + self._aes.encrypt(nonce, payload, self._bound(sequence, digest))

    def open(self, sealed: bytes, sequence: int, digest: bytes) -> bytes:
        """Raises WrongKeyError when another key, or another place in the chain, sealed it."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._aes.decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bound(sequence, digest))
        except InvalidTag:
            raise WrongKeyError("the payload was sealed under another key, or altered") from None

    def _bound(self, sequence: int, digest: bytes) -> bytes:
        return self._chain + sequence.to_bytes(8, "big") + digest


def key_id(key: bytes) -> str:
    """How a spool names the key that it was written under."""
    return _derived(key, "throughline spool key id").hex()[:16]


def _derived(key: bytes, purpose: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(key)
