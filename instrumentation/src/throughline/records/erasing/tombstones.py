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
        links = [each for each in documents if each.get("event_name") != names.CHAIN_CHECKPOINT]
        if _digest(links) in ends:
            for link in links:
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
    except ValueError:
        return {}
    return statement if isinstance(statement, dict) else {}


def _digest(links: list[dict[str, Any]]) -> str:
    """What the digest of the chain's last record comes to, from the first on; empty where links are missing."""
    digest = proof.GENESIS
    links.sort(key=lambda link: int(link["attributes"].get(names.CHAIN_SEQUENCE, -1)))
    for sequence, link in enumerate(links):
        if link["attributes"].get(names.CHAIN_SEQUENCE) != sequence:
            return ""
        digest = proof.digest(digest, proof.body(link))
    return digest.hex()
