"""What of a chain was dropped or refused, until the chain itself says so. It writes nothing.

That it says so is a record, which may be dropped in its turn before anybody has it. So what was dropped is told again
until it cannot have been lost; what is dropped next to it is told as one with it, and the list stays short.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from throughline import names


@dataclass(slots=True)
class Gap:
    """Records that are not there."""

    count: int
    first: int | None = None
    """Their places in the chain; None where they never got one."""
    last: int | None = None
    previous: bytes | None = None
    """Digest of the record before the first of them: what was delivered just before is tied by it."""
    said_at: int | None = None
    """The place of the record that tells of it."""

    def attributes(self) -> dict[str, Any]:
        places = {} if self.first is None else {names.GAP_FROM: self.first, names.GAP_TO: self.last}
        previous = {} if self.previous is None else {names.GAP_PREVIOUS: self.previous.hex()}
        return {names.GAP_COUNT: self.count, **places, **previous}


@dataclass(slots=True)
class Gaps:
    """Those of one chain. Its owner holds a lock around every call."""

    _known: list[Gap] = field(default_factory=list)

    def dropped(self, first: int, last: int, previous: bytes | None = None) -> None:
        """These places are empty now, after the record with that digest; what stood there told perhaps of gaps."""
        kept = [gap for gap in self._known if gap.said_at is None or gap.said_at >= first]  # the others have arrived
        for gap in kept:
            if gap.said_at is not None and gap.said_at <= last:
                gap.said_at = None
        before = next((gap for gap in self._known if gap.last == first - 1), None)
        begin, previous = (
            (first, previous) if before is None or before.first is None else (before.first, before.previous)
        )
        self._known = [gap for gap in kept if gap is not before]
        self._known.append(Gap(last - begin + 1, begin, last, previous))

    def refused(self) -> None:
        """One more record was not taken."""
        for gap in self._known:
            if gap.first is None and gap.said_at is None:
                gap.count += 1
                return
        self._known.append(Gap(1))

    def unsaid(self) -> list[Gap]:
        """What the chain does not tell yet."""
        return [gap for gap in self._known if gap.said_at is None]
