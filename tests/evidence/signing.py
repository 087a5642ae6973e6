"""Keys that sign the tests' evidence, and the list that verifiers read; they sign nothing by themselves."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from throughline.records import proof

Document = dict[str, Any]
HOUR, DAY = 3_600 * 10**9, 86_400 * 10**9


def now() -> int:
    return time.time_ns()


class Key:
    """A signing key and its entry in the list."""

    def __init__(self, purpose: str = "signing", since: int | None = None, until: int | None = None) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()
        self.id = proof.key_id(self.public)
        self.entry = {
            "id": self.id,
            "purpose": purpose,
            "public": base64.b64encode(self.public).decode(),
            "from": _iso(since if since is not None else now() - 4_000 * DAY),
            "until": None if until is None else _iso(until),
            "owner": "tests",
        }

    def sign(self, statement: Document) -> Document:
        named = {**statement, "key": self.id}
        signature = self._private.sign(proof.statement_bytes(named))
        return {**named, "signature": base64.b64encode(signature).decode()}


def write_keys(path: Path, *keys: Key) -> Path:
    path.write_text(json.dumps({"version": 1, "keys": [key.entry for key in keys]}))
    return path


def _iso(nanoseconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)).isoformat()
