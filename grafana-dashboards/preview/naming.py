"""The names that Grafana's Elasticsearch data source gives to series; columns get theirs where their rows are made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from preview.frames import Plain
from preview.searches import PIPELINES

METRIC_NAMES: Final = {
    "count": "Count",
    "avg": "Average",
    "sum": "Sum",
    "max": "Max",
    "min": "Min",
    "extended_stats": "Extended Stats",
    "percentiles": "Percentiles",
    "top_metrics": "Top Metrics",
    "cardinality": "Unique Count",
    "moving_avg": "Moving Average",
    "moving_fn": "Moving Function",
    "cumulative_sum": "Cumulative Sum",
    "derivative": "Derivative",
    "serial_diff": "Serial Difference",
    "bucket_script": "Bucket Script",
    "raw_document": "Raw Document",
    "rate": "Rate",
}
_STATISTICS: Final = {
    "std_deviation": "Std Dev",
    "std_deviation_bounds_upper": "Std Dev Upper",
    "std_deviation_bounds_lower": "Std Dev Lower",
}
_PATTERN: Final = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)


def name_of_series(target: Plain, found: Mapping[str, str], metrics: int) -> tuple[str, dict[str, str]]:
    """The name of a series with these labels, among series of so many kinds of metrics; and the labels that are left.

    `avg` as one of extended statistics is called as the metric is.
    """
    labels = dict(found)
    kind, field = labels.pop("metric"), labels.pop("field", "")
    identity = labels.pop("metricId", "")
    name = METRIC_NAMES.get(kind) or _STATISTICS.get(kind, kind)
    if target.get("alias"):  # which leaves the metric's id among the labels of an alert
        return _filled(target["alias"], found, name, field), labels | ({"metricId": identity} if identity else {})
    name = _described(target, kind, name, field, identity)
    if not labels:
        return name, labels
    values = " ".join(labels[key] for key in sorted(labels)).strip()
    return values if metrics == 1 else f"{values} {name}", labels


def _filled(alias: str, labels: Mapping[str, str], name: str, field: str) -> str:
    """An alias with its patterns filled in; one that means nothing stays as it is."""
    known = {key: value for key, value in labels.items() if key not in {"metric", "field"}}

    def value(found: re.Match[str]) -> str:
        pattern = found[1]
        if pattern.startswith("term "):
            return known.get(pattern.removeprefix("term "), "")
        return {**known, "metric": name, "field": field}.get(pattern, found[0])

    return _PATTERN.sub(value, alias)


def _described(target: Plain, kind: str, name: str, field: str, identity: str) -> str:
    metrics = {each["id"]: each for each in target["metrics"]}
    if kind == "bucket_script":
        return _formula(metrics, metrics[identity])
    if kind in PIPELINES and field:
        return f"{name} {_description(metrics[field])}" if field in metrics else "Unset"
    return f"{name} {field}" if field and kind not in PIPELINES else name


def _formula(metrics: Mapping[str, Plain], metric: Plain) -> str:
    text = str((metric.get("settings") or {}).get("script") or "")
    for each in metric.get("pipelineVariables") or []:
        if each["pipelineAgg"] in metrics:
            text = text.replace(f"params.{each['name']}", _description(metrics[each["pipelineAgg"]]))
    return text


def _description(metric: Plain) -> str:
    name = METRIC_NAMES.get(metric["type"], "")
    return name if metric["type"] == "count" else f"{name} {metric.get('field', '')}"
