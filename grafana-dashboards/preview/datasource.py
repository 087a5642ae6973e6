"""What Grafana's Elasticsearch data source does, in Python: panel query to search, answer to columns and series.

Written from the behaviour of the data source of Grafana 12; it draws nothing and knows no panel of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Plain = dict[str, Any]
Columns = dict[str, list[Any]]

_METRIC_NAMES = {"count": "Count", "sum": "Sum", "bucket_script": "Bucket Script", "percentiles": "Percentiles"}


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that is looked at, in milliseconds, and how wide Grafana makes a bucket of it."""

    start: int
    end: int
    interval: int

    def search(self, target: Plain) -> Plain:
        """The body that Grafana posts for a query, its variables filled in."""
        metrics, buckets = target["metrics"], target.get("bucketAggs") or []
        body = {"size": 0, "query": {"bool": {"filter": self._filters(target["query"])}}}
        if metrics[0]["type"] == "raw_data":
            return body | self._documents(metrics[0])
        assert buckets, "only a query for documents may lack buckets"
        inner = {metric["id"]: found for metric in metrics if (found := _metric(metric, metrics))}
        for bucket in reversed(buckets):
            aggregation = self._bucket(bucket, metrics)
            inner = {bucket["id"]: aggregation | ({"aggs": inner} if inner else {})}
        text = json.dumps(body | {"aggs": inner})
        return dict(json.loads(text.replace("$__interval_ms", str(self.interval))))

    def terms(self, question: Plain) -> Plain:
        """The body for a variable's values."""
        assert question["find"] == "terms"
        order = {"doc_count": {"_count": "desc"}, "term": {"_key": "asc"}}[question.get("orderBy", "term")]
        found = {"field": question["field"], "size": question.get("size", 500), "order": order}
        query = {"bool": {"filter": self._filters(question["query"])}}
        return {"size": 0, "query": query, "aggs": {"1": {"terms": found}}}

    def _filters(self, query: str) -> list[Plain]:
        time = {"gte": self.start, "lte": self.end, "format": "epoch_millis"}
        asked = [{"query_string": {"query": query, "analyze_wildcard": True}}] if query else []
        return [{"range": {"@timestamp": time}}, *asked]

    def _documents(self, metric: Plain) -> Plain:
        time = "@timestamp"
        return {
            "size": int(metric["settings"]["size"]),
            "sort": {time: {"order": "desc", "unmapped_type": "boolean"}, "_doc": {"order": "desc"}},
            "docvalue_fields": [time],
            "script_fields": {},
            "fields": [{"field": time, "format": "strict_date_optional_time_nanos"}],
        }

    def _bucket(self, bucket: Plain, metrics: list[Plain]) -> Plain:
        settings = bucket["settings"]
        match bucket["type"]:
            case "date_histogram":
                interval = settings["interval"]
                return {
                    "date_histogram": {
                        "field": bucket["field"],
                        "fixed_interval": "$__interval_msms" if interval == "auto" else interval,
                        "min_doc_count": int(settings["min_doc_count"]),
                        "extended_bounds": {"min": self.start, "max": self.end},
                        "format": "epoch_millis",
                    }
                }
            case "terms":
                return {"terms": _terms(bucket)}
            case "filters":
                asked = {one["label"] or one["query"]: _lucene(one["query"]) for one in settings["filters"]}
                return {"filters": {"filters": asked}}
            case other:
                raise AssertionError(f"a bucket that is not translated: {other}")


def _lucene(query: str) -> Plain:
    return {"query_string": {"query": query, "analyze_wildcard": True}}


def _terms(bucket: Plain) -> Plain:
    settings = bucket["settings"]
    order = settings["orderBy"]
    assert order in {"_count", "_key"}, "ordering by a metric is not translated"
    known = {"field": bucket["field"], "size": int(settings["size"]), "order": {order: settings["order"]}}
    known |= {"min_doc_count": int(settings["min_doc_count"])}
    return known | ({"missing": settings["missing"]} if "missing" in settings else {})


def _metric(metric: Plain, metrics: list[Plain]) -> Plain | None:
    settings = {name: value for name, value in metric.get("settings", {}).items() if value is not None}
    match metric["type"]:
        case "count":
            return None
        case "bucket_script":
            kinds = {each["id"]: each["type"] for each in metrics}
            paths = {
                variable["name"]: "_count" if kinds[variable["pipelineAgg"]] == "count" else variable["pipelineAgg"]
                for variable in metric["pipelineVariables"]
            }
            return {"bucket_script": {"buckets_path": paths, **settings}}
        case kind:
            return {kind: {"field": metric["field"], **settings}}


class Everything(str):
    """A variable's own text for All; the one value that Grafana does not escape."""

    __slots__ = ()


