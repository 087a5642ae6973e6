"""Brings records and contents together, place by place; judges neither."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from throughline import names
from throughline.records import proof
from throughline.records.verification.stored import Hit

Attributes = Mapping[str, Any]
_LINKS: Final = frozenset(
    {
        names.CHAIN_ID,
        names.CHAIN_SEQUENCE,
        names.CHAIN_PREVIOUS,
        names.CHAIN_DIGEST,
        names.CHAIN_SALT,
        names.CHAIN_SALTED,
    }
)
_MARK: Final = re.compile(r"redaction\.(?:body\.)?(?:redacted|masked|allowed|ignored)\.(?:keys|count)")
"""What the Collector's masking says of itself."""


@dataclass(slots=True)
class Held:
    """One record's document, with what its proof is made of."""

    identity: str
    index: str
    document: Mapping[str, Any]
    attributes: Attributes
    body: str | None
    """None: what is there cannot be a record's."""
    digest: bytes
    previous: bytes

    @classmethod
    def of(cls, hit: Hit) -> Held:
        document = hit["_source"]
        attributes = _mapping(document.get("attributes"))
        try:
            body: str | None = proof.body(document)
        except (AttributeError, KeyError, TypeError, ValueError):
            body = None
        digest, previous = digest_in(attributes, names.CHAIN_DIGEST), digest_in(attributes, names.CHAIN_PREVIOUS)
        return cls(hit["_id"], hit["_index"], document, attributes, body, digest, previous)

    def follows(self, previous: bytes) -> bool:
        """Whether its digest is that of its body after the record with this digest."""
        return self.body is not None and proof.digest(previous, self.body) == self.digest

    @property
    def time(self) -> int:
        """When it was made, as it says; 0 where it does not."""
        time = self.attributes.get(names.RECORD_TIME_UNIX_NANO)
        return time if type(time) is int else 0


@dataclass(slots=True)
class Place:
    """All that Elasticsearch holds for one place of a chain."""

    chain: str
    sequence: int
    held: list[Held] = field(default_factory=list)
    contents: list[Hit] = field(default_factory=list)


def joined(records: Iterator[Hit], contents: Iterator[Hit]) -> Iterator[Place]:
    """Both come sorted by chain and place; one place is held at a time."""
    record, content = next(records, None), next(contents, None)
    while record is not None or content is not None:
        key = min(_key(hit) for hit in (record, content) if hit is not None)
        place = Place(*key)
        while record is not None and _key(record) == key:
            place.held.append(Held.of(record))
            record = next(records, None)
        while content is not None and _key(content) == key:
            place.contents.append(content)
            content = next(contents, None)
        yield place


def _key(hit: Hit) -> tuple[str, int]:
    chain, sequence = hit["sort"][:2]
    return chain, sequence


def digest_in(attributes: Attributes, name: str) -> bytes:
    """What is no digest equals none."""
    try:
        return bytes.fromhex(attributes[name])
    except (KeyError, TypeError, ValueError):
        return b""


def attributes_of(hit: Hit) -> Attributes:
    """A document's attributes, whatever somebody made of it."""
    return _mapping(hit["_source"].get("attributes"))


def resource_of(document: Mapping[str, Any]) -> Attributes:
    """The attributes of its resource, likewise."""
    return _mapping(_mapping(document.get("resource")).get("attributes"))


def shown_besides(document: Mapping[str, Any]) -> set[str]:
    """What Elasticsearch finds or shows of a document though no digest covers it, by its path; nothing in a good one.

    A name with dots is the same field to Elasticsearch as objects in one another, and the digest knows one of the two.
    """
    found = {name for name in document if "." in name} | ({"body"} if document.get("body") not in _NO_BODY else set())
    found |= {f"resource.{name}" for name in _mapping(document.get("resource")) if "." in name}
    found |= {f"resource.attributes.{name}" for name in resource_of(document) if _hides_a_resource(name)}
    attributes = _mapping(document.get("attributes"))
    found |= set() if _is_summed(attributes) else {names.MASK_SECOND_PASS}
    return found | {name for name in attributes if _is_no_proof(name)}


def is_added(name: str) -> bool:
    """Whether it is what the Collector's masking says of itself, and so in no digest."""
    return name.startswith("redaction.") or name == names.MASK_SECOND_PASS


def _is_summed(attributes: Attributes) -> bool:
    """Whether what it says that the second pass masked is what that says itself, so that nothing else stands there."""
    if names.MASK_SECOND_PASS not in attributes:
        return True
    counts = [attributes.get(f"redaction.{part}masked.count", 0) for part in ("", "body.")]
    found = attributes[names.MASK_SECOND_PASS]
    return all(type(each) is int for each in (found, *counts)) and found == sum(counts)


_NO_BODY: Final[tuple[Any, ...]] = (None, {}, {"text": ""})


@lru_cache(4_096)
def _hides_a_resource(name: str) -> bool:
    return any(known.startswith(f"{name}.") for known in proof.RESOURCE)


@lru_cache(4_096)
def _is_no_proof(name: str) -> bool:
    """Whether it is named like what the digest leaves out, and is none of it."""
    if name.startswith("redaction."):
        return _MARK.fullmatch(name) is None
    return name.startswith("throughline.chain.") and name not in _LINKS


def _mapping(value: Any) -> Attributes:
    return value if isinstance(value, Mapping) else {}
