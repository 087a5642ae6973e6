"""Judges what a record proves without holding it in its body: who asked, what was said, and when; reads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from throughline import names
from throughline.records import proof
from throughline.records.verification.findings import Kind
from throughline.records.verification.places import Attributes, Held, resource_of, shown_besides
from throughline.records.verification.stored import Hit, kind_of, stream_of

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CONTENT: Final = frozenset(proof.CONTENT)
_IDENTITIES: Final = frozenset(proof.IDENTITIES)
_APART: Final = frozenset((*proof.CONTENT, names.CONTENT_SALT, names.CONTENT_SET_ASIDE))
_AUDITED: Final = ("throughline.chain.", "throughline.content.")
_KINDS: Final = {names.EVALUATION_RESULT: "evaluation", names.OPERATION_DETAILS: "operation"}
_SAME: Final = ("@timestamp", "trace_id", "span_id", "event_name")
"""What a content document repeats of its record."""
_SALT: Final = 32
"""Digits of a salt."""
_MASKED: Final = ("redaction.masked", "redaction.body.masked", "redaction.redacted", "redaction.body.redacted")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong beside the body; `what` names the attribute."""

    kind: Kind
    what: str


def faults(held: Held, content: Hit | None) -> Iterator[Fault]:
    """What is wrong with a record's time stamp, identities and content; what is not there at all, `lacking` says."""
    expected = _salted(held.attributes)
    if time_of(held.document) != held.attributes.get(names.RECORD_TIME_UNIX_NANO):
        yield Fault(Kind.ALTERED_TIME, "@timestamp")
    if held.identity != held.attributes.get(names.RECORD_ID):
        yield Fault(Kind.ALTERED, "_id is not the record's")
    if besides := shown_besides(held.document):
        yield Fault(Kind.ALTERED, f"{min(besides)}, which is none of its own")
    if is_misplaced(held):
        yield Fault(Kind.ALTERED, f"it stands in {stream_of(held.index)}")
    present = {name: held.attributes[name] for name in _IDENTITIES & held.attributes.keys()}
    if wrong := _wrong(present, expected, held.attributes.get(names.CHAIN_SALT)):
        yield Fault(Kind.ALTERED, ", ".join(wrong))
    if misplaced := _APART & held.attributes.keys():
        yield Fault(Kind.ALTERED, f"{min(misplaced)}, which is stored apart")
    if content is not None and (changed := _of_content(held, content, expected)):
        yield Fault(Kind.ALTERED_CONTENT, ", ".join(sorted(changed)))


def lacking(held: Held, content: Hit | None, *, contents: bool) -> Kind | None:
    """What somebody erased, or time: identities (as ALTERED) or content. Partly erased content is a fault instead."""
    expected = _salted(held.attributes).keys()
    if contents and content is None and expected & _CONTENT:
        return Kind.MISSING_CONTENT
    gone = (expected & _IDENTITIES) - held.attributes.keys()
    return Kind.ALTERED if gone else None


def is_misplaced(held: Held) -> bool:
    """Whether it is in another stream than the Collector chooses, where other readers would look for it in vain."""
    found = kind_of(stream_of(held.index))
    event = held.document.get("event_name")
    kind = "audit" if str(event).startswith(_AUDITED) else _KINDS.get(str(event), "record")
    return found not in (kind, None)


def is_marked(held: Held, content: Hit | None) -> bool:
    """Whether the Collector says that it changed this record on its way."""
    source: Mapping[str, Any] = content["_source"] if content else {}
    marked: list[Any] = [held.attributes, *(document.get("resource") for document in (held.document, source))]
    said = [source.get("attributes"), *(each.get("attributes", each) for each in marked if isinstance(each, Mapping))]
    return any(
        name.startswith(_MASKED) or name == names.CONTENT_SET_ASIDE
        for attributes in said
        if isinstance(attributes, Mapping)
        for name in attributes
    )


def _of_content(held: Held, content: Hit, expected: Mapping[str, str]) -> set[str]:
    """What of a content document is not as its record proves or repeats it."""
    attributes = content["_source"].get("attributes")
    if not isinstance(attributes, Mapping):
        return {"attributes"}
    present = {name: attributes[name] for name in _CONTENT & attributes.keys()}
    wrong = _wrong(present, expected, attributes.get(names.CONTENT_SALT))
    gone = (expected.keys() & _CONTENT) - present.keys()
    added = {
        name
        for name in attributes.keys() - _APART
        if not name.startswith("redaction.") and attributes[name] != held.attributes.get(name)
    }
    differs = {name for name in _SAME if content["_source"].get(name) != held.document.get(name)}
    if _resource(content["_source"]) != _resource(held.document):
        differs.add("resource")
    return {*wrong, *gone, *added, *differs, *shown_besides(content["_source"])}


def _wrong(present: Attributes, expected: Mapping[str, str], salt: Any) -> list[str]:
    """The attributes whose digest is not the one in the record, sorted."""
    try:
        key = bytes.fromhex(salt) if present else b""
    except (TypeError, ValueError):
        return sorted(present)
    if present and len(salt) != _SALT:  # zeros at its end would not show in the digests
        return sorted(present)
    return sorted(name for name, value in present.items() if _digest(key, name, value) != expected.get(name))


def _digest(salt: bytes, name: str, value: Any) -> str | None:
    try:
        return proof.salted(salt, name, value)
    except ValueError:
        return ""


def _salted(attributes: Attributes) -> dict[str, str]:
    found = attributes.get(names.CHAIN_SALTED)
    entries = [str(entry) for entry in found] if isinstance(found, list) else []
    return {name: digest for name, _, digest in (entry.rpartition(":") for entry in entries)}


def _resource(document: Mapping[str, Any]) -> dict[str, Any]:
    attributes = resource_of(document)
    return {name: attributes[name] for name in proof.RESOURCE if name in attributes}


def time_of(document: Mapping[str, Any]) -> int:
    """@timestamp as the Collector writes it, milliseconds `.` nanoseconds without leading zeros, or ISO 8601; or 0."""
    written = document.get("@timestamp")
    milliseconds, _, rest = str(written).partition(".")
    if milliseconds.isdecimal() and (rest.isdecimal() or not rest):
        return int(milliseconds) * 10**6 + int(rest or 0)
    try:
        return (datetime.fromisoformat(str(written)) - _EPOCH) // timedelta(microseconds=1) * 1000
    except (TypeError, ValueError):
        return 0
