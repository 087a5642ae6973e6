"""What a verification can find, what each means and what to do next, and counting it; looks at no record itself."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MOST_PLACES: Final = 1_000
"""How many places are named for each kind and chain; the count stays exact."""


class Kind(StrEnum):
    """What is found; those of NOTES leave the evidence sound."""

    ALTERED = "altered"
    ALTERED_CONTENT = "altered content"
    ALTERED_TIME = "altered time stamp"
    MASKED = "masked in transit"
    MISSING = "missing"
    TRUNCATED = "truncated tail"
    REMOVED = "removed chain"
    MISSING_CONTENT = "missing content"
    REORDERED = "reordered"
    INSERTED = "inserted"
    INSERTED_CONTENT = "inserted content"
    OUTSIDE = "outside of any chain"
    UNKNOWN_CHAIN = "unknown chain"
    DOUBLED = "doubled"
    SCATTERED = "in two namespaces"
    REBUILT = "rebuilt"
    STATEMENT_DIFFERS = "rebuilt statement"
    STATEMENT_MISSING = "missing statement"
    ANCHOR_MISSING = "missing anchor"
    WRONG_SIGNATURE = "wrong signature"
    UNKNOWN_KEY = "unknown key"
    KEY_NOT_VALID = "key not valid then"
    UNSIGNED = "unsigned"
    UNCOVERED = "not covered"
    DROPPED = "dropped by a full spool"
    EXPIRED = "expired"
    EXPIRED_CONTENT = "expired content"
    ERASED = "erased lawfully"
    REDELIVERED = "delivered twice"
    PENDING = "not yet signed or stored"
    UNTIED = "not tied"
    UNCLOSED = "unclosed chain"


NOTES: Final = frozenset(
    {
        Kind.DROPPED, Kind.EXPIRED, Kind.EXPIRED_CONTENT, Kind.ERASED, Kind.REDELIVERED, Kind.PENDING, Kind.UNTIED,
        Kind.UNCLOSED,
    }
)  # fmt: skip

UNFINISHED: Final = frozenset({Kind.PENDING, Kind.UNCLOSED})
"""Notes that time should have dealt with, as who verifies strictly demands."""

_RESTORE: Final = "restore it from a snapshot of Elasticsearch, and see in its audit log who wrote there"
_WHO: Final = "see in Elasticsearch's audit log who wrote there; such a document is no evidence"
MEANING: Final[dict[Kind, tuple[str, str]]] = {
    Kind.ALTERED: ("a record is not what its digest or the next record's says", _RESTORE),
    Kind.ALTERED_CONTENT: ("content is not what its record proves", _RESTORE),
    Kind.ALTERED_TIME: ("@timestamp is not the time that the record proves", "trust throughline.record.time_unix_nano"),
    Kind.MASKED: (
        "the Collector changed it on the way and says so: masked, or shortened as too large",
        "let the application mask it itself (THROUGHLINE_MASK_RULES): a change that is marked could be another's, too",
    ),
    Kind.MISSING: (
        "a signed statement covers records that are not there",
        "look for them in the spool of their host and in a snapshot; else they were deleted",
    ),
    Kind.TRUNCATED: (
        "the end of a chain, which a signed statement covers, is not there",
        "look for it in the spool of its host (is the Collector reached?) and in a snapshot; else it was deleted",
    ),
    Kind.REMOVED: (
        "signed statements tell of a chain of which no record is there",
        "look for it in the spool of its host (is the Collector reached?) and in a snapshot; else it was deleted",
    ),
    Kind.MISSING_CONTENT: (
        "what was said is gone, and no tombstone says who erased it",
        "restore it from a snapshot; erase by `throughline erase` only, which leaves a tombstone",
    ),
    Kind.REORDERED: ("a record stands at the place of another", _RESTORE),
    Kind.INSERTED: ("a document stands where the chain has no place for it", _WHO),
    Kind.INSERTED_CONTENT: ("content without a record that proves it", _WHO),
    Kind.OUTSIDE: (
        "a document belongs to no chain, or to no place in one, so nothing proves it",
        "set THROUGHLINE_SPOOL where it comes from",
    ),
    Kind.UNKNOWN_CHAIN: (
        "no signed statement and no anchor knows the chain",
        "set THROUGHLINE_SIGNING_KEY_FILE where it comes from; where it is set, somebody else wrote the chain",
    ),
    Kind.DOUBLED: (
        "a record is there again, under another id or in another stream",
        "delete the copy whose _id is not throughline.record.id, or that stands in another stream",
    ),
    Kind.SCATTERED: (
        "a chain's documents stand in data streams of several namespaces, so that who reads one misses some",
        "see in its audit log who wrote there; was the Collector's namespace changed? then move the older ones",
    ),
    Kind.REBUILT: ("the log agrees with itself, but not with what was signed", _RESTORE),
    Kind.STATEMENT_DIFFERS: (
        "a statement in Elasticsearch is not the anchored one, or contradicts another that is signed, too",
        "trust the anchor, which was used here; if both are signed, the key is in other hands: rotate it",
    ),
    Kind.STATEMENT_MISSING: ("an anchored statement is not in Elasticsearch", _RESTORE),
    Kind.ANCHOR_MISSING: (
        "a statement in Elasticsearch has no anchored copy",
        "see who may write to the anchor; where anchoring began later, verify --since then",
    ),
    Kind.WRONG_SIGNATURE: ("a statement is not signed by the key it names", "see who wrote it; it proves nothing"),
    Kind.UNKNOWN_KEY: (
        "a statement is signed by a key that the list has not, or not for signing",
        "give the whole list (--keys); if the key is none of yours, neither is the statement",
    ),
    Kind.KEY_NOT_VALID: ("a key signed when it was not valid", "rotate keys before they end; was the old one stolen?"),
    Kind.UNSIGNED: (
        "records are linked, but nothing is signed: who may write may rebuild them",
        "make a key (`throughline keys`), set THROUGHLINE_SIGNING_KEY_FILE",
    ),
    Kind.UNCOVERED: (
        "no signed statement covers these records, and one should by now",
        "did the process die? the next one on its host closes its chain; else statements were deleted",
    ),
    Kind.DROPPED: ("a signed record says that a full spool lost these", "see why the Collector was away so long"),
    Kind.EXPIRED: ("older than the retention", "nothing to do"),
    Kind.EXPIRED_CONTENT: ("older than the retention of contents", "nothing to do"),
    Kind.ERASED: ("a signed tombstone of an operator names them", "nothing to do; the tombstone says who and why"),
    Kind.REDELIVERED: ("the same document in two indices, alike to the byte", "nothing to do"),
    Kind.PENDING: ("young enough that statement, anchor or documents may be on their way", "verify again later"),
    Kind.UNTIED: ("between a statement and a hole: linked, but to nothing signed behind", "see what made the hole"),
    Kind.UNCLOSED: ("an old chain without an end", "did its process die? the next one on its host closes it"),
}


@dataclass(frozen=True, slots=True)
class Where:
    """One place, or several in a row, of a chain."""

    first: int | None
    last: int | None
    record: str = ""
    """The document's _id."""
    what: str = ""
    """What exactly; never content."""


