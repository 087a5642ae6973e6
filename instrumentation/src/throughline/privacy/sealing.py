"""Content sealed to an auditor's public key (HPKE, RFC 9180), opened with the private one; it masks and cuts nothing.

Whoever seals cannot open: the key of each seal is thrown away. Sealed is one JSON object, from attribute to content.
A seal is bound to its place: what was sealed for one record does not open as another's.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from throughline import names
from throughline.content import encoded
from throughline.records.keys import read_private_key
from throughline.records.proof import key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.hpke import Suite

_VERSION: Final = b"\x01"  # X25519, HKDF-SHA256, AES-256-GCM
_RECORD, _BLOB = "throughline sealed record", "throughline sealed blob"
_NEEDED: Final = "sealing needs cryptography 47 or later: pip install 'throughline[evidence]'"
_ADVICE: Final = "`throughline keys new --purpose sealing` makes a public and a private one"


class SealError(ValueError):
    """A seal cannot be opened. The text says why and quotes nothing of it."""


class Seal:
    """Seals for one auditor. Raises ValueError for a file that is not his public key."""

    def __init__(self, file: Path) -> None:
        self._suite, self._public = _suite(), _public_key(file)
        self.sealed_for = key_id(self._public.public_bytes_raw())

    def record(self, content: Mapping[str, Any], record_id: str, event: str) -> dict[str, str]:
        """The attributes that take the place of this content on this record."""
        return self._attributes(_utf8(content), _place(_RECORD, event, record_id))

    def blob(self, attribute: str, data: bytes) -> bytes:
        """What a store gets in the place of this attribute's JSON: JSON again, which says for whom it is."""
        return json.dumps(self._attributes(data, _place(_BLOB, attribute))).encode()

    def _attributes(self, data: bytes, place: bytes) -> dict[str, str]:
        sealed = base64.b64encode(_VERSION + self._suite.encrypt(data, self._public, place)).decode()
        return {names.CONTENT_SEALED: sealed, names.CONTENT_SEALED_FOR: self.sealed_for}


class Opener:
    """Opens what was sealed for one auditor. Raises ValueError for a file that is not his private key."""

    def __init__(self, file: Path) -> None:
        self._suite, self._private = _suite(), _private_key(file)
        self.key_id = key_id(self._private.public_key().public_bytes_raw())

    def record(self, sealed: str, record_id: str, event: str) -> dict[str, Any]:
        """The content of this record, by attribute. Raises SealError."""
        content = self._opened(sealed, _place(_RECORD, event, record_id))
        if not isinstance(content, dict):
            raise SealError("what it holds is no record's content")
        return content

    def blob(self, attribute: str, sealed: str) -> Any:
        """The content of this attribute, from what a sealed blob has under `throughline.content.sealed`."""
        return self._opened(sealed, _place(_BLOB, attribute))

    def _opened(self, sealed: str, place: bytes) -> Any:
        from cryptography.exceptions import InvalidTag

        try:
            data = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise SealError("it is no seal, as it is not base64") from None
        if data[:1] != _VERSION:
            raise SealError("it was sealed in a way that this version does not know")
        try:
            return json.loads(self._suite.decrypt(data[1:], self._private, place))
        except (InvalidTag, ValueError):
            raise SealError("it was sealed for another key, altered since, or moved from its place") from None


def _suite() -> Suite:
    try:
        from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
    except ImportError:
        raise ValueError(_NEEDED) from None
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _place(*parts: str) -> bytes:
    return "\x00".join(parts).encode()


def _utf8(content: Mapping[str, Any]) -> bytes:
    text = encoded(content)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a character
        return json.dumps(json.loads(text)).encode()


def _public_key(file: Path) -> X25519PublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    pem = _read(file)
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, X25519PublicKey):
        raise ValueError(f"{file} is no X25519 public key in PEM; {_ADVICE}")  # noqa: TRY004
    return key


def _private_key(file: Path) -> X25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    key = read_private_key(file)
    if not isinstance(key, X25519PrivateKey):
        raise ValueError(f"{file} holds a key that signs, not one that opens; {_ADVICE}")  # noqa: TRY004
    return key


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}; {_ADVICE}") from None
