"""A request, its peers and their evaluations, read from Elasticsearch; only metadata, which every reader may see.

A model's calls as a judge are no traffic of the application, and are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from elasticsearch import Elasticsearch

from throughline import names
from throughline.explaining.attributes import LEAST_PEERS, READ, READ_OF_RESOURCE
from throughline.explaining.requests import Document, Request, Step, number, of_documents
from throughline.store import queries
from throughline.store.queries import EVALUATIONS, OPERATIONS, RECORDS, SERVICE, TIME, Body, attribute
from throughline.store.traces import epoch

MOST_PEERS: Final = 10_000
DEFAULT_PEERS: Final = 2_000
_STEPS: Final = f"{RECORDS},{OPERATIONS}"
_TRACES_AT_ONCE: Final = 200
_MOST_STEPS: Final = 10_000
"""So many records are fetched for so many traces at once; a trace of hundreds of steps may be cut."""
_JUDGING: Final = {"term": {attribute(names.JUDGING): True}}
_FIELDS: Final = [
    TIME,
    "trace_id",
    *(attribute(name) for name in READ),
    *(f"resource.attributes.{name}" for name in READ_OF_RESOURCE),
]
_AROUND: Final = timedelta(hours=24)

Told = Callable[[int, int], None]
"""Is told how many of how many peers were read."""


@dataclass(frozen=True, slots=True)
class Circle:
    """Which requests are peers: what they share, and when they were. Times as ISO 8601."""

    operation: str
    since: str
    until: str
    prompt: str | None = None
    service: str | None = None

    @property
    def words(self) -> str:
        """What they share."""
        by = f"of prompt {self.prompt}" if self.prompt else f"of service {self.service}" if self.service else ""
        return f"{self.operation} {by}".strip()

    def query(self) -> Body:
        """The records by which they are found."""
        exact = {
            attribute(names.OPERATION_NAME): self.operation,
            attribute(names.PROMPT_NAME): self.prompt,
            SERVICE: self.service,
        }
        filters = [{"term": {field: value}} for field, value in exact.items() if value is not None]
        period = {"range": {TIME: {"gte": self.since, "lte": self.until}}}
        return {"bool": {"filter": [*filters, period], "must_not": [_JUDGING]}}


@dataclass(frozen=True, slots=True)
class Peers:
    """The peers that were found, and how."""

    requests: list[Request]
    circle: Circle
    is_single: bool = False
    """Whether each is one operation alone, and no whole request."""
    is_fallback: bool = False
    """Whether too few had the request's prompt, or it has none, so that those of its service were taken."""
    is_cut: bool = False
    """Whether some have more records than were read."""


def request(store: Elasticsearch, trace_id: str) -> Request | None:
    """The request of this trace by its records, or None where it has none."""
    query = {"bool": {"filter": [{"term": {"trace_id": trace_id}}], "must_not": [_JUDGING]}}
    found, _ = _documents(store, _STEPS, query, _MOST_STEPS, ["attributes", "resource", TIME, "trace_id"])
    return next(iter(of_documents(found)), None)


def circles(anchor: Step, since: str | None, until: str | None) -> Iterator[Circle]:
    """Where to look for peers of a request with this step, the closest first: its prompt's, then its service's."""
    moment = datetime.fromtimestamp(anchor.end, UTC)
    first, last = since or (moment - _AROUND).isoformat(), until or (moment + _AROUND).isoformat()
    if prompt := anchor.attributes.get(names.PROMPT_NAME):
        yield Circle(anchor.kind, first, last, prompt=str(prompt))
    service = anchor.resource.get(names.SERVICE_NAME)
    yield Circle(anchor.kind, first, last, service=str(service) if service else None)


def peers(
    store: Elasticsearch, asked: Request, *, since: str | None, until: str | None, most: int, single: bool, told: Told
) -> Peers:
    """At most so many, the nearest in time. `single`: of one operation alone, so that its trace does not matter."""
    best: Peers | None = None
    for place, circle in enumerate(circles(asked.anchor, since, until)):
        found = _within(store, asked, circle, most, told, single=single)
        if best is None or len(found.requests) > len(best.requests):
            best = replace(found, is_fallback=place > 0 or circle.prompt is None)
        if len(best.requests) >= LEAST_PEERS:
            break
    assert best is not None  # there is always a circle
    return best


