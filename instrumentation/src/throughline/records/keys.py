"""Keys: made, kept in private files, published in a key list, used to sign statements. It decides who trusts which.

The key list is what verifiers read: for each key its public part, what it is for, from when until when it is valid, and
whose it is. Private keys are PKCS 8 files in PEM that only their owner may read.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from throughline.records import proof

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

PrivateKey: TypeAlias = "Ed25519PrivateKey | X25519PrivateKey"
_log = logging.getLogger(__name__)
NEEDED: Final = "needs the package cryptography: pip install 'throughline[evidence]'"
_VERSION: Final = 1


class Purpose(StrEnum):
    """What a key is for."""

    SIGNING = "signing"
    """An application's process signs its checkpoints."""
    SEALING = "sealing"
    """An auditor opens the content that was sealed for him."""
    OPERATOR = "operator"
    """A person signs what he opened and erased."""


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One entry of a key list."""

    id: str
    purpose: Purpose
    public: bytes
    since: datetime
    until: datetime | None
    """None: valid until further notice."""
    owner: str

    def is_valid_at(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment <= self.until)

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "purpose": self.purpose.value,
            "public": base64.b64encode(self.public).decode(),
            "from": _written(self.since),
            "until": None if self.until is None else _written(self.until),
            "owner": self.owner,
        }


# --- private keys ---------------------------------------------------------------------------------------------------


def new_private_key(purpose: Purpose) -> PrivateKey:
    """A new key: Ed25519 to sign, X25519 to open what is sealed. Raises ValueError without `cryptography`."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519, x25519
    except ImportError:
        raise ValueError(f"making keys {NEEDED}") from None
    if purpose is Purpose.SEALING:
        return x25519.X25519PrivateKey.generate()
    return ed25519.Ed25519PrivateKey.generate()


def public_bytes(key: PrivateKey) -> bytes:
    """The public part, raw: 32 bytes."""
    return key.public_key().public_bytes_raw()


def private_pem(key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: PrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_private_key(path: Path) -> PrivateKey:
    """The key in a file. Raises ValueError, which quotes nothing of the file, where there is none that we use."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise ValueError(f"a private key {NEEDED}") from None
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):  # of any other form; TypeError: behind a passphrase
        key = None
    if not isinstance(key, (Ed25519PrivateKey, X25519PrivateKey)):
        raise ValueError(  # noqa: TRY004 - of the file, not of an argument
            f"{path} holds no private key without a passphrase in PEM (PKCS 8); `throughline keys new` makes one"
        )
    return key


class SigningKey:
    """The key in a file that may be exchanged while the process runs. Raises ValueError for none that signs."""

    def __init__(self, path: Path) -> None:
        self.path, self._seen, self._told = path, _state_of(path), False
        self._key = self._read()

    def signed(self, statement: Mapping[str, Any]) -> dict[str, Any]:
        """The statement with the key's id and the signature; by the file's new key where it changed."""
        self._refresh()
        named = {**statement, "key": proof.key_id(public_bytes(self._key))}
        signature = self._key.sign(proof.statement_bytes(named))
        return {**named, "signature": base64.b64encode(signature).decode()}

    def _read(self) -> Ed25519PrivateKey:
        key = read_private_key(self.path)
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{self.path} holds a key that seals, not one that signs")  # noqa: TRY004 - as above
        return key

    def _refresh(self) -> None:
        if (state := _state_of(self.path)) == self._seen:
            return
        try:
            self._key, self._seen, self._told = self._read(), state, False
        except ValueError as error:  # perhaps it is only half written
            if not self._told:
                self._told = True
                _log.warning("the signing key changed, and the one before is used further: %s", error)


def _state_of(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


# --- the key list ---------------------------------------------------------------------------------------------------


def read_key_list(path: Path) -> list[ListedKey]:
    """The keys that are published there. Raises ValueError, naming the entry, for what is no key list."""
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ValueError(f"the key list {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise ValueError(f"the key list {path} is no JSON") from None
    return parsed_key_list(found, str(path))


def parsed_key_list(found: Any, where: str) -> list[ListedKey]:
    """The same from JSON that was read already."""
    if not isinstance(found, dict) or found.get("version") != _VERSION or not isinstance(found.get("keys"), list):
        raise ValueError(f'the key list {where} may be {{"version": {_VERSION}, "keys": […]}}')
    keys = [_parsed(entry, f"{where}, entry {number}") for number, entry in enumerate(found["keys"], 1)]
    if len({key.id for key in keys}) < len(keys):
        raise ValueError(f"the key list {where} has a key twice")
    return keys


def write_key_list(path: Path, keys: list[ListedKey]) -> None:
    """Write it whole or not at all; anybody may read it."""
    text = json.dumps({"version": _VERSION, "keys": [key.as_json() for key in keys]}, indent=2, ensure_ascii=False)
    replace_file(path, f"{text}\n".encode(), mode=0o644)


def listed(key: PrivateKey, purpose: Purpose, owner: str, since: datetime) -> ListedKey:
    """The entry of a new key."""
    public = public_bytes(key)
    return ListedKey(proof.key_id(public), purpose, public, since, None, owner)


def ended(keys: list[ListedKey], key_id: str, until: datetime) -> list[ListedKey]:
    """The list with this key's validity ended; what has ended earlier stays so."""
    return [
        replace(key, until=until) if key.id == key_id and (key.until is None or key.until > until) else key
        for key in keys
    ]


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Put a file there, in the place of what there was, whole or not at all."""
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(aside).replace(path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _parsed(entry: Any, where: str) -> ListedKey:
    try:
        public = base64.b64decode(entry["public"], validate=True)
        key = ListedKey(
            entry["id"],
            Purpose(entry["purpose"]),
            public,
            _moment(entry["from"]),
            None if entry.get("until") is None else _moment(entry["until"]),
            str(entry.get("owner", "")),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise ValueError(f"the key list {where}: id, purpose, public, from, until or owner is missing or odd") from None
    if len(public) != 32 or key.id != proof.key_id(public):
        raise ValueError(f"the key list {where}: the id is not that of the public key")
    return key


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without zone")
    return moment.astimezone(UTC)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
