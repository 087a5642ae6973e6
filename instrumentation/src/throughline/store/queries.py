"""Questions to the store: records, evaluations and spans by what people know of a request, and figures over records.

Figures come from records, which are never sampled. What was said is stored apart from them under the same ids; who may
read only records finds and sees none of it. The functions that build a request's body are apart from those that send
it, so that a dashboard's test can compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from elasticsearch import Elasticsearch

from throughline import names
from throughline.store import mappings
from throughline.store.attributes import Mapping
from throughline.store.mappings import searched_text
from throughline.store.traces import epoch

RECORDS: Final = "logs-genai.record.otel-*"
EVALUATIONS: Final = "logs-genai.evaluation.otel-*"
CONTENTS: Final = "logs-genai.content.otel-*"
OPERATIONS: Final = "logs-genai.operation.otel-*"
REPORTS: Final = "logs-genai.report.otel-*"
REJECTED: Final = "logs-genai.rejected.otel-*"
SPANS: Final = "traces-*.otel-*"
LOGS: Final = "logs-generic.otel-*"
SERVICE: Final = "resource.attributes.service.name"
TIME: Final = "@timestamp"
PAGE: Final = 1000
MOST_CONTENTS: Final = 100
"""So many are fetched at once; each may have megabytes."""
_NEWEST_FIRST: Final = [{TIME: {"order": "desc", "unmapped_type": "date_nanos"}}]

Document = dict[str, Any]
Body = dict[str, Any]
By = Literal["prompt", "model", "user", "service", "error", "operation", "variant", "fingerprint", "experiment"]
Order = Literal["calls", "errors", "p95", "tokens", "cost"]


def attribute(name: str) -> str:
    """The field of an attribute."""
    return f"attributes.{name}"


GROUPS: Final[dict[By, str]] = {
    "prompt": attribute(names.PROMPT_NAME),
    "variant": attribute(names.PROMPT_VARIANT),
    "fingerprint": attribute(names.PROMPT_FINGERPRINT),
    "experiment": attribute(names.EXPERIMENT_NAME),
    "model": attribute(names.REQUEST_MODEL),
    "user": attribute(names.USER_ID),
    "service": SERVICE,
    "error": attribute(names.ERROR_TYPE),
    "operation": attribute(names.OPERATION_NAME),
}


ORDERS: Final[dict[Order, str]] = {
    "calls": "_count",
    "errors": "errors.doc_count",
    "p95": "latency.95",
    "tokens": "input",
    "cost": "cost.sum",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What is known of the records that are looked for; what is None does not matter."""

    user: str | None = None
    session: str | None = None
    conversation: str | None = None
    model: str | None = None
    prompt: str | None = None
    variant: str | None = None
    service: str | None = None
    operation: str | None = None
    trace: str | None = None
    status: Literal["ok", "error"] | None = None
    judging: bool | None = None
    """Whether they are calls of judges, which score other answers; figures leave these out unless they are wished."""
    text: str | None = None
    """Words that occur in the content, next to each other; `find` looks for them, figures do not heed them."""
    since: str | None = None
    """Elasticsearch date math or ISO 8601: `now-1h`, `2026-11-23T10:00:00Z`."""
    until: str | None = None

    def query(self) -> Body:
        """The search as an Elasticsearch query on records, but for the text."""
        exact = {
            attribute(names.USER_ID): self.user,
            attribute(names.SESSION_ID): self.session,
            attribute(names.CONVERSATION_ID): self.conversation,
            attribute(names.REQUEST_MODEL): self.model,
            attribute(names.PROMPT_NAME): self.prompt,
            attribute(names.PROMPT_VARIANT): self.variant,
            attribute(names.OPERATION_NAME): self.operation,
        }
        failed, judged = {"exists": {"field": attribute(names.ERROR_TYPE)}}, {"term": {attribute(names.JUDGING): True}}
        wanted = [*([failed] if self.status == "error" else []), *([judged] if self.judging else [])]
        unwanted = [*([failed] if self.status == "ok" else []), *([judged] if self.judging is False else [])]
        return {"bool": {"filter": [*self._everywhere(), *_terms(exact), *wanted], "must_not": unwanted}}

    def text_query(self, kind: Mapping) -> Body:
        """The text, with what else is known of documents of this kind."""
        words = {"multi_match": {"query": self.text, "type": "phrase", "fields": searched_text(kind)}}
        return {"bool": {"filter": [words, *self._everywhere()]}}

    def _everywhere(self) -> list[Body]:
        """What stands on a record and on its content alike."""
        bounds = {key: value for key, value in (("gte", self.since), ("lte", self.until)) if value}
        known = _terms({SERVICE: self.service, "trace_id": self.trace})
        return [*known, {"range": {TIME: bounds}}] if bounds else known