@dataclass(slots=True)
class Group:
    """All of one kind in one chain."""

    count: int = 0
    places: list[Where] = field(default_factory=list)

    def add(self, count: int, places: list[Where]) -> None:
        self.count += count
        self.places += places[: MOST_PLACES - len(self.places)]


@dataclass(slots=True)
class Tally:
    """What was found, by kind and chain."""

    groups: dict[tuple[Kind, str], Group] = field(default_factory=dict)

    def add(self, kind: Kind, chain: str, first: int | None, record: str = "", what: str = "") -> None:
        """One document or statement."""
        self._group(kind, chain).add(1, [Where(first, first, record, what)])

    def add_range(self, kind: Kind, chain: str, first: int, last: int, what: str = "") -> None:
        """All places from the first to the last."""
        self._group(kind, chain).add(last - first + 1, [Where(first, last, "", what)])

    def merge(self, other: Tally) -> None:
        for (kind, chain), group in other.groups.items():
            self._group(kind, chain).add(group.count, group.places)

    def ordered(self) -> Iterator[tuple[Kind, str, Group]]:
        """Worst first."""
        order = list(Kind)
        for kind, chain in sorted(self.groups, key=lambda each: (order.index(each[0]), each[1])):
            yield kind, chain, self.groups[kind, chain]

    @property
    def is_sound(self) -> bool:
        return self.is_sound_but_for(NOTES)

    def is_sound_but_for(self, notes: Set[Kind]) -> bool:
        """Whether nothing but these was found."""
        return all(kind in notes for kind, _ in self.groups)

    def _group(self, kind: Kind, chain: str) -> Group:
        return self.groups.setdefault((kind, chain), Group())
