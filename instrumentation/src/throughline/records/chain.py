"""Makes a record's link in its process's chain: plain values, salted digests, place, digest. Keeps and signs nothing.

What a value is turned into here is what Elasticsearch gives back later, so that its digest is the same then.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from throughline import names
from throughline.records import proof

_DEEPEST: Final = 32
"""Levels of a structure; OTLP's readers give up at about three times as many."""
_CONTENT: Final = frozenset(proof.CONTENT)
_IDENTITIES: Final = frozenset(proof.IDENTITIES)
_written = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Prepared(NamedTuple):
    """A record but for its place in the chain."""

    body: tuple[str, str]
    payload: str
    """JSON, but for the end of its attributes."""


class Chain:
    """One chain; its links are made in any thread, and put together by whoever knows the one before."""

    def __init__(self, resource: Mapping[str, Any]) -> None:
        self.id = os.urandom(16).hex()
        self.resource: dict[str, Any] = plain(resource)

    def prepared(self, event: str, attributes: Mapping[str, Any], time: int, trace: int, span: int) -> Prepared:
        """All that costs time, done before anybody has to wait for it."""
        kept = {name: plain(value) for name, value in attributes.items() if value is not None and name}
        kept[names.RECORD_TIME_UNIX_NANO] = time
        kept.setdefault(names.RECORD_ID, os.urandom(24).hex())
        kept[names.CHAIN_ID] = self.id
        kept[names.CHAIN_SALTED] = _salted(kept)
        trace_id, span_id = f"{trace:032x}" if trace else "", f"{span:016x}" if span else ""
        body = proof.around(
            {
                "attributes": kept,
                "event_name": event,
                "resource": {"attributes": self.resource},
                "trace_id": trace_id,
                "span_id": span_id,
            }
        )
        head = _written({"event": event, "time": time, "trace": trace_id, "span": span_id})
        return Prepared(body, f'{head[:-1]},"attributes":{_written(kept)[:-1]}')


def linked(prepared: Prepared, sequence: int, previous: bytes) -> tuple[bytes, bytes]:
    """The record's digest and its payload at this place, after the record with that digest."""
    before, after = prepared.body
    digest = proof.digest(previous, f"{before}{sequence}{after}")
    place = f'"{names.CHAIN_SEQUENCE}":{sequence},"{names.CHAIN_PREVIOUS}":"{previous.hex()}"'
    return digest, f'{prepared.payload},{place},"{names.CHAIN_DIGEST}":"{digest.hex()}"}}}}'.encode()


def _salted(attributes: dict[str, Any]) -> list[str]:
    """Digests of what may be erased one day; the salts they need go into the attributes."""
    found = []
    for whose, salt_name in ((_IDENTITIES, names.CHAIN_SALT), (_CONTENT, names.CONTENT_SALT)):
        if held := whose.intersection(attributes):
            salt = os.urandom(16)
            attributes[salt_name] = salt.hex()
            found += [f"{name}:{proof.salted(salt, name, attributes[name])}" for name in held]
    return sorted(found)


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON and OTLP carry it alike, and Elasticsearch keeps it."""
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _whole(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -(2**63) <= value < 2**63 else _digits(value)
    if kind is float:
        return value if value - value == 0.0 else str(value)
    if depth > _DEEPEST:
        return _whole(_shallow(value))
    if kind is list or kind is tuple:
        return [plain(item, depth + 1) for item in value]
    if kind is dict:
        return {_named(key): plain(item, depth + 1) for key, item in value.items()}
    return _derived(value, depth)


def _derived(value: Any, depth: int) -> Any:
    """What derives from something plain as that; bytes in base 64, and all else as its text."""
    if isinstance(value, str):
        return _whole(str.__str__(value))
    if isinstance(value, Mapping):
        return plain(dict(value), depth)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    kinds: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (int, int),
        (float, float),
        ((list, tuple, set, frozenset), list),
    )
    for base, made in kinds:
        if isinstance(value, base):
            return plain(made(value), depth)
    return _whole(str(value))


def _named(key: Any) -> str:
    return _whole(str.__str__(key)) if isinstance(key, str) else _whole(str(key))


def _whole(text: str) -> str:
    """Text without half characters: such as are one together become it, others a replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _digits(value: int) -> str:
    return str(value) if value.bit_length() < 4_096 else hex(value)  # Python refuses to write more in base 10


def _shallow(value: Any) -> str:
    """In place of what is too deep: its beginning, as Python writes it."""
    try:
        return repr(value)[:10_000]
    except RecursionError:
        return "…"
