"""Sealed content as the stores have it: found by record or trace, held against its record, opened. It shows nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import blobs, names
from throughline.privacy.sealing import Opener, SealError
from throughline.records import proof
from throughline.records.streams import CONTENTS, RECORDS, Query, batches, hits

_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Sealed:
    """The content of one record, as it is stored."""

    record_id: str
    trace_id: str
    span_id: str
    event: str
    timestamp: str
    sealed_for: str
    """Id of the key that opens it; empty where the record does not say."""
    seal: str
    references: tuple[str, ...]
    is_proved: bool
    """Whether it is what its record says it was, or the record says nothing."""
    place: tuple[str, int] | None = None
    """Its record's chain, and the place in that; None where it has none."""


def of_records(client: Elasticsearch, record_ids: list[str]) -> list[Sealed]:
    """The sealed content of these records."""
    return [found for batch in batches(record_ids) for found in _found(client, {"ids": {"values": batch}})]


def of_trace(client: Elasticsearch, trace_id: str) -> list[Sealed]:
    """The sealed content of all records of a trace."""
    return list(_found(client, {"term": {"trace_id": trace_id}}))


def _found(client: Elasticsearch, query: Query) -> Iterator[Sealed]:
    contents = {hit["_id"]: hit["_source"] for hit in hits(client, CONTENTS, query)}
    for batch in batches(sorted(contents)):
        records = {hit["_id"]: hit["_source"] for hit in hits(client, RECORDS, {"ids": {"values": batch}})}
        for record_id in batch:
            sealed = _sealed(record_id, contents[record_id], records.get(record_id, {}))
            if sealed is not None:
                yield sealed


def _sealed(record_id: str, content: Mapping[str, Any], record: Mapping[str, Any]) -> Sealed | None:
    attributes, known = content.get("attributes", {}), record.get("attributes", {})
    seal, references = attributes.get(names.CONTENT_SEALED), attributes.get(names.CONTENT_REF) or ()
    sealed_for = known.get(names.CONTENT_SEALED_FOR)
    if not seal and not (references and sealed_for):
        return None
    return Sealed(
        record_id=record_id,
        trace_id=content.get("trace_id") or "",
        span_id=content.get("span_id") or "",
        event=content.get("event_name") or "",
        timestamp=str(content.get("@timestamp", "")),
        sealed_for=str(sealed_for or ""),
        seal=str(seal or ""),
        references=(references,) if isinstance(references, str) else tuple(references),
        is_proved=_is_proved(attributes, known),
        place=_place(known),
    )


def _place(record: Mapping[str, Any]) -> tuple[str, int] | None:
    chain, sequence = record.get(names.CHAIN_ID), record.get(names.CHAIN_SEQUENCE)
    return (chain, sequence) if isinstance(chain, str) and type(sequence) is int else None


def _is_proved(content: Mapping[str, Any], record: Mapping[str, Any]) -> bool:
    """Whoever knows the auditor's public key can seal something else; the record's salted digest tells."""
    if names.CHAIN_ID not in content and names.CHAIN_ID not in record:
        return True  # of no chain, so that nothing ever could
    salted, salt = record.get(names.CHAIN_SALTED), content.get(names.CONTENT_SALT)
    if not isinstance(salted, list):
        return False
    try:
        key = bytes.fromhex(str(salt))
    except ValueError:
        return False
    held = (name for name in (names.CONTENT_SEALED, names.CONTENT_REF) if name in content)
    return all(f"{name}:{proof.salted(key, name, content[name])}" in salted for name in held)


def opened(sealed: Sealed, opener: Opener, store: str | None) -> dict[str, Any]:
    """Its content by attribute, what is in a store included. Raises SealError; OSError where the store lacks it."""
    if not sealed.is_proved:
        raise SealError("it is not what the record says it was")
    content = opener.record(sealed.seal, sealed.record_id, sealed.event) if sealed.seal else {}
    for reference in sealed.references:
        if store is None:
            raise SealError(f"part of it is in a store; name that by {blobs.CONTENT_STORE}")
        attribute = blobs.Reference.parsed(reference).attribute
        blob = blobs.read(reference, store)
        if not isinstance(blob, dict) or names.CONTENT_SEALED not in blob:
            raise SealError("what the store holds of it is not sealed")
        content[attribute] = opener.blob(attribute, blob[names.CONTENT_SEALED])
    return content
