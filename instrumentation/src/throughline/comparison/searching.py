"""Which records a comparison is made of, and pages of their fields as Elasticsearch holds them; computes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from elasticsearch import Elasticsearch, OrjsonSerializer

from throughline import names
from throughline.store.queries import RECORDS, SERVICE, TIME, attribute
from throughline.totals import MODEL_CALLS

Body = dict[str, Any]
Fields = Sequence[dict[str, list[Any]]]
PAGE: Final = 10_000
_KEEP: Final = "5m"
_MOST_GROUPS: Final = 1_000
_PATIENCE: Final = 120


@dataclass(frozen=True, slots=True)
class Selection:
    """Which requests are compared; what is None does not matter."""

    prompt: str
    experiment: str | None = None
    version: str | None = None
    model: str | None = None
    service: str | None = None
    since: str | None = None
    """ISO 8601, like `until`."""
    until: str | None = None

    def query(self) -> Body:
        """Model calls that name a variant; none that a judge made."""
        exact = {
            attribute(names.PROMPT_NAME): self.prompt,
            attribute(names.EXPERIMENT_NAME): self.experiment,
            attribute(names.PROMPT_VERSION): self.version,
            attribute(names.REQUEST_MODEL): self.model,
            SERVICE: self.service,
        }
        bounds = {key: value for key, value in (("gte", self.since), ("lte", self.until)) if value}
        filters: list[Body] = [{"term": {field: value}} for field, value in exact.items() if value is not None]
        filters += [{"range": {TIME: bounds}}] if bounds else []
        return _of_variants(filters)


def _of_variants(filters: list[Body]) -> Body:
    named = {"exists": {"field": attribute(names.PROMPT_VARIANT)}}
    calls = {"terms": {attribute(names.OPERATION_NAME): list(MODEL_CALLS)}}
    judged = {"term": {attribute(names.JUDGING): True}}
    return {"bool": {"filter": [*filters, named, calls], "must_not": [judged]}}


@dataclass(frozen=True, slots=True)
class Group:
    """A value of a field, how many records have it, and the time of the last one."""

    name: str
    records: int
    last: float


def groups(client: Elasticsearch, selection: Selection, name: str) -> list[Group]:
    """The values of an attribute among the selected records, those with the latest record first."""
    terms = {"field": attribute(name), "size": _MOST_GROUPS}
    found = _aggregated(client, selection.query(), {"terms": terms, "aggregations": {"last": {"max": {"field": TIME}}}})
    told = [Group(each["key"], each["doc_count"], each["last"]["value"] or 0.0) for each in found]
    return sorted(told, key=lambda group: (-group.last, group.name))


def prompts(client: Elasticsearch, selection: Selection) -> list[str]:
    """All prompts that have more than one variant, whatever prompt the selection names."""
    filters = [each for each in selection.query()["bool"]["filter"] if attribute(names.PROMPT_NAME) not in str(each)]
    variants = {"variants": {"cardinality": {"field": attribute(names.PROMPT_VARIANT)}}}
    terms = {"field": attribute(names.PROMPT_NAME), "size": _MOST_GROUPS}
    found = _aggregated(client, _of_variants(filters), {"terms": terms, "aggregations": variants})
    return sorted(each["key"] for each in found if each["variants"]["value"] > 1)


def _aggregated(client: Elasticsearch, query: Body, wanted: Body) -> list[Body]:
    reply = client.search(index=RECORDS, query=query, size=0, aggregations={"found": wanted}, ignore_unavailable=True)
    found: list[Body] = reply.body.get("aggregations", {"found": {"buckets": []}})["found"]["buckets"]
    return found


def count(client: Elasticsearch, selection: Selection) -> int:
    """How many records there are to read."""
    return int(client.count(index=RECORDS, query=selection.query(), ignore_unavailable=True)["count"])


class Pages:
    """Reads fields of a state of an index that stays as it is meanwhile."""

    def __init__(self, client: Elasticsearch, index: str) -> None:
        self._client, self._index, self._state = client.options(request_timeout=_PATIENCE), index, ""
        known = client.transport.serializers.serializers
        known.update({kind: OrjsonSerializer() for kind in known if kind.endswith(("/json", "+json"))})

    def __enter__(self) -> Pages:
        opened = self._client.open_point_in_time(index=self._index, keep_alive=_KEEP, ignore_unavailable=True)
        self._state = str(opened["id"])
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close_point_in_time(id=self._state)

    def of(self, query: Body, fields: Sequence[str]) -> Iterator[Fields]:
        """Pages of what each matching document has of these fields, as lists of values.

        Raises where a part of the index does not answer: what is not read would look like what is not there.
        """
        wanted = [{"field": TIME, "format": "epoch_millis"} if field == TIME else {"field": field} for field in fields]
        after: list[Any] | None = None
        while True:
            reply = self._client.search(
                pit={"id": self._state, "keep_alive": _KEEP}, query=query, docvalue_fields=wanted, source=False,
                size=PAGE, sort=["_shard_doc"], search_after=after, track_total_hits=False,
                allow_partial_search_results=False,
            )  # fmt: skip
            hits = reply.body["hits"]["hits"]
            if hits:
                yield [hit.get("fields", {}) for hit in hits]
            if len(hits) < PAGE:
                return
            self._state, after = reply.body["pit_id"], hits[-1]["sort"]