def _terms(exact: Body) -> list[Body]:
    return [{"term": {field: value}} for field, value in exact.items() if value is not None]


def find(client: Elasticsearch, index: str, search: Search, limit: int = 100) -> list[Document]:
    """The documents, newest first, each as it was stored with its id under `_id`."""
    if not search.text:
        return _documents(client, index, search.query(), limit)
    own = {"bool": {"filter": [search.query(), search.text_query(mappings.RECORD)]}}
    found = {document["_id"]: document for document in _documents(client, index, own, limit)}
    found |= _of_content(client, index, search, limit)
    return sorted(found.values(), key=lambda document: epoch(document[TIME]), reverse=True)[:limit]


def _of_content(client: Elasticsearch, index: str, search: Search, limit: int) -> dict[str, Document]:
    """The newest documents whose content has the text: content is asked page by page until there are enough."""
    found: dict[str, Document] = {}
    for identities in _pages(client, search.text_query(mappings.CONTENT)):
        query = {"bool": {"filter": [search.query(), {"ids": {"values": identities}}]}}
        found |= {document["_id"]: document for document in _documents(client, index, query, limit - len(found))}
        if len(found) >= limit:
            break
    return found


def _pages(client: Elasticsearch, query: Body) -> Iterator[list[str]]:
    """Ids of contents that match, newest first."""
    sort = [*_NEWEST_FIRST, {attribute(names.RECORD_ID): {"order": "asc", "unmapped_type": "keyword"}}]
    after: list[Any] | None = None
    while True:
        reply = client.search(
            index=CONTENTS, query=query, size=PAGE, sort=sort, search_after=after, source=False, ignore_unavailable=True
        )
        hits = reply["hits"]["hits"]
        if hits:
            yield [hit["_id"] for hit in hits]
        if len(hits) < PAGE:
            return
        after = hits[-1]["sort"]


def contents(client: Elasticsearch, *, trace: str | None = None, records: Iterable[str] = ()) -> dict[str, Document]:
    """What was said in the operations of a trace, or in these records, by their ids; empty for who may not read it."""
    if trace is not None:
        queries: list[Body] = [{"term": {"trace_id": trace}}]
    else:
        identities = list(records)
        starts = range(0, len(identities), MOST_CONTENTS)
        queries = [{"ids": {"values": identities[start : start + MOST_CONTENTS]}} for start in starts]
    size = PAGE if trace is not None else MOST_CONTENTS
    return {each["_id"]: each for query in queries for each in _documents(client, CONTENTS, query, size)}


def with_contents(records: Iterable[Document], contents: dict[str, Document]) -> list[Document]:
    """The records as they were before their content was taken apart from them."""
    nothing: Document = {"attributes": {}}
    return [
        {**record, "attributes": {**contents.get(record["_id"], nothing)["attributes"], **record["attributes"]}}
        for record in records
    ]


def record(client: Elasticsearch, record_id: str) -> Document | None:
    """The record of this id, or None."""
    found = _documents(client, RECORDS, {"ids": {"values": [record_id]}}, 1)
    return found[0] if found else None


def spans(client: Elasticsearch, trace_id: str) -> list[Document]:
    """The spans of a trace as the Collector stored them."""
    return _documents(client, SPANS, {"term": {"trace_id": trace_id}}, 1000)


