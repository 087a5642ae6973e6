"""What a verification says of each chain, as reports for boards and alerts; it publishes none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Set
from typing import Final

from throughline import names
from throughline.records.verification import spans
from throughline.records.verification.findings import NOTES, Kind
from throughline.records.verification.spans import Sum
from throughline.store.reports import Report, Value

NO_CHAIN: Final = "none"
"""Stands for a chain's id where documents belong to no chain."""


def verdicts(report: spans.Report, notes: Set[Kind] = NOTES) -> Iterator[Report]:
    """One for each chain that was met or is missed, and one for what belongs to none; `notes` are no findings."""
    wrong: dict[str, list[str]] = defaultdict(list)
    for kind, chain, group in report.tally.ordered():
        if kind not in notes:
            wrong[chain].append(f"{kind}:{group.count}")
    for chain in sorted({*report.present, *wrong}):
        yield _verdict(chain, report.present.get(chain, Sum()), wrong[chain])


def _verdict(chain: str, found: Sum, wrong: list[str]) -> Report:
    state = "broken" if wrong else "proven" if found.proven == found.read else "sound"
    attributes: dict[str, Value] = {
        names.CHAIN_ID: chain or NO_CHAIN,
        names.VERIFICATION_STATE: state,
        names.VERIFICATION_RECORDS: found.read,
        names.VERIFICATION_PROVEN: found.proven,
        names.VERIFICATION_FINDINGS: wrong or None,
    }
    return Report(names.VERIFICATION, attributes, found.service or None)
