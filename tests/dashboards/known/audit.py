"""The known audit trail: content opened twice and erased once, checkpoints of two chains, a gap in one."""

from __future__ import annotations

from typing import Final

from dashboards.known.documents import Plain, at, document
from throughline import names

STREAM: Final = "logs-genai.audit.otel-dashboards"


def documents() -> list[Plain]:
    """In the order in which it happened."""
    records = [f"{number:032x}{number:016x}" for number in (1, 2)]
    return [
        _event(5, names.CONTENT_OPENED, _act("ann", "a complaint", records[:1])),
        _event(6, names.CONTENT_OPENED, _act("bob", "a claim", records)),
        _event(7, names.CONTENT_ERASED, _act("ann", "asked to be forgotten", records)),
        _event(20, names.CHAIN_CHECKPOINT, {names.CHAIN_ID: "chain-a", names.CHAIN_SEQUENCE: 24}),
        _event(50, names.CHAIN_CHECKPOINT, {names.CHAIN_ID: "chain-a", names.CHAIN_SEQUENCE: 49}),
        _event(51, names.CHAIN_CHECKPOINT, {names.CHAIN_ID: "chain-b", names.CHAIN_SEQUENCE: 49}),
        _event(52, names.CHAIN_GAP, {names.CHAIN_ID: "chain-b", names.GAP_COUNT: 4}),
    ]


def _act(actor: str, reason: str, records: list[str]) -> Plain:
    return {names.AUDIT_ACTOR: actor, names.AUDIT_REASON: reason, names.AUDIT_RECORDS: records}


def _event(minute: int, event: str, attributes: Plain) -> Plain:
    identity = f"{minute:048x}"
    service = "llm-caller" if names.CHAIN_ID in attributes else "throughline-operator"
    return document(service, identity, at(minute), attributes | {names.RECORD_ID: identity}, event=event)
