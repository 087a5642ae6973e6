"""A panel's query as the search that Grafana's Elasticsearch data source posts for it. Nothing is sent from here.

Written from the behaviour of the data source of Grafana 12.2 (its Go backend); none of its code is in here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from preview.frames import GrafanaError, Plain, UntranslatedError

TIME_FIELD: Final = "@timestamp"
DOCUMENTS: Final = frozenset({"raw_data", "raw_document", "logs"})
PIPELINES: Final = frozenset({"bucket_script", "cumulative_sum", "derivative", "moving_fn", "serial_diff"})
_PLAIN_METRICS: Final = frozenset(
    {"avg", "cardinality", "extended_stats", "max", "min", "percentiles", "rate", "sum", "value_count"}
)
_CALENDAR: Final = frozenset({"1w", "1M", "1q", "1y"})
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that is looked at, in milliseconds, and how wide Grafana makes a bucket of it."""

    start: int
    end: int
    interval: int

    def search(self, target: Plain) -> Plain:
        """The body that Grafana posts for a query, its variables filled in. Raises GrafanaError where it posts none."""
        metrics, buckets = target.get("metrics") or [], target.get("bucketAggs") or []
        if not metrics or (not buckets and metrics[0]["type"] not in DOCUMENTS):
            raise GrafanaError("invalid query, missing metrics and aggregations")
        body = {"size": 0, "query": {"bool": {"filter": self._filters(target.get("query", ""))}}}
        if metrics[0]["type"] in DOCUMENTS:
            body |= self._documents(metrics[0])
        else:
            body["aggs"] = self._aggregations(buckets, metrics)
        text = json.dumps(body).replace("$__interval_ms", str(self.interval))
        return dict(json.loads(text.replace("$__interval", duration(self.interval))))

    def terms(self, question: Plain) -> Plain:
        """The body for a variable's values."""
        if question["find"] != "terms":
            raise UntranslatedError(f"a variable that finds {question['find']}")
        order = {"doc_count": {"_count": "desc"}, "term": {"_key": "asc"}}[question.get("orderBy", "term")]
        found = {"field": question["field"], "size": question.get("size", _MOST), "order": order}
        query = {"bool": {"filter": self._filters(question.get("query", ""))}}
        return {"size": 0, "query": query, "aggs": {"1": {"terms": found}}}

    def _filters(self, query: str) -> list[Plain]:
        time = {"gte": self.start, "lte": self.end, "format": "epoch_millis"}
        return [{"range": {TIME_FIELD: time}}, *([_lucene(query)] if query else [])]

    def _documents(self, metric: Plain) -> Plain:
        settings, is_log = metric.get("settings") or {}, metric["type"] == "logs"
        order = "asc" if is_log and settings.get("sortDirection") == "asc" else "desc"
        body: Plain = {
            "size": _whole(settings.get("limit" if is_log else "size"), _MOST),
            "sort": {TIME_FIELD: {"order": order, "unmapped_type": "boolean"}, "_doc": {"order": order}},
            "docvalue_fields": [TIME_FIELD],
            "script_fields": {},
        }
        if metric["type"] != "raw_document":
            body["fields"] = [{"field": TIME_FIELD, "format": "strict_date_optional_time_nanos"}]
        if is_log:
            marks = {"pre_tags": ["@HIGHLIGHT@"], "post_tags": ["@/HIGHLIGHT@"]}
            body["highlight"] = {"fields": {"*": {}}, **marks, "fragment_size": 2**31 - 1}
            body["aggs"] = {"1": self._over_time({})}
        return body

    def _aggregations(self, buckets: list[Plain], metrics: list[Plain]) -> Plain:
        inner = {metric["id"]: found for metric in metrics if (found := _metric(metric, metrics))}
        for bucket in reversed(buckets):
            if bucket["type"] == "filters" and not bucket["settings"].get("filters"):
                continue
            aggregation, ordering = self._bucket(bucket, metrics)
            inner = {bucket["id"]: aggregation | ({"aggs": ordering | inner} if ordering | inner else {})}
        return inner

    def _bucket(self, bucket: Plain, metrics: list[Plain]) -> tuple[Plain, Plain]:
        """The aggregation, and what it takes inside to put its buckets in order."""
        settings = _given(bucket)
        match bucket["type"]:
            case "date_histogram":
                return self._over_time(bucket), {}
            case "terms":
                return _terms(bucket["field"], settings, metrics)
            case "filters":
                asked = {one.get("label") or one["query"]: _lucene(one["query"]) for one in settings["filters"]}
                return {"filters": {"filters": asked}}, {}
            case "histogram":
                return {"histogram": _histogram(bucket["field"], settings)}, {}
            case "nested":
                return {"nested": {"path": bucket["field"]}}, {}
            case other:
                raise UntranslatedError(f"a bucket aggregation: {other}")

    def _over_time(self, bucket: Plain) -> Plain:
        settings = _given(bucket)
        interval = settings.get("interval", "auto")
        found = {
            "field": bucket.get("field") or TIME_FIELD,
            "min_doc_count": _count(settings.get("min_doc_count"), 0),
            "extended_bounds": {"min": self.start, "max": self.end},
            "format": settings.get("format", "epoch_millis"),
        }
        if interval in _CALENDAR:
            found["calendar_interval"] = interval
        else:
            found["fixed_interval"] = "$__interval_msms" if interval == "auto" else interval
        found |= {name: settings[name] for name in ("offset", "missing") if settings.get(name)}
        if settings.get("timeZone", "utc") != "utc":
            found["time_zone"] = settings["timeZone"]
        return {"date_histogram": found}