def _within(store: Elasticsearch, asked: Request, circle: Circle, most: int, told: Told, *, single: bool) -> Peers:
    anchors = _nearest(store, asked, circle, most, _FIELDS if single else ["trace_id", TIME])
    if single:
        alone = [each for document in anchors for each in of_documents([document])]
        told(len(alone), len(alone))
        return Peers(alone, circle, is_single=True)
    traces = list(dict.fromkeys(str(each["trace_id"]) for each in anchors if each.get("trace_id")))
    found: list[Request] = []
    is_cut = False
    for some in _batches(traces):
        query = {"bool": {"filter": [{"terms": {"trace_id": some}}], "must_not": [_JUDGING]}}
        documents, total = _documents(store, _STEPS, query, _MOST_STEPS, _FIELDS)
        found += of_documents(documents)
        is_cut = is_cut or total > len(documents)
        told(len(found), len(traces))
    return Peers(found, circle, is_cut=is_cut)


def _nearest(store: Elasticsearch, asked: Request, circle: Circle, most: int, fields: list[str]) -> list[Document]:
    """The records of the circle, those before and those after the request's, of which the nearest are kept."""
    end, own = asked.anchor.end, {"term": {"trace_id": asked.trace_id}}
    moment = datetime.fromtimestamp(end, UTC).isoformat()
    found: list[Document] = []
    for bound, order in (("lte", "desc"), ("gt", "asc")):
        query = {"bool": {"filter": [circle.query(), {"range": {TIME: {bound: moment}}}], "must_not": [own]}}
        found += _documents(store, _STEPS, query, most, fields, order)[0]
    found.sort(key=lambda each: abs(_moment(each) - end))
    return found[:most]


def _moment(document: Document) -> float:
    return epoch(str(document[TIME]))


def scores(store: Elasticsearch, traces: Sequence[str]) -> dict[str, dict[str, float]]:
    """Evaluations of these traces by trace id and name; of several of a name the newest."""
    found: dict[str, dict[str, float]] = {}
    fields = [TIME, "trace_id", attribute(names.EVALUATION_NAME), attribute(names.EVALUATION_SCORE_VALUE)]
    for some in _batches(traces):
        documents, _ = _documents(store, EVALUATIONS, {"terms": {"trace_id": some}}, _MOST_STEPS, fields, "asc")
        for document in documents:
            told = document.get("attributes", {})
            name, value = told.get(names.EVALUATION_NAME), number(told.get(names.EVALUATION_SCORE_VALUE))
            if name and value is not None:
                found.setdefault(str(document["trace_id"]), {})[str(name)] = value
    return found


def delays(store: Elasticsearch, asked: Request) -> float | None:
    """Seconds that the client of its longest call is known to have waited between attempts; None: nobody knows.

    They are in the events of its span, which the sampler may not have kept, and which only an auditor may read.
    """
    tried = [step for step in asked.steps if step.calls_a_model and number(step.attributes.get(names.ATTEMPT_COUNT))]
    if not tried:
        return None
    longest = max(tried, key=lambda step: step.seconds)
    events = [each for each in queries.span_events(store, asked.trace_id) if _is_of(each, longest)]
    told = [number(each.get("attributes", {}).get(names.ATTEMPT_DELAY)) for each in events]
    known = [delay for delay in told if delay is not None]
    return sum(known) if known else None


def _is_of(event: Document, step: Step) -> bool:
    return event.get("event_name") == names.ATTEMPT and step.record_id.endswith(str(event.get("span_id") or "?"))


def _batches(traces: Sequence[str]) -> Iterator[Sequence[str]]:
    return (traces[start : start + _TRACES_AT_ONCE] for start in range(0, len(traces), _TRACES_AT_ONCE))


def _documents(
    store: Elasticsearch, index: str, query: Body, size: int, fields: Iterable[str], order: str = "desc"
) -> tuple[list[dict[str, Any]], int]:
    """The documents with these fields alone, by time, and how many there are in all."""
    reply = store.search(
        index=index,
        query=query,
        size=size,
        sort=[{TIME: {"order": order, "unmapped_type": "date_nanos"}}],
        source_includes=list(fields),
        track_total_hits=True,
        ignore_unavailable=True,
    )
    hits = reply["hits"]
    return [{**hit["_source"], "_id": hit["_id"]} for hit in hits["hits"]], int(hits["total"]["value"])


def whole(store: Elasticsearch, trace_id: str) -> tuple[Request | None, list[dict[str, Any]]]:
    """The request with its content, for who may read that, and its evaluations, the oldest first."""
    search, said = queries.Search(trace=trace_id), queries.contents(store, trace=trace_id)
    records = [each for index in (RECORDS, OPERATIONS) for each in queries.find(store, index, search, _MOST_STEPS)]
    own = [each for each in records if each.get("attributes", {}).get(names.JUDGING) is not True]
    found = of_documents(queries.with_contents(own, said))
    return next(iter(found), None), queries.find(store, EVALUATIONS, search, _MOST_STEPS)[::-1]
