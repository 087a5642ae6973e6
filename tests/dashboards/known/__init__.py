"""A known data set: documents of every stream in the shape in which the Collector's exporter writes them.

An hour in the past. In its first fifty minutes there are two chat calls each, in the last ten none; around twenty of
them stand a retrieval, steps, scores, contents, and beside all of them what the judge asked, which counts nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboards.known import audit, calls, metrics, reports, surroundings
from dashboards.known.calls import chat, records, retrieval
from dashboards.known.documents import END, MINUTE, START, Plain

__all__ = ["END", "MINUTE", "START", "Plain", "chat", "records", "retrieval", "streams"]


def streams() -> Iterator[tuple[str, list[Plain]]]:
    """Each data stream's name and its documents."""
    yield calls.STREAM, records()
    yield surroundings.OPERATIONS, surroundings.operations()
    yield surroundings.EVALUATIONS, surroundings.evaluations()
    yield surroundings.CONTENTS, surroundings.contents()
    yield audit.STREAM, audit.documents()
    yield reports.STREAM, reports.documents()
    yield metrics.STREAM, metrics.documents()
