"""One comparison from records to conclusions; shows, publishes and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from throughline.comparison.comparing import Comparison, compare
from throughline.comparison.noting import notes
from throughline.comparison.planning import Asked, Plan, plan
from throughline.comparison.reading import Read, read


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was compared, and what was found."""

    plan: Plan
    read: Read
    comparison: Comparison
    notes: Sequence[str]
    """What a reader has to know, as sentences."""


def run(
    client: Elasticsearch, asked: Asked, experiments: Mapping[str, Any], advance: Callable[[int], None] = lambda _: None
) -> Outcome:
    """Plan, read and compare. Raises as `plan` does."""
    planned = plan(client, asked, experiments)
    found = read(client, planned.selection, advance)
    comparison = compare(found.traffic, planned.terms)
    return Outcome(planned, found, comparison, [*planned.notes, *notes(planned, found, comparison)])
