"""The signed statements of chains, from Elasticsearch and from the anchor, compared and judged; reads no record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain as chain_of
from typing import Any, Final

from throughline import names
from throughline.records import proof
from throughline.records.statements import ENDS
from throughline.records.statements import attributes_of as carried
from throughline.records.verification.anchored import Anchored
from throughline.records.verification.findings import Kind, Tally
from throughline.records.verification.places import Attributes, attributes_of, is_added, shown_besides
from throughline.records.verification.spans import Boundary, Terms
from throughline.records.verification.stored import Hit, Piece, Stored, kind_of, stream_of
from throughline.records.verification.trusted_keys import TrustedKeys

_KIND: Final = "audit"
"""Of data streams, the one that statements are in."""
_KINDS: Final = ("opened", "interval", *ENDS)
_LAST: Final = 2**63
"""Nanoseconds: no time is later."""
_FIELDS: Final = {"chain": str, "sequence": int, "kind": str, "digest": str, "time": str, "from": str, "key": str}
Statement = Mapping[str, Any]
Place = tuple[int, str]


class NoKeysError(Exception):
    """There are statements, and no list of keys to check them by."""


@dataclass(slots=True)
class Slice:
    """What is stated of a part of a chain."""

    chain: str
    base: Boundary | None = None
    """The last statement before the part."""
    boundaries: list[Boundary] = field(default_factory=list)
    has_any: bool = False
    """A statement was there, whether it counts or not."""
    is_ended: bool = False
    is_open: bool = True
    """No statement counts that covers the whole part."""
    newest: int = 0
    statements: dict[int, Statement] = field(default_factory=dict)
    """Those that count, by place."""


class Book:
    """Statements by chain. `tally`: where to say what is wrong with them."""

    def __init__(
        self, stored: Stored, keys: TrustedKeys | None, anchored: Anchored | None, terms: Terms, tally: Tally
    ) -> None:
        self._stored, self._keys, self._anchored, self._terms, self._tally = stored, keys, anchored, terms, tally

    def slice(self, chain: str, first: int = 0, last: int | None = None) -> Slice:
        """What is stated from the last statement before the places `first` to `last` to the first one behind them."""
        found = Slice(chain)
        before: Statement | None = None
        for statement in self._valid(chain, self._read(chain, first, last), found):
            boundary = _boundary(statement)
            self._contradict(before, statement)
            before = before if before and before["kind"] in ENDS else statement
            if boundary.sequence < max(first, 0):
                found.base = boundary
            elif found.boundaries and found.boundaries[-1].sequence == boundary.sequence:
                found.boundaries[-1] = boundary
            else:
                found.boundaries.append(boundary)
            found.statements[boundary.sequence] = statement
            found.is_ended |= statement["kind"] in ENDS
            if last is not None and boundary.sequence >= last:
                found.is_open = False
                break
        return found

    def _contradict(self, before: Statement | None, statement: Statement) -> None:
        """Both count, and only one may: `before` is what ended the chain, or else the last one before."""
        if before is None:
            return
        chain, place = statement["chain"], (statement["sequence"], statement["kind"])
        if place[0] > before["sequence"] and before["kind"] in ENDS:
            self._say(Kind.STATEMENT_DIFFERS, chain, place, f"the chain ended at {before['sequence']}")
        elif place[0] == before["sequence"] and statement["digest"] != before["digest"]:
            self._say(Kind.STATEMENT_DIFFERS, chain, place, f"its place has another digest, too ({before['kind']})")

    @property
    def anchored_chains(self) -> Iterable[str]:
        """Chains of the anchored statements that were listed."""
        return self._anchored.chains if self._anchored else ()

    def anchored_between(self, chain: str, since: str | None, until: str | None) -> list[int]:
        """The places in a chain of which something was anchored in a period."""
        first = _nanoseconds(since) if since else 0
        last = _nanoseconds(until) if until else self._terms.now
        statements = self._anchored.statements(chain) if self._anchored else ()
        return [place[0] for place, found in statements if _is_statement(found) and first <= int(found["time"]) <= last]

    def _read(self, chain: str, first: int, last: int | None) -> dict[Place, list[Any]]:
        """Of each place what Elasticsearch has, then the anchored copy; None where one of them has nothing."""
        held = self._held(chain, first, last)
        if self._anchored is None:
            return held
        anchored = self._anchored_ones(chain, first)
        for place, statements in held.items():
            statements[1] = anchored.get(place) or self._anchored.find(statements[0])
        lower = max((place for place in held if place[0] < first), default=(-2, ""))
        upper = None if last is None else min((place[0] for place in held if place[0] >= last), default=None)
        for place, statement in anchored.items():
            if place not in held and place > lower and (upper is None or place[0] <= upper):
                held[place] = [None, statement]
        return held

    def _held(self, chain: str, first: int, last: int | None) -> dict[Place, list[Any]]:
        first = first if first > 0 else -1
        before = iter(()) if first < 0 else self._stored.statements(Piece(chain, -2, first - 1), downward=True)
        inside = self._stored.statements(Piece(chain, first - 1, last))
        behind = iter(()) if last is None else self._stored.statements(Piece(chain, last, None))
        found: dict[Place, list[Any]] = {}
        for statement in chain_of(
            self._until_valid(chain, before), self._all_parsed(chain, inside), self._until_valid(chain, behind)
        ):
            self._keep(found, statement)
        return found

    def _all_parsed(self, chain: str, hits: Iterator[Hit]) -> Iterator[Statement]:
        return (statement for hit in hits if (statement := self._parsed(chain, hit)) is not None)

    def _until_valid(self, chain: str, hits: Iterator[Hit]) -> Iterator[Statement]:
        """One that counts, and before it all that do not."""
        for statement in self._all_parsed(chain, hits):
            yield statement
            if self._keys is None or self._keys.fault(statement) is None:
                return

    def _keep(self, found: dict[Place, list[Any]], statement: Statement) -> None:
        place = (statement["sequence"], statement["kind"])
        known = found.setdefault(place, [statement, None])[0]
        if known != statement:
            self._say(Kind.STATEMENT_DIFFERS, statement["chain"], place, "two of them for one place")
            if self._keys and self._keys.fault(known) is not None:
                found[place][0] = statement

    def _parsed(self, chain: str, hit: Hit) -> Statement | None:
        attributes = attributes_of(hit)
        sequence = attributes.get(names.CHAIN_SEQUENCE)
        stream = stream_of(hit["_index"])
        if kind_of(stream) not in (_KIND, None):
            self._tally.add(Kind.INSERTED, chain, _whole(sequence), hit["_id"], f"a statement in {stream} is none")
            return None
        try:
            statement: Any = json.loads(attributes[names.CHECKPOINT_STATEMENT])
        except (KeyError, RecursionError, TypeError, ValueError):
            statement = None
        if not _is_statement(statement):
            self._tally.add(Kind.WRONG_SIGNATURE, chain, _whole(sequence), hit["_id"], "it has not the form of one")
            return None
        if not _carries(hit, attributes, statement):
            self._tally.add(Kind.STATEMENT_DIFFERS, chain, _whole(sequence), hit["_id"], "its attributes are others")
        known: Statement = statement
        return known if statement["chain"] == chain else None

    def _anchored_ones(self, chain: str, first: int) -> dict[Place, Any]:
        assert self._anchored is not None
        found = dict(self._anchored.statements(chain))
        if found and min(found)[0] >= first and min(found)[0] >= 0:
            self._anchored.look_everywhere(chain)
            found = dict(self._anchored.statements(chain))
        return found

    def _valid(self, chain: str, read: Mapping[Place, list[Any]], found: Slice) -> Iterator[Statement]:
        """Of each place the statement that counts, by place; the anchored one where both do."""
        for place, (held, anchored) in sorted(read.items()):
            found.has_any = True
            statement = self._counting(chain, place, held, anchored)
            if statement is not None:
                found.newest = max(found.newest, int(statement["time"]))
                self._compare(place, held, anchored, statement)
                yield statement

    def _counting(self, chain: str, place: Place, held: Any, anchored: Any) -> Statement | None:
        for statement, whose in ((anchored, "the anchored one"), (held, "the one in Elasticsearch")):
            if statement is None or (statement is held and held == anchored):
                continue
            fault = self._fault(chain, place, statement)
            if fault is None:
                known: Statement = statement
                return known
            self._say(fault, chain, place, whose)
        return None

    def _fault(self, chain: str, place: Place, statement: Any) -> Kind | None:
        if self._keys is None:
            raise NoKeysError
        if not _is_statement(statement):
            return Kind.WRONG_SIGNATURE
        if (statement["chain"], statement["sequence"], statement["kind"]) != (chain, *place):
            return Kind.WRONG_SIGNATURE
        return self._keys.fault(statement)

    def _compare(self, place: Place, held: Any, anchored: Any, counts: Statement) -> None:
        if self._anchored is None:
            return
        time, chain = int(counts["time"]), str(counts["chain"])
        young = self._terms.is_on_its_way(time)
        if held is not None and anchored is not None:
            if held != anchored:
                self._say(Kind.STATEMENT_DIFFERS, chain, place)
        elif young:
            self._say(Kind.PENDING, chain, place, "the statement" if held is None else "the anchor")
        elif held is not None:
            self._say(Kind.ANCHOR_MISSING, chain, place)
        else:
            expired = time < self._terms.audit_from
            self._say(Kind.EXPIRED if expired else Kind.STATEMENT_MISSING, chain, place, "the statement")

    def _say(self, kind: Kind, chain: str, place: Place, what: str = "") -> None:
        self._tally.add(kind, chain, place[0], "", f"{place[1]}{': ' if what else ''}{what}")


def _carries(hit: Hit, attributes: Attributes, statement: Statement) -> bool:
    """Whether a document says what its statement says, and nothing else, behind which a record could hide."""
    expected = carried(statement)
    said = {name: value for name, value in attributes.items() if not is_added(name)}
    document = hit["_source"]
    is_one = document.get("event_name") == names.CHAIN_CHECKPOINT and hit["_id"] == expected[names.RECORD_ID]
    return is_one and said == expected and not shown_besides(document)


def _is_statement(found: Any) -> bool:
    if not isinstance(found, Mapping) or any(type(found.get(name)) is not kind for name, kind in _FIELDS.items()):
        return False
    if found["kind"] not in _KINDS or any(type(value) not in (int, str) for value in found.values()):
        return False
    try:
        until, since = int(found["time"]), int(found["from"])
        return len(bytes.fromhex(found["digest"])) == len(proof.GENESIS) and 0 <= since <= until < _LAST
    except ValueError:
        return False


def _boundary(statement: Statement) -> Boundary:
    digest = bytes.fromhex(statement["digest"])
    return Boundary(statement["sequence"], digest, int(statement["time"]), int(statement["from"]), statement["key"])


def _nanoseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 10**6) * 1000


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None
