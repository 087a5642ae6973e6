"""An answer of Elasticsearch as the frames that Grafana's data source makes of it: series, tables, documents.

Written from the behaviour of the data source of Grafana 12.2 (its Go backend); none of its code is in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from preview.documents import document_frame
from preview.frames import TIME, VALUE, Field, Frame, GrafanaError, Kind, Plain
from preview.naming import METRIC_NAMES, name_of_series
from preview.searches import DOCUMENTS

Labels = dict[str, str]
_BOUNDS: Final = {"std_deviation_bounds_upper": "upper", "std_deviation_bounds_lower": "lower"}


def frames(target: Plain, answer: Plain, *, keep_labels: bool = False) -> list[Frame]:
    """The frames of one query's answer, named; alerts and expressions keep the labels as well.

    Raises GrafanaError where Grafana would show an error.
    """
    if "error" in answer:
        raise GrafanaError(_reason(answer["error"]))
    if target["metrics"][0]["type"] in DOCUMENTS:
        return [document_frame(target, answer)]
    found = _Buckets(target).read(answer.get("aggregations") or {})
    return _trimmed(target, _named(target, found, keep_labels=keep_labels))


def _reason(error: Plain) -> str:
    """As Grafana shows it, which is the root's reason; behind it, in brackets, what that was caused by."""
    causes = error.get("root_cause") or [{}]
    told = causes[0].get("reason") or error.get("reason") or (error.get("caused_by") or {}).get("reason")
    shards = [shard.get("reason") or {} for shard in error.get("failed_shards") or ()]
    beneath = next((reason for each in (*causes, *shards, error) if (reason := _beneath(each)) not in ("", told)), "")
    return f"{told or 'Unknown elasticsearch error response'}{f' ({beneath})' if beneath else ''}"


def _beneath(error: Plain) -> str:
    """The reason below the first cause, or the cause's own where there is none below."""
    cause = error.get("caused_by") or {}
    return str((cause.get("caused_by") or cause).get("reason") or "")


class _Buckets:
    """Walks the nested buckets of one answer."""

    def __init__(self, target: Plain) -> None:
        self._target = target
        self._buckets: list[Plain] = target["bucketAggs"]
        self._series: list[Frame] = []
        self._table: dict[str, list[Any]] | None = None

    def read(self, aggregations: Plain) -> list[Frame]:
        self._walk(aggregations, {}, 0)
        table = self._table or {}
        columns = [Field(name, _column_kind(values), values) for name, values in table.items()]
        return [*self._series, *([Frame(columns)] if columns else [])]

    def _walk(self, aggregations: Plain, labels: Labels, depth: int) -> None:
        known = {bucket["id"]: bucket for bucket in self._buckets}
        for identity in sorted(aggregations.keys() & known.keys()):
            bucket, found = known[identity], aggregations[identity]
            if bucket["type"] == "nested":
                self._walk(found, labels, depth + 1)
            elif depth < len(self._buckets) - 1:
                for more, inner in _inner(bucket, found["buckets"]):
                    self._walk(inner, labels | more, depth + 1)
            elif bucket["type"] == "date_histogram":
                self._add_series(found["buckets"], labels)
            else:
                self._add_rows(bucket, found["buckets"], labels)

    # --- series -----------------------------------------------------------------------------------------------------

    def _add_series(self, buckets: list[Plain], labels: Labels) -> None:
        for metric in self._target["metrics"]:
            if not metric.get("hide"):
                self._series += [_series(points, labels | tags) for tags, points in _points(metric, buckets)]

    # --- tables -----------------------------------------------------------------------------------------------------

    def _add_rows(self, bucket: Plain, buckets: Any, labels: Labels) -> None:
        """One row a bucket. Grafana reads no filters here, and what has no bucket takes earlier rows with it."""
        rows = buckets if isinstance(buckets, list) else []
        if not rows:
            self._table = {}
            return
        columns: dict[str, list[Any]] = self._table or {}
        for name in sorted(labels):
            columns.setdefault(name, [])
        for one in rows:
            for name in labels:
                columns[name].append(labels[name])
            columns.setdefault(bucket.get("field", ""), []).append(_key(one["key"]))
            for name, value in self._cells(one):
                columns.setdefault(name, []).append(value)
        self._table = columns

    def _cells(self, bucket: Plain) -> Iterator[tuple[str, float | None]]:
        """Hidden metrics are columns, too."""
        for metric in self._target["metrics"]:
            found = bucket.get(metric["id"]) or {}
            match metric["type"]:
                case "count":
                    yield METRIC_NAMES["count"], bucket["doc_count"]
                case "percentiles":
                    for percent in sorted(found.get("values") or {}):
                        # Grafana writes a percentile that there is none of as 0.
                        yield f"p{percent} {metric.get('field', '')}", _number(found["values"][percent]) or 0
                case "extended_stats":
                    if statistics := _statistics(metric):
                        yield METRIC_NAMES["extended_stats"], _statistic(found, statistics[0])
                case "top_metrics":
                    yield from _top_cells(metric, found)
                case _:
                    yield self._column(metric), _number(found.get("value"))

    def _column(self, metric: Plain) -> str:
        name = METRIC_NAMES.get(metric["type"], str(metric["type"]))
        others = [
            each for each in self._target["metrics"] if each["type"] == metric["type"] and each["id"] != metric["id"]
        ]
        if not others:
            return name
        if metric["type"] == "bucket_script":
            return str((metric.get("settings") or {}).get("script") or "")
        field = metric.get("field", "")
        return f"{name} {field}" + (
            f" {metric['id']}" if any(each.get("field", "") == field for each in others) else ""
        )


