"""Checks a bundle of evidence offline: what it says of each record is what was recorded and signed, or why it is not.

It proves what is in the bundle, not that nothing was left out of it. Usage: check_bundle.py [FOLDER or ZIP]
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from throughline.records import proof

MANIFEST, RECORDS, PROOFS, STATEMENTS, KEYS = (
    "bundle.json", "records.jsonl", "proofs.jsonl", "statements.jsonl", "keys.json",
)  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SIGN: Final = ("signing", "operator")
NAMED: Final = ("throughline.record.id", "throughline.chain.id", "throughline.chain.sequence")
"""What says of content which record's it is."""
_LINKS: Final = (*NAMED, *(f"throughline.chain.{each}" for each in ("previous", "digest", "salt", "salted")))
_KEPT: Final = {"@timestamp", "attributes", "event_name", "resource", "span_id", "trace_id"}
_ODD: Final = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError)


@dataclass(frozen=True)
class Verdict:
    """What holds of one record, or of a file as a whole."""

    subject: str
    holds: bool
    told: str


@dataclass
class Segment:
    """Places of a chain in a row, up to one that is signed."""

    first: int
    bodies: list[bytes]
    statement: Mapping[str, Any]
    digests: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, line: Mapping[str, Any], statements: Mapping[tuple[str, int], Mapping[str, Any]]) -> Segment:
        bodies = [bytes.fromhex(each) for each in line["bodies"]]
        found = cls(line["first"], bodies, statements.get((line["chain"], line["first"] + len(bodies) - 1), {}))
        found.digests.append(bytes.fromhex(line["previous"]))
        for body in bodies:
            found.digests.append(hashlib.sha256(found.digests[-1] + body).digest())
        return found


class Bundle:
    """The files of a bundle, in a folder or a zip."""

    def __init__(self, path: Path) -> None:
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        self._folder = path

    def names(self) -> list[str]:
        if self._zip:
            return sorted(self._zip.namelist())
        return sorted(each.relative_to(self._folder).as_posix() for each in self._folder.rglob("*") if each.is_file())

    def open(self, name: str) -> Any:
        return self._zip.open(name) if self._zip else (self._folder / name).open("rb")

    def close(self) -> None:
        if self._zip:
            self._zip.close()

    def json(self, name: str) -> Any:
        with self.open(name) as file:
            return json.load(file)

    def lines(self, name: str) -> Iterator[tuple[int, Any]]:
        """The lines of a file; None for what is no JSON."""
        if name not in self.names():
            return  # which the list of files tells
        with self.open(name) as file:
            for number, line in enumerate(file, 1):
                try:
                    yield number, json.loads(line, object_pairs_hook=_once)
                except (RecursionError, ValueError):
                    yield number, None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Who finds a name twice would read the first, or the last."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def verdicts(bundle: Bundle) -> Iterator[Verdict]:
    """Of what is not as it should be about whole files, then of each record."""
    yield from _of_files(bundle)
    statements: dict[tuple[str, int], Mapping[str, Any]] = {}
    faults: dict[tuple[str, int], str] = {}
    keys = _keys(bundle)
    if not keys:
        yield Verdict(KEYS, False, "has no key that can be read")
    for number, line in bundle.lines(STATEMENTS):
        try:
            place = (line["statement"]["chain"], line["statement"]["sequence"])
            statements[place], faults[place] = line["statement"], _fault(line, keys)
        except _ODD:
            yield Verdict(f"{STATEMENTS}, line {number}", False, "is no statement")
    segments: dict[str, list[Segment]] = {}
    for number, line in bundle.lines(PROOFS):
        try:
            segments.setdefault(line["chain"], []).append(Segment.of(line, statements))
        except _ODD:
            yield Verdict(f"{PROOFS}, line {number}", False, "is no proof")
    known: set[str] = set()
    for number, line in bundle.lines(RECORDS):
        try:
            verdict = _of_record(line, segments, faults)
            yield verdict if verdict.subject not in known else Verdict(verdict.subject, False, "is there twice")
            known.add(verdict.subject)
        except _ODD:
            yield Verdict(f"{RECORDS}, line {number}", False, "is no record")


def _keys(bundle: Bundle) -> dict[str, Mapping[str, Any]]:
    try:
        return {key["id"]: key for key in bundle.json(KEYS)["keys"]}
    except (*_ODD, OSError):
        return {}


def _of_files(bundle: Bundle) -> Iterator[Verdict]:
    """A file that is not as it was written is named, even where what changed proves nothing."""
    try:
        written = dict(bundle.json(MANIFEST)["files"])
    except (*_ODD, OSError):
        yield Verdict(MANIFEST, False, "cannot be read")
        return
    for name in bundle.names():
        with bundle.open(name) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest() if name in written else ""
        if name != MANIFEST and written.pop(name, None) != digest:
            yield Verdict(name, False, "is not as it was exported")
    for name in written:
        yield Verdict(name, False, "is missing")