def span_events(client: Elasticsearch, trace_id: str) -> list[Document]:
    """What happened on the way in those spans; the Collector stores it as logs."""
    query = {"bool": {"filter": [{"term": {"trace_id": trace_id}}, {"exists": {"field": "span_id"}}]}}
    return _documents(client, LOGS, query, 1000)


def traces_like(client: Elasticsearch, beginning: str, limit: int = 5) -> list[str]:
    """Ids of traces that begin so and have a record, a span or an evaluation."""
    reply = client.search(
        index=f"{RECORDS},{SPANS},{EVALUATIONS}",
        query={"prefix": {"trace_id": beginning}},
        size=0,
        aggregations={"traces": {"terms": {"field": "trace_id", "size": limit}}},
        ignore_unavailable=True,
    )
    found: Body = reply.body.get("aggregations", {"traces": {"buckets": []}})
    return [bucket["key"] for bucket in found["traces"]["buckets"]]


def _documents(client: Elasticsearch, index: str, query: Body, limit: int) -> list[Document]:
    reply = client.search(index=index, query=query, size=limit, sort=_NEWEST_FIRST, ignore_unavailable=True)
    return [{**hit["_source"], "_id": hit["_id"]} for hit in reply["hits"]["hits"]]


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, latency in seconds and tokens of a group of operations."""

    group: str
    calls: int
    errors: int
    p50: float | None
    p95: float | None
    p99: float | None
    input_tokens: int
    output_tokens: int
    cost: float | None
    """In the currency of the records, None where none has a cost."""

    @property
    def error_rate(self) -> float:
        """Failed operations as a share of all, from 0 to 1."""
        return self.errors / self.calls if self.calls else 0.0


def figures_body() -> Body:
    """The aggregations that Figures are made of."""
    return {
        "errors": {"filter": {"exists": {"field": attribute(names.ERROR_TYPE)}}},
        "latency": {"percentiles": {"field": attribute(names.DURATION), "percents": [50, 95, 99]}},
        "input": {"sum": {"field": attribute(names.USAGE_INPUT_TOKENS)}},
        "output": {"sum": {"field": attribute(names.USAGE_OUTPUT_TOKENS)}},
        "cost": {"stats": {"field": attribute(names.COST_AMOUNT)}},
    }


def counted(search: Search) -> Body:
    """What figures are made of: calls of judges are none of the application's own traffic."""
    return (replace(search, judging=False) if search.judging is None else search).query()


def total(client: Elasticsearch, search: Search) -> Figures:
    """The figures of all records that match."""
    reply = client.search(
        index=RECORDS,
        query=counted(search),
        size=0,
        aggregations=figures_body(),
        track_total_hits=True,
        ignore_unavailable=True,
    )
    found = reply.body.get("aggregations")
    return _figures("all", reply["hits"]["total"]["value"], found) if found else _figures("all", 0, None)


def top(client: Elasticsearch, by: By, search: Search, limit: int = 10, order: Order = "calls") -> list[Figures]:
    """The groups with the most calls, or what else orders them; records that lack the field are no group."""
    terms = {"field": GROUPS[by], "size": limit, "order": [{ORDERS[order]: "desc"}, {"_key": "asc"}]}
    groups = {"terms": terms, "aggregations": figures_body()}
    reply = client.search(
        index=RECORDS, query=counted(search), size=0, aggregations={"groups": groups}, ignore_unavailable=True
    )
    found: Sequence[Body] = reply.body.get("aggregations", {"groups": {"buckets": ()}})["groups"]["buckets"]
    return [_figures(bucket["key"], bucket["doc_count"], bucket) for bucket in found]


def _figures(group: str, calls: int, found: Body | None) -> Figures:
    if not found:
        return Figures(group, 0, 0, None, None, None, 0, 0, None)
    p50, p95, p99 = (found["latency"]["values"][percent] for percent in ("50.0", "95.0", "99.0"))
    cost = found["cost"]["sum"] if found["cost"]["count"] else None
    tokens = int(found["input"]["value"]), int(found["output"]["value"])
    return Figures(group, calls, found["errors"]["doc_count"], p50, p95, p99, *tokens, cost)