def duration(interval: int) -> str:
    """Milliseconds as Grafana's server writes a duration: 90 s are `1m30s`."""
    if interval < 1000:
        return f"{interval}ms"
    minutes, seconds = divmod(interval / 1000, 60)
    hours, minutes = divmod(int(minutes), 60)
    ahead = f"{hours}h{minutes}m" if hours else f"{minutes}m" if minutes else ""
    return f"{ahead}{seconds:g}s"


def _lucene(query: str) -> Plain:
    return {"query_string": {"query": query, "analyze_wildcard": True}}


def _given(part: Plain) -> Plain:
    """The settings that are set; older editors wrote `null` as text."""
    return {name: value for name, value in (part.get("settings") or {}).items() if value not in (None, "null")}


def _whole(value: Any, otherwise: int) -> int:
    """A size, written as a text; none and 0 mean the default."""
    text = str(value or "")
    return (int(text) or otherwise) if text.isdecimal() else otherwise


def _count(value: Any, otherwise: int) -> int:
    return int(value) if str(value).isdecimal() else otherwise


def _histogram(field: str, settings: Plain) -> Plain:
    found = {"field": field, "interval": float(settings.get("interval") or 1000)}
    found["min_doc_count"] = _count(settings.get("min_doc_count"), 0)
    return found | ({"missing": settings["missing"]} if isinstance(settings.get("missing"), int) else {})


def _terms(field: str, settings: Plain, metrics: list[Plain]) -> tuple[Plain, Plain]:
    """An order by a metric brings that metric along, but none of its settings: a script does not order."""
    found: Plain = {"field": field, "size": _whole(settings.get("size"), _MOST), "order": {}}
    if "min_doc_count" in settings:
        found["min_doc_count"] = int(settings["min_doc_count"])
    if "missing" in settings:
        found["missing"] = settings["missing"]
    by, way = settings.get("orderBy"), settings.get("order", "desc")
    if by is None:
        return {"terms": found}, {}
    if not (numbered := re.match(r"\d+", by)):
        found["order"] = {"_key" if by == "_term" else by: way}
        return {"terms": found}, {}
    metric = next((each for each in metrics if each["id"] == numbered[0]), None)
    if metric is None:
        return {"terms": found}, {}
    if metric["type"] == "count":
        found["order"] = {"_count": way}
        return {"terms": found}, {}
    found["order"] = {by: way}
    return {"terms": found}, {metric["id"]: {metric["type"]: _of_field(metric)}}


def _metric(metric: Plain, metrics: list[Plain]) -> Plain | None:
    """The aggregation of a metric, or None of one that is none: a count, or one whose parts are not chosen yet."""
    kind, settings = metric["type"], _given(metric)
    if kind == "count":
        return None
    if kind == "top_metrics":
        return {kind: _top(settings)}
    if kind in PIPELINES:
        path = _path(metric, metrics)
        return {kind: {"buckets_path": path, **settings}} if path else None
    if kind not in _PLAIN_METRICS:
        raise UntranslatedError(f"a metric: {kind}")
    return {kind: {**_of_field(metric), **settings}}


def _of_field(metric: Plain) -> Plain:
    return {"field": metric["field"]} if metric.get("field") else {}


def _top(settings: Plain) -> Plain:
    found: Plain = {"size": "1", "metrics": [{"field": field} for field in settings.get("metrics", [])]}
    if "order" in settings and "orderBy" in settings:
        found["sort"] = [{settings["orderBy"]: settings["order"]}]
    return found


def _path(metric: Plain, metrics: list[Plain]) -> Plain | str | None:
    """What a pipeline reads: other metrics by their ids, a count by its own name."""
    kinds = {each["id"]: each["type"] for each in metrics}

    def of(identity: str) -> str:
        return "_count" if kinds[identity] == "count" else identity

    if metric["type"] == "bucket_script":
        paths = {each["name"]: each["pipelineAgg"] for each in metric.get("pipelineVariables") or []}
        return {name: of(identity) for name, identity in paths.items() if identity in kinds}
    identity = metric.get("field") or metric.get("pipelineAgg") or ""
    return of(identity) if identity in kinds else None
