"""What a worker judges at a time, parts of chains between signed statements, and what came of it; judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from throughline import names
from throughline.records import proof
from throughline.records.verification.findings import Kind, Tally
from throughline.records.verification.places import Attributes, Held, digest_in
from throughline.records.verification.stored import Piece

MOST_SUSPECTS: Final = 200
MOST_HOLES: Final = 1_000
DAY: Final = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Boundary:
    """A valid statement: the chain had this digest at this place."""

    sequence: int
    digest: bytes
    time: int
    since: int
    """When the oldest record was made that it covers beyond the statement before."""
    key: str


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a chain, from a statement on."""

    chain: str
    after: int
    digest: bytes
    """What is signed of the place `after`, or what stands before the first."""
    boundaries: tuple[Boundary, ...]
    is_open: bool = False
    """Nothing is behind its boundaries but what is not yet signed."""
    unsigned: Kind = Kind.UNCOVERED
    """What records behind the last boundary are, unless they are young."""

    @property
    def signed_through(self) -> int:
        return self.boundaries[-1].sequence if self.boundaries else self.after

    @property
    def piece(self) -> Piece:
        return Piece(self.chain, self.after, None if self.is_open else self.signed_through)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides between a finding and a note; times in nanoseconds."""

    now: int
    records_from: int
    """What is older may have been removed by the retention."""
    contents_from: int
    audit_from: int
    grace: int
    """What is younger may be on its way."""
    unsigned_grace: int
    """What is younger may wait for its statement."""

    def is_on_its_way(self, time: int) -> bool:
        """Whether something of this time may be; not what claims to be of a time to come, for as long as it likes."""
        return abs(self.now - time) < self.grace

    def awaits_statement(self, time: int) -> bool:
        """Whether a record of this time may be unsigned."""
        return abs(self.now - time) < self.unsigned_grace


@dataclass(frozen=True, slots=True)
class Suspect:
    """A record that is not what its digest says; perhaps it is, at another place."""

    chain: str
    sequence: int
    identity: str
    previous: bytes
    digest: bytes
    around: tuple[str, str]
    marked: bool

    def belongs_at(self, sequence: int) -> bool:
        before, after = self.around
        return proof.digest(self.previous, f"{before}{sequence}{after}") == self.digest


@dataclass(frozen=True, slots=True)
class Hole:
    """Places that are empty, though signed, and not for age."""

    chain: str
    first: int
    last: int
    is_end: bool
    """Nothing is known of the chain behind it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """What a record in good order says of a full spool."""

    chain: str
    first: int
    last: int
    previous: bytes = b""
    """Digest of the record before the first; empty where it does not say."""

    @classmethod
    def of(cls, chain: str, attributes: Attributes) -> Gap | None:
        """What these attributes say; None where no place is named."""
        first, last = attributes.get(names.GAP_FROM), attributes.get(names.GAP_TO)
        if not isinstance(first, int) or not isinstance(last, int):
            return None
        return cls(chain, first, last, digest_in(attributes, names.GAP_PREVIOUS))


@dataclass(frozen=True, slots=True)
class Run:
    """Records that follow one another, and lead to no statement: at most a gap's record ties them."""

    chain: str
    first: int
    last: int
    digests: Mapping[int, bytes]
    gaps: tuple[Gap, ...]
    """What they say of a full spool themselves."""


@dataclass(slots=True)
class Sum:
    """What came of one chain's records."""

    service: str = ""
    """Whose they are, as the first that was read says."""
    read: int = 0
    proven: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.service or other.service, self.read + other.read, self.proven + other.proven)


@dataclass(slots=True)
class Report:
    """What came of it; grows with what is wrong, not with what is read."""

    tally: Tally = field(default_factory=Tally)
    suspects: list[Suspect] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    present: dict[str, Sum] = field(default_factory=dict)
    """Chains of which there is any record."""
    contents: int = 0
    lacking: list[tuple[Kind, Held]] = field(default_factory=list)
    """Of which identities or content are gone; a worker looks for tombstones before it reports."""

    @property
    def read(self) -> int:
        """Records, of all chains."""
        return sum(chain.read for chain in self.present.values())

    @property
    def proven(self) -> int:
        """How many of them signatures cover."""
        return sum(chain.proven for chain in self.present.values())

    def of(self, chain: str) -> Sum:
        """The chain's, of which a record was met."""
        return self.present.setdefault(chain, Sum())

    def merge(self, other: Report) -> None:
        self.tally.merge(other.tally)
        self.suspects += other.suspects[: 10 * MOST_SUSPECTS - len(self.suspects)]
        for left in other.suspects[10 * MOST_SUSPECTS - len(self.suspects) :]:
            self.suspect(left)
        self.holes += other.holes
        self.gaps += other.gaps
        self.runs += other.runs
        for chain, found in other.present.items():
            self.present[chain] = self.of(chain) + found
        self.contents += other.contents

    def suspect(self, found: Suspect) -> None:
        """Keep it for a closer look, or, when there are too many, call it altered."""
        if len(self.suspects) < MOST_SUSPECTS:
            self.suspects.append(found)
        else:
            kind = Kind.MASKED if found.marked else Kind.ALTERED
            self.tally.add(kind, found.chain, found.sequence, found.identity, "the record")
