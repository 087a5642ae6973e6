"""Chained records as tests put, find and check them; it keeps none."""

from __future__ import annotations

import json
from typing import Any

from instrumentation.records.receiving import Receiver, plain
from throughline import names
from throughline.records import frames, proof
from throughline.records.journal import Journal
from throughline.settings import Settings

RESOURCE = {"service.name": "s", "service.instance.id": "u"}
EVENT = names.CLIENT_INFERENCE_OPERATION_DETAILS


def put(journal: Journal, *numbers: int, size: int = 0, **attributes: Any) -> list[bool]:
    return [
        journal.append(EVENT, {"number": number, "text": "x" * size, **attributes}, time=1_000 + number, trace_id=1)
        for number in numbers
    ]


def on_disk(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Chain → what waits of it in the spool."""
    assert settings.spool
    found: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(settings.spool.glob("*/*.frames")):
        records = [json.loads(frame.payload) for frame in frames.whole(path.read_bytes())]
        found.setdefault(path.parent.name, []).extend(records)
    return found


def linked(documents: list[dict[str, Any]]) -> list[int]:
    """The places of these, of which each has the digest of what it is, and names that of the one before."""
    previous = None
    apart = {*proof.CONTENT, proof.CONTENT_SALT}
    for document in documents:
        record = document["attributes"]
        own = {name: value for name, value in record.items() if name not in apart}
        before = bytes.fromhex(record[names.CHAIN_PREVIOUS])
        assert proof.digest(before, proof.body({**document, "attributes": own})).hex() == record[names.CHAIN_DIGEST]
        if previous is not None and record[names.CHAIN_SEQUENCE] == previous[names.CHAIN_SEQUENCE] + 1:
            assert record[names.CHAIN_PREVIOUS] == previous[names.CHAIN_DIGEST]
        previous = record
    return [document["attributes"][names.CHAIN_SEQUENCE] for document in documents]


def received(receiver: Receiver) -> list[dict[str, Any]]:
    """What came, as documents, each once as Elasticsearch would have it; those of checkpoints, too."""
    came = [
        {
            "attributes": plain(record),
            "event_name": record.event_name,
            "trace_id": record.trace_id.hex(),
            "span_id": record.span_id.hex(),
            "resource": {"attributes": plain(of.resource)},
            "time": record.time_unix_nano,
        }
        for of in receiver.resources
        for scope in of.scope_logs
        for record in scope.log_records
    ]
    return list({document["attributes"][names.RECORD_ID]: document for document in came}.values())


def linked_on_disk(records: list[dict[str, Any]]) -> list[int]:
    """The same of what waits in the spool."""
    resource = {"attributes": RESOURCE}
    return linked(
        [
            {**record, "event_name": record["event"], "trace_id": record["trace"], "resource": resource}
            for record in records
        ]
    )
