"""Whose signature counts, by the published list of keys; it neither makes nor holds a key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from throughline.records import proof
from throughline.records.keys import Purpose, read_key_list
from throughline.records.verification.findings import Kind

_SIGN: Final = (Purpose.SIGNING, Purpose.OPERATOR)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TrustedKeys:
    """All keys of a list. Raises ValueError for what is no list."""

    def __init__(self, path: Path) -> None:
        self._keys = {key.id: key for key in read_key_list(path)}

    def fault(self, statement: Mapping[str, Any]) -> Kind | None:
        """What is wrong with the statement's signature, if anything."""
        key = self._keys.get(str(statement.get("key")))
        if key is None or key.purpose not in _SIGN:
            return Kind.UNKNOWN_KEY
        if not proof.signed_by(key.public, statement):
            return Kind.WRONG_SIGNATURE
        moment = _EPOCH + timedelta(microseconds=int(statement["time"]) // 1000)
        return None if key.is_valid_at(moment) else Kind.KEY_NOT_VALID

    def is_operators(self, key: str) -> bool:
        """Whether the key may sign that something was erased."""
        return key in self._keys and self._keys[key].purpose is Purpose.OPERATOR