def _column_kind(values: list[Any]) -> Kind:
    return Kind.STRING if any(isinstance(value, str) for value in values) else Kind.NUMBER


def _inner(bucket: Plain, found: Any) -> Iterator[tuple[Labels, Plain]]:
    """Each bucket with the label that it gives; a number becomes a whole one, a filter goes by its label."""
    if isinstance(found, dict):
        yield from (({"filter": label}, found[label]) for label in sorted(found))
        return
    for one in found:
        key = one.get("key_as_string", one["key"])
        yield {bucket.get("field", ""): key if isinstance(key, str) else str(int(key))}, one


def _key(key: Any) -> Any:
    return key if isinstance(key, str) else float(key)


def _series(points: list[tuple[float, float | None]], labels: Labels) -> Frame:
    times, values = [time for time, _ in points], [value for _, value in points]
    return Frame([Field(TIME, Kind.TIME, times), Field(VALUE, Kind.NUMBER, values, labels)])


def _points(metric: Plain, buckets: list[Plain]) -> Iterator[tuple[Labels, list[tuple[float, float | None]]]]:
    """The series of one metric: what sets each apart, and its points in time."""
    identity, field = metric["id"], metric.get("field", "")
    match metric["type"]:
        case "count":
            yield {"metric": "count"}, [(one["key"], one["doc_count"]) for one in buckets]
        case "percentiles":
            for percent in sorted((buckets[0].get(identity) or {}).get("values") or {}) if buckets else ():
                values = [(one["key"], _number(one[identity]["values"].get(percent))) for one in buckets]
                yield {"metric": f"p{percent}", "field": field}, values
        case "extended_stats":
            for name in _statistics(metric):
                values = [(one["key"], _statistic(one[identity], name)) for one in buckets]
                yield {"metric": name, "field": field}, values
        case "top_metrics":
            for name in (metric.get("settings") or {}).get("metrics", []):
                yield (
                    {"metric": "top_metrics", "field": name},
                    [(one["key"], _top(one[identity], name)) for one in buckets],
                )
        case kind:
            values = [(one["key"], _value(one[identity])) for one in buckets if isinstance(one.get(identity), dict)]
            yield {"metric": kind, "field": field, "metricId": identity}, values


def _value(found: Plain) -> float | None:
    return _number(found["normalized_value"] if "normalized_value" in found else found.get("value"))


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return None if value.lower() == "nan" else float(value)
    return None if value is None or isinstance(value, bool) else value


def _statistics(metric: Plain) -> list[str]:
    return sorted(name for name, chosen in (metric.get("meta") or {}).items() if chosen is True)


def _statistic(found: Plain, name: str) -> float | None:
    if name in _BOUNDS:
        return _number((found.get("std_deviation_bounds") or {}).get(_BOUNDS[name]))
    return _number(found.get(name))


def _top(found: Plain, name: str) -> float | None:
    """Grafana counts a bucket without a value among the times but not among the values, and fails."""
    values = [each["metrics"][name] for each in found["top"] if each.get("metrics", {}).get(name) is not None]
    if len(values) != 1:
        raise GrafanaError(f"top_metrics of {name}: a bucket without a value")
    if not isinstance(values[0], (int, float)):
        raise GrafanaError(f"top_metrics of {name}: not a number")
    return values[0]


def _top_cells(metric: Plain, found: Plain) -> Iterator[tuple[str, float | None]]:
    names = (metric.get("settings") or {}).get("metrics", [])
    for name in names:
        yield "Top Metrics" + (f" {name}" if len(names) > 1 else ""), _top(found, name)


def _named(target: Plain, found: list[Frame], *, keep_labels: bool) -> list[Frame]:
    metrics = {frame.fields[1].labels["metric"] for frame in found if frame.is_series}
    named = []
    for frame in found:
        if not frame.is_series:
            named.append(Frame(frame.fields, frame.name, target.get("refId", "A")))
            continue
        time, value = frame.fields
        name, labels = name_of_series(target, value.labels, len(metrics))
        config: Mapping[str, Any] = {"displayNameFromDS": name} if keep_labels else {}
        fields = [time, Field(value.name, value.kind, value.values, labels if keep_labels else {}, config)]
        named.append(Frame(fields, "" if keep_labels else name, target.get("refId", "A")))
    return named


def _trimmed(target: Plain, found: list[Frame]) -> list[Frame]:
    """Without as many points at both ends as the first histogram over time says."""
    histogram = next((each for each in target["bucketAggs"] if each["type"] == "date_histogram"), None)
    edges = str(((histogram or {}).get("settings") or {}).get("trimEdges") or "0")
    trim = int(edges) if edges.isdecimal() else 0
    if not trim:
        return found

    def kept(field: Field) -> Field:
        values = field.values[trim:-trim] if len(field.values) > trim * 2 else field.values
        return Field(field.name, field.kind, values, field.labels, field.config)

    return [Frame([kept(field) for field in frame.fields], frame.name, frame.ref) for frame in found]
