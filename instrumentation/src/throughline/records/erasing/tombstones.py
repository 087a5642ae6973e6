"""Which records are known as erased, by tombstones that are proved; one that anybody could have written counts nothing.

Otherwise whoever may write to the audit stream could have the next erasure take what he likes, and sign for it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from elasticsearch import Elasticsearch

from throughline import names
from throughline.records import proof
from throughline.records.streams import AUDIT, Hit, hits


def erased(client: Elasticsearch, operators: Collection[bytes]) -> Iterator[str]:
    """The ids that tombstones name in chains that one of these public keys closed."""
    for chain, ends in _closed(client, operators).items():
        documents = [hit["_source"] for hit in hits(client, AUDIT, {"term": {f"attributes.{names.CHAIN_ID}": chain}})]
        for link in (link for end in ends for link in _leading_to(end, documents)):
            if link.get("event_name") == names.CONTENT_ERASED:
                listed = link["attributes"].get(names.AUDIT_RECORDS) or ()
                yield from [listed] if isinstance(listed, str) else listed


def _closed(client: Elasticsearch, operators: Collection[bytes]) -> dict[str, set[str]]:
    """Chain → the digests that signed statements give for its end."""
    publics = {proof.key_id(public): public for public in operators}
    found: dict[str, set[str]] = {}
    for hit in hits(client, AUDIT, {"term": {f"attributes.{names.CHECKPOINT_CLOSED}": True}}):
        statement = _statement(hit)
        public = publics.get(str(statement.get("key")))
        if public is not None and proof.signed_by(public, statement):
            found.setdefault(str(statement.get("chain")), set()).add(str(statement.get("digest")))
    return found


def _statement(hit: Hit) -> dict[str, Any]:
    try:
        statement = json.loads(str(hit["_source"]["attributes"].get(names.CHECKPOINT_STATEMENT)))
    except (RecursionError, ValueError):
        return {}
    return statement if isinstance(statement, dict) else {}


def _leading_to(end: str, documents: list[Hit]) -> Iterator[Hit]:
    """The links of which the last has this digest, backward; copies, and what others put there, are passed over."""
    claimed: dict[str, list[Hit]] = {}
    for document in documents:
        attributes = document.get("attributes")
        claim = attributes.get(names.CHAIN_DIGEST) if isinstance(attributes, dict) else None
        claimed.setdefault(str(claim), []).append(document)
    while (link := next((each for each in claimed.get(end, ()) if _digest(each) == end), None)) is not None:
        yield link
        end = link["attributes"][names.CHAIN_PREVIOUS]


def _digest(link: Hit) -> str:
    """What its digest comes to after the link that it names; empty where it is no link."""
    try:
        return proof.digest(bytes.fromhex(link["attributes"][names.CHAIN_PREVIOUS]), proof.body(link)).hex()
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError):
        return ""