def interpolate(text: str, values: Mapping[str, str | list[str]]) -> str:
    """Variables in a Lucene query: one value escaped, several quoted and joined, All as it is."""

    def written(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name.startswith("__"):
            return found[0]
        match values[name]:
            case Everything() as text:
                return str(text)
            case str() as one:
                return _escaped(one)
            case several:
                return "(" + " OR ".join(f'"{_escaped(one)}"' for one in several) + ")" if several else "__empty__"

    return re.sub(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}", written, text)


def _escaped(text: str) -> str:
    return re.sub(r'([!*+\-=<>\s&|()\[\]{}^~?:\\/"])', r"\\\1", text)


def series(target: Plain, answer: Plain) -> dict[str, list[tuple[int, float | None]]]:
    """The named series of an answer whose innermost buckets are of time."""
    found: dict[str, list[tuple[int, float | None]]] = {}
    for labels, bucket_list in _innermost(target["bucketAggs"], answer["aggregations"], {}):
        for metric in target["metrics"]:
            if metric.get("hide"):
                continue
            for kind, points in _points(metric, bucket_list):
                found[_series_name(target.get("alias"), kind, metric, labels)] = points
    return found


def _innermost(buckets: list[Plain], answer: Plain, labels: dict[str, str]) -> Iterator[tuple[dict[str, str], Any]]:
    bucket, *rest = buckets
    here = answer[bucket["id"]]["buckets"]
    if not rest:
        yield labels, here
    elif isinstance(here, dict):
        for label in sorted(here):
            yield from _innermost(rest, here[label], labels | {"filter": label})
    else:
        for one in here:
            yield from _innermost(rest, one, labels | {bucket["field"]: str(one["key"])})


def _points(metric: Plain, buckets: list[Plain]) -> Iterator[tuple[str, list[tuple[int, float | None]]]]:
    identity = metric["id"]
    match metric["type"]:
        case "count":
            yield "count", [(one["key"], one["doc_count"]) for one in buckets]
        case "percentiles":
            for percent in sorted(buckets[0][identity]["values"] if buckets else ()):
                yield f"p{percent}", [(one["key"], one[identity]["values"][percent]) for one in buckets]
        case kind:
            yield kind, [(one["key"], one[identity]["value"]) for one in buckets if identity in one]


def _series_name(alias: str | None, kind: str, metric: Plain, labels: dict[str, str]) -> str:
    if not alias:
        return " ".join(labels[key] for key in sorted(labels)) or _METRIC_NAMES.get(kind, kind)
    known = {f"term {key}": label for key, label in labels.items()}
    known |= {"metric": _METRIC_NAMES.get(kind, kind), "field": metric.get("field", "")}
    return re.sub(r"\{\{(.+?)\}\}", lambda found: known[found[1]], alias)


def table(target: Plain, answer: Plain) -> Columns:
    """The columns of an answer without time: one for each bucket's field, one for each number."""
    columns: Columns = {}
    fields = [bucket["field"] for bucket in target["bucketAggs"]]
    for labels, buckets in _innermost(target["bucketAggs"], answer["aggregations"], {}):
        for one in buckets:
            for field, value in (labels | {fields[-1]: one["key"]}).items():
                columns.setdefault(field, []).append(value)
            for name, value in _cells(target["metrics"], one):
                columns.setdefault(name, []).append(value)
    return columns


def _cells(metrics: list[Plain], bucket: Plain) -> Iterator[tuple[str, float | None]]:
    for metric in metrics:
        identity, kind = metric["id"], metric["type"]
        if kind == "count":
            yield "Count", bucket["doc_count"]
        elif kind == "percentiles":
            for percent in sorted(bucket[identity]["values"]):
                # Grafana writes a percentile that there is none of as 0.
                yield f"p{percent} {metric['field']}", bucket[identity]["values"][percent] or 0
        else:
            alike = sum(1 for other in metrics if other["type"] == kind)
            name = _METRIC_NAMES[kind]
            yield f"{name} {metric['field']}" if alike > 1 else name, bucket.get(identity, {}).get("value")


def documents(answer: Plain) -> Columns:
    """The columns of an answer with documents: every leaf of each, under its dotted name; time from the fields."""
    rows = [
        {"_id": hit["_id"], "_index": hit["_index"], **dict(_leaves("", hit["_source"])), **hit.get("fields", {})}
        for hit in answer["hits"]["hits"]
    ]
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    if "@timestamp" in columns:
        columns["@timestamp"] = [value[0] if isinstance(value, list) else value for value in columns["@timestamp"]]
    return columns


def _leaves(prefix: str, value: Plain, depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        name = f"{prefix}.{key}".strip(".")
        if isinstance(inner, dict) and inner and depth < 10:
            yield from _leaves(name, inner, depth + 1)
        else:
            yield name, inner


def shaped(columns: Columns, transformations: list[Plain]) -> Columns:
    """After the panel's transformations: the columns that it names, in its order, under its names."""
    for step in transformations:
        options = step["options"]
        match step["id"]:
            case "filterFieldsByName":
                columns = {name: cells for name, cells in columns.items() if name in options["include"]["names"]}
            case "organize":
                places = options["indexByName"]
                ordered = sorted(columns, key=lambda name: places.get(name, len(places)))
                columns = {options["renameByName"].get(name) or name: columns[name] for name in ordered}
            case other:
                raise AssertionError(f"a transformation that is not translated: {other}")
    return columns
