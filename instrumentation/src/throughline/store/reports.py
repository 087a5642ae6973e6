"""Reports of our own commands and housekeeping on what they found: written into their stream, and the newest of each.

It computes no report. All that is published at once has one time, to the nanosecond, so that the newest publishing is
what has the greatest `@timestamp`. A report has the shape in which the Collector's exporter writes a record, and no
trace; it is no evidence, so it has no chain and no record's id.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.store.attributes import APART, ATTRIBUTES
from throughline.store.queries import REPORTS, TIME, attribute

STREAM: Final = "logs-genai.report.otel-default"
Value = str | int | float | bool | list[str] | None
_AT_ONCE: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CONFLICT: Final = 409
_MOST: Final = 10_000


class NotPublishedError(Exception):
    """Elasticsearch refused reports; the text has its reason and no report's content."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is reported: the event's name, its attributes (None: absent) and the service that it is about, if it is one.

    ValueError for an attribute that the store does not know or that is content, and for a number that is none.
    """

    event: str
    attributes: Mapping[str, Value]
    service: str | None = None

    def __post_init__(self) -> None:
        unknown = sorted(name for name in self.attributes if name not in ATTRIBUTES or name in APART)
        if unknown:
            raise ValueError(f"no attributes of a report: {', '.join(unknown)}")
        odd = sorted(name for name, value in self.attributes.items() if _is_odd(value))
        if odd:
            raise ValueError(f"numbers that are none: {', '.join(odd)}")


def _is_odd(value: Value) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def may_publish(client: Elasticsearch) -> bool:
    """Whether Elasticsearch lets this client write reports; where it asks nobody who he is, it does."""
    wanted = [{"names": [STREAM], "privileges": ["create_doc"]}]
    asked = client.options(ignore_status=(400, 405, 500)).security.has_privileges(index=wanted)
    return bool(asked.body.get("has_all_requested", True))


def publish(client: Elasticsearch, reports: Iterable[Report], now: datetime | None = None) -> int:
    """Write them as of `now` (aware; None: this moment), and return how many there were.

    The same reports of the same moment are there once, however often they are written. NotPublishedError where
    Elasticsearch refuses one; some others may be written then.
    """
    moment = _milliseconds(now or datetime.now(UTC))
    waiting, count = (_document(report, moment) for report in reports), 0
    while documents := list(islice(waiting, _AT_ONCE)):
        operations = [line for each in documents for line in ({"create": {"_id": _identity(each)}}, each)]
        items = client.bulk(index=STREAM, operations=operations)["items"]
        failed = [item["create"] for item in items if item["create"]["status"] not in (200, 201, _CONFLICT)]
        if failed:
            reason = failed[0]["error"]
            raise NotPublishedError(f"{len(failed)} reports: HTTP {failed[0]['status']} {reason['type']}")
        count += len(documents)
    return count


def newest(client: Elasticsearch, event: str, by: str) -> Iterator[dict[str, Any]]:
    """The newest report of this event on each subject, which the attribute `by` names; the latest first.

    As Elasticsearch holds them: `@timestamp`, `attributes`, `resource`; at most 10,000 subjects.
    """
    reply = client.search(
        index=REPORTS,
        query={"bool": {"filter": [{"term": {"event_name": event}}, {"exists": {"field": attribute(by)}}]}},
        collapse={"field": attribute(by)},
        sort=[{TIME: {"order": "desc", "unmapped_type": "date_nanos"}}],
        size=_MOST,
        ignore_unavailable=True,
    )
    return (hit["_source"] for hit in reply["hits"]["hits"])


def _milliseconds(moment: datetime) -> str:
    """As the exporter writes a time: milliseconds since the epoch and, behind the point, their nanoseconds."""
    milliseconds, rest = divmod(moment - _EPOCH, timedelta(milliseconds=1))
    return f"{milliseconds}.{rest.microseconds * 1000:06d}"


def _document(report: Report, moment: str) -> dict[str, Any]:
    return {
        "@timestamp": moment,
        "observed_timestamp": moment,
        "data_stream": {"type": "logs", "dataset": "genai.report.otel", "namespace": "default"},
        "event_name": report.event,
        "attributes": {name: value for name, value in report.attributes.items() if value is not None},
        "resource": {"attributes": {names.SERVICE_NAME: report.service} if report.service else {}},
        "scope": {"name": "throughline"},
    }


def _identity(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]