def _fault(line: Mapping[str, Any], keys: Mapping[str, Mapping[str, Any]]) -> str:
    """What is wrong with a statement, or nothing."""
    statement, anchored = line["statement"], line.get("anchored")
    key = keys.get(statement["key"])
    if key is None or key["purpose"] not in SIGN:
        return "it is signed by a key that the list has not"
    public = base64.b64decode(key["public"])
    if proof.key_id(public) != key["id"] or not proof.signed_by(public, statement):
        return "the signature is wrong"
    moment = _EPOCH + timedelta(microseconds=int(statement["time"]) // 1000)
    until = key.get("until")
    if moment < datetime.fromisoformat(key["from"]) or (until and moment > datetime.fromisoformat(until)):
        return "it is signed by a key that was not valid then"
    return "its anchored copy says otherwise" if anchored not in (None, statement) else ""


def _of_record(
    line: Mapping[str, Any], segments: Mapping[str, list[Segment]], faults: Mapping[tuple[str, int], str]
) -> Verdict:
    document, attributes = line["document"], line["document"]["attributes"]
    chain, sequence = attributes["throughline.chain.id"], attributes["throughline.chain.sequence"]
    held = next((each for each in segments.get(chain, ()) if 0 <= sequence - each.first < len(each.bodies)), None)
    if held is None:
        return Verdict(line["id"], False, "no signed statement covers it, or what lies between is missing")
    place, statement = sequence - held.first, held.statement
    wrong = _unlike(line, document, attributes, held, place)
    if not wrong and held.digests[-1].hex() != statement.get("digest"):
        wrong = "the chain does not lead to the signed digest"
    if not wrong:
        wrong = faults[chain, statement["sequence"]]
    if wrong:
        return Verdict(line["id"], False, wrong)
    when = datetime.fromtimestamp(int(statement["time"]) // 10**9, UTC).isoformat()
    return Verdict(line["id"], True, f"place {sequence} of chain {chain}, signed by {statement['key']} at {when}")


def _unlike(
    line: Mapping[str, Any], document: Mapping[str, Any], attributes: Mapping[str, Any], held: Segment, place: int
) -> str:
    """What of a record is not as its proof has it, or nothing."""
    if hashlib.sha256(proof.body(document).encode()).digest() != held.bodies[place]:
        return "it was altered"
    links = attributes["throughline.chain.previous"], attributes["throughline.chain.digest"]
    if links != (held.digests[place].hex(), held.digests[place + 1].hex()):
        return "its digest was altered"
    if line["id"] != attributes["throughline.record.id"]:
        return "its id was altered"
    milliseconds, _, nanoseconds = str(document["@timestamp"]).partition(".")
    if int(milliseconds) * 10**6 + int(nanoseconds or 0) != attributes[proof.TIME]:
        return "its time stamp was altered"
    salted = dict(each.rsplit(":", 1) for each in attributes.get("throughline.chain.salted", ()))
    content = (line.get("content") or {}).get("attributes", {})
    wrong = _besides(line, document, attributes)
    wrong += _unproven(proof.IDENTITIES, attributes, attributes.get(proof.SALT), salted)
    wrong += _unproven(proof.CONTENT, content, content.get(proof.CONTENT_SALT), salted)
    if content:
        wrong += [name for name in NAMED if content.get(name) != attributes[name]]
        wrong += sorted(content.keys() - {*proof.CONTENT, *NAMED, proof.CONTENT_SALT})
        wrong += [name for name in salted if name in proof.CONTENT and name not in content]
    return f"{', '.join(wrong)} was altered" if wrong else ""


def _besides(line: Mapping[str, Any], document: Mapping[str, Any], attributes: Mapping[str, Any]) -> list[str]:
    """What stands where a reader looks for what is proven, and is not."""
    known = {*_LINKS, *proof.IDENTITIES}
    found = {name for name in attributes if not (proof.is_plain(name) or name in known)}
    found |= (line.keys() - {"id", "document", "content"}) | (document.keys() - _KEPT)
    found |= (line.get("content") or {}).keys() - {"attributes"}
    resource = document.get("resource", {})
    return sorted(
        found | (resource.keys() - {"attributes"}) | (resource.get("attributes", {}).keys() - {*proof.RESOURCE})
    )


def _unproven(names: tuple[str, ...], attributes: Mapping[str, Any], salt: Any, salted: Mapping[str, str]) -> list[str]:
    present = [name for name in names if name in attributes]
    if not isinstance(salt, str):
        return present
    return [name for name in present if proof.salted(bytes.fromhex(salt), name, attributes[name]) != salted.get(name)]


def main(arguments: list[str]) -> int:
    """Print each verdict; 0 only when all hold."""
    bundle = Bundle(Path(arguments[0]) if arguments else Path(__file__).resolve().parent)
    holding = failing = 0
    for verdict in verdicts(bundle):
        holding, failing = holding + verdict.holds, failing + (not verdict.holds)
        sys.stdout.write(f"{'holds' if verdict.holds else 'FAILS'}  {verdict.subject}  {verdict.told}\n")
    bundle.close()
    sys.stdout.write(f"{holding} records hold, {failing} findings\n")
    return 1 if failing or not holding else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
