"""What proves a record: its canonical form, its digest, the link to the one before, and signatures. Stores nothing.

Needs nothing but Python and, for signatures, `cryptography`; so this file alone checks evidence anywhere.

Canonical form: JSON as RFC 8785 writes it; integers beyond 2^53 - 1 are strings of their digits, as its section 3.2.2.3
advises. Digest of a record: SHA-256(digest of the record before || SHA-256(canonical body)), 32 bytes each; before the
first one stand 32 zero bytes. What may be erased one day is in the body only as HMAC-SHA256 under a salt, which is
erased with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any, Final

GENESIS: Final = bytes(32)
"""What stands for the digest before the first record's."""
EXACT: Final = 2**53 - 1
IDENTITIES: Final = ("client.address", "gen_ai.conversation.id", "session.id", "user.id")
"""Who: stays searchable on the record, and is erased with his content."""
CONTENT: Final = (
    "exception.message",
    "gen_ai.evaluation.explanation",
    "gen_ai.input.messages",
    "gen_ai.memory.query.text",
    "gen_ai.memory.records",
    "gen_ai.output.messages",
    "gen_ai.retrieval.documents",
    "gen_ai.retrieval.query.text",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.tool.definitions",
    "throughline.content.ref",
    "throughline.content.sealed",
    "throughline.content.truncated",
)
"""What was said: stored apart from its record, for other readers and perhaps for a shorter time."""
RESOURCE: Final = (
    "deployment.environment.name",
    "host.name",
    "service.instance.id",
    "service.name",
    "service.namespace",
    "service.version",
)
"""What of a process's own description its records prove."""
SALT, CONTENT_SALT = "throughline.chain.salt", "throughline.content.salt"
TIME = "throughline.record.time_unix_nano"
MASKED_LATER: Final = "throughline.mask.second_pass"
"""The sum of a later masking's counts, which is no more proven than these."""
_APART: Final = ("throughline.chain.", "redaction.")
"""Attributes that begin so are the proof itself, or a later masking's count."""


def canonical(value: Any) -> str:
    """The value as RFC 8785 writes it. Raises ValueError for what is no JSON, such as NaN or a key that is a number."""
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is int:
        return str(value) if -EXACT <= value <= EXACT else f'"{value}"'
    if kind is float:
        return _number(value)
    if kind is dict:
        return "{" + ",".join([f"{encode_basestring(key)}:{canonical(value[key])}" for key in _sorted(value)]) + "}"
    if kind is list or kind is tuple:
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    return _derived(value)


def _derived(value: Any) -> str:
    """A subclass as what it derives from."""
    if isinstance(value, str):
        return encode_basestring(str.__str__(value))  # str() of an enum is not its value
    if isinstance(value, Mapping):
        return canonical(dict(value))
    for plain in (int, float, list, tuple):
        if isinstance(value, plain):
            return canonical(plain(value))  # type: ignore[arg-type]
    raise ValueError(f"{type(value).__qualname__} has no canonical form")


def _sorted(value: Mapping[Any, Any]) -> Iterable[str]:
    """Keys by UTF-16 code units, which is the order of characters except beyond the basic plane."""
    try:
        is_ascii = "".join(value).isascii()
    except TypeError:
        raise ValueError("a key that is no string has no canonical form") from None
    return sorted(value) if is_ascii else sorted(value, key=lambda key: key.encode("utf-16-be", "surrogatepass"))


def _number(value: float) -> str:
    """As ECMAScript writes it: no exponent between 1e-6 and 1e21."""
    if value - value != 0.0:
        raise ValueError("a number that is not finite has no canonical form")
    text = repr(value)
    mantissa, found, exponent = text.partition("e")
    if not found:
        return text.removesuffix(".0") if value else "0"
    sign, digits = ("-" if value < 0 else ""), mantissa.lstrip("-").replace(".", "")
    point = int(exponent) + 1
    if 0 < point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return f"{sign}{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{point - 1:+d}"


def salted(salt: bytes, name: str, value: Any) -> str:
    """The digest, in hexadecimal, that stands in the body for an attribute that may be erased."""
    return hmac.digest(salt, f"{name}:{canonical(value)}".encode(), "sha256").hex()


def body(document: Mapping[str, Any]) -> str:
    """The canonical body of a record, given as Elasticsearch returns it (without what is stored apart)."""
    before, after = around(document)
    return f"{before}{canonical(document['attributes']['throughline.chain.sequence'])}{after}"


def around(document: Mapping[str, Any]) -> tuple[str, str]:
    """The body before and after the record's place in its chain, which is not known until the very end."""
    attributes: Mapping[str, Any] = document["attributes"]
    resource = document.get("resource", {}).get("attributes", {})
    before = canonical(
        {
            "attributes": {name: value for name, value in attributes.items() if is_plain(name)},
            "chain": attributes["throughline.chain.id"],
            "event": document.get("event_name", ""),
            "resource": {name: resource[name] for name in RESOURCE if name in resource},
            "salted": sorted(_listed(attributes.get("throughline.chain.salted", ()))),
        }
    )
    after = canonical({"span": document.get("span_id") or "", "trace": document.get("trace_id") or ""})
    return f'{before[:-1]},"sequence":', f",{after[1:]}"


def _listed(value: Any) -> Any:
    """A list; an object would give its keys, and so pass for one here and for nothing elsewhere."""
    if not isinstance(value, (list, tuple)):
        raise ValueError("the salted digests are no list")  # noqa: TRY004 - of the document, not of an argument
    return value


@lru_cache(4_096)
def is_plain(name: str) -> bool:
    """Whether an attribute stands in the body as it is."""
    return not name.startswith(_APART) and name not in _NOT_PLAIN


_NOT_PLAIN: Final = frozenset((*IDENTITIES, *CONTENT, CONTENT_SALT, MASKED_LATER))


def digest(previous: bytes, body: str) -> bytes:
    """The digest of the record with this body, which follows the one whose digest is `previous`."""
    return hashlib.sha256(previous + hashlib.sha256(body.encode()).digest()).digest()


def statement_bytes(statement: Mapping[str, Any]) -> bytes:
    """What is signed of a checkpoint or another statement: its canonical form without the signature."""
    return canonical({name: value for name, value in statement.items() if name != "signature"}).encode()


def signed_by(public: bytes, statement: Mapping[str, Any]) -> bool:
    """Whether the statement's signature is that of this Ed25519 key, given raw."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        signature = base64.b64decode(str(statement.get("signature", "")), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, statement_bytes(statement))
    except (InvalidSignature, ValueError):
        return False
    return True


def key_id(public: bytes) -> str:
    """How statements name a key: 16 digits of the SHA-256 of its raw bytes."""
    return hashlib.sha256(public).hexdigest()[:16]
