"""How long each kind of document is kept, and the step that removes older ones where Elasticsearch itself does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Self

from elasticsearch import Elasticsearch


@dataclass(frozen=True, slots=True)
class Retention:
    """Days for each kind; evidence outlives what only explains how a request ran."""

    traces: int = 14
    records: int = 400
    operations: int = 400
    evaluations: int = 400
    contents: int = 400
    audit: int = 3650
    reports: int = 90
    rejected: int = 400
    logs: int = 14
    metrics: int = 90

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """From THROUGHLINE_RETENTION_TRACES_DAYS and its siblings; what is not set keeps its default."""
        chosen = {kind.name: environment.get(f"THROUGHLINE_RETENTION_{kind.name.upper()}_DAYS") for kind in fields(cls)}
        return cls(**{name: _days(name, value) for name, value in chosen.items() if value})


def _days(kind: str, value: str) -> int:
    if not value.isdecimal() or int(value) < 1:
        raise ValueError(f"retention of {kind} must be a whole number of days, at least 1; it is {value!r}")
    return int(value)


def rollover_age(days: int) -> timedelta:
    """How old a stream's write index may grow; the steps that Elasticsearch's own data-stream lifecycle takes."""
    steps = ((1, timedelta(hours=1)), (14, timedelta(days=1)), (90, timedelta(days=7)))
    return next((age for limit, age in steps if days <= limit), timedelta(days=30))


def streams(client: Elasticsearch, pattern: str) -> dict[str, list[tuple[str, datetime]]]:
    """Each data stream of the pattern with its indices and when each was made; oldest first, the write index last."""
    settings = client.indices.get_settings(index=pattern, name="index.creation_date", flat_settings=True)
    found: dict[str, list[tuple[str, datetime]]] = {}
    for index, content in sorted(settings.items()):
        made = datetime.fromtimestamp(int(content["settings"]["index.creation_date"]) / 1000, UTC)
        found.setdefault(_stream(index), []).append((index, made))
    return {stream: sorted(indices, key=lambda index: index[1]) for stream, indices in found.items()}


def _stream(index: str) -> str:
    """`.ds-traces-generic.otel-default-2026.11.23-000001` → `traces-generic.otel-default`."""
    return index.removeprefix(".ds-").rsplit("-", 2)[0]


def enforce(client: Elasticsearch, pattern: str, days: int, *, now: datetime | None = None) -> list[str]:
    """Roll over write indices that are too old and delete indices whose every document is; returns the deleted names.

    An index takes no document once the next one exists, so that one's age is the age of the youngest document in it;
    the built-in lifecycle counts from there too.
    """
    now = now or datetime.now(UTC)
    deleted = []
    for stream, indices in streams(client, pattern).items():
        for (index, _), (_, followed) in pairwise(indices):
            if now - followed >= timedelta(days=days):
                client.indices.delete(index=index)
                deleted.append(index)
        if now - indices[-1][1] >= rollover_age(days):
            client.indices.rollover(alias=stream)
    return deleted
