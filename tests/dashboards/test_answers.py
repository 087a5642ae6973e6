"""An answer becomes the series, tables and documents that Grafana's data source makes, as Grafana's own tests state."""

from __future__ import annotations

from typing import Any

import pytest
from preview.datasource import Columns, documents, frames, series, table
from preview.frames import GrafanaError

Plain = dict[str, Any]
OVER_TIME = {"type": "date_histogram", "field": "@timestamp", "id": "3", "settings": {}}
HOSTS = {"type": "terms", "field": "host", "id": "2", "settings": {}}
COUNT = {"type": "count", "id": "1"}


def given(metrics: list[Plain], buckets: list[Plain], aggregations: Plain, **more: Any) -> tuple[Plain, Plain]:
    """The target and the answer, as the translation takes them."""
    return {"metrics": metrics, "bucketAggs": buckets, **more}, {"aggregations": aggregations}


def at(*times: int, **inner: list[Plain]) -> Plain:
    """Buckets of time, each with one document and the metrics of these ids."""
    return {
        "buckets": [
            {"key": time, "doc_count": 1, **{identity.strip("_"): values[place] for identity, values in inner.items()}}
            for place, time in enumerate(times)
        ]
    }


def by_host(**inner: Plain) -> Plain:
    """Buckets of hosts, each with what is in it over time."""
    return {"2": {"buckets": [{"key": host, "3": found} for host, found in inner.items()]}}


# --- series ---------------------------------------------------------------------------------------------------------


def test_count_and_average_are_named_by_metric() -> None:
    metrics = [COUNT, {"type": "avg", "field": "value", "id": "2"}]
    found = series(*given(metrics, [OVER_TIME], {"3": at(1000, 2000, _2=[{"value": 88}, {"value": 99}])}))
    assert found == {"Count": [(1000, 1), (2000, 1)], "Average value": [(1000, 88), (2000, 99)]}


def test_one_metric_by_terms_is_named_by_them_alone() -> None:
    buckets = [{"key": "server1", "3": at(1000)}, {"key": 0, "3": at(1000)}]
    assert list(series(*given([COUNT], [HOSTS, OVER_TIME], {"2": {"buckets": buckets}}))) == ["server1", "0"]


def test_two_metrics_by_terms_are_named_by_both() -> None:
    metrics = [COUNT, {"type": "avg", "field": "@value", "id": "4"}]
    found = series(*given(metrics, [HOSTS, OVER_TIME], by_host(server1=at(1000, _4=[{"value": 10}]))))
    assert list(found) == ["server1 Count", "server1 Average @value"]


def test_terms_are_named_in_the_order_of_their_fields() -> None:
    zones = {**HOSTS, "field": "zone", "id": "1"}
    answer = {"1": {"buckets": [{"key": "eu", **by_host(server1=at(1000))}]}}
    assert list(series(*given([COUNT], [zones, HOSTS, OVER_TIME], answer))) == ["server1 eu"]


def test_percentiles_are_a_series_each() -> None:
    values = [{"values": {"90.0": 5.5, "75.0": 3.3}}, {"values": {"90.0": None, "75.0": "NaN"}}]
    slow = {"type": "percentiles", "field": "took", "id": "1"}
    found = series(*given([slow], [OVER_TIME], {"3": at(1000, 2000, _1=values)}))
    assert found == {"p75.0 took": [(1000, 3.3), (2000, None)], "p90.0 took": [(1000, 5.5), (2000, None)]}


def test_extended_statistics_are_those_that_are_chosen() -> None:
    chosen = {"max": True, "min": False, "std_deviation_bounds_upper": True, "std_deviation_bounds_lower": True}
    metric = {"type": "extended_stats", "id": "1", "field": "v", "meta": chosen}
    values = [{"max": 10.2, "min": 5.5, "std_deviation_bounds": {"upper": 3, "lower": -2}}]
    found = series(*given([metric], [OVER_TIME], {"3": at(1000, _1=values)}))
    assert found == {"Max v": [(1000, 10.2)], "Std Dev Lower v": [(1000, -2)], "Std Dev Upper v": [(1000, 3)]}


def test_an_alias_is_filled_in() -> None:
    alias = "{{term host}} {{metric}} of {{field}} and {{not_exist}} {{host}}{{term zone}}"
    metric = {"type": "max", "field": "v", "id": "1"}
    found = series(*given([metric], [HOSTS, OVER_TIME], by_host(server1=at(1000, _1=[{"value": 1}])), alias=alias))
    assert list(found) == ["server1 Max of v and {{not_exist}} server1"]


def test_filters_come_in_the_order_of_their_labels() -> None:
    filters = {"type": "filters", "id": "2", "settings": {"filters": [{"query": "b"}, {"query": "a"}]}}
    buckets = {"b": {"3": at(1000)}, "a": {"3": at(1000)}}
    assert list(series(*given([COUNT], [filters, OVER_TIME], {"2": {"buckets": buckets}}))) == ["a", "b"]


def test_a_hidden_metric_is_no_series_and_a_bucket_without_value_no_point() -> None:
    ratio = {"type": "bucket_script", "id": "2", "settings": {"script": "params.a * 2"}}
    ratio["pipelineVariables"] = [{"name": "a", "pipelineAgg": "1"}]
    over_time = at(1000, 2000)
    over_time["buckets"][1]["2"] = {"value": 0.5}
    found = series(*given([{**COUNT, "hide": True}, ratio], [OVER_TIME], {"3": over_time}))
    assert found == {"Count * 2": [(2000, 0.5)]}


def test_a_derivative_is_named_by_what_it_is_of_and_prefers_the_normal_unit() -> None:
    total = {"type": "sum", "field": "v", "id": "4", "hide": True}
    values = [{"value": 60.0, "normalized_value": 1.0}]
    metrics = [total, {"type": "derivative", "field": "4", "id": "5"}]
    assert series(*given(metrics, [OVER_TIME], {"3": at(1000, _5=values)})) == {"Derivative Sum v": [(1000, 1.0)]}


def test_top_metrics_without_a_value_is_an_error() -> None:
    metric = {"type": "top_metrics", "id": "1", "settings": {"metrics": ["v"]}}
    good = {"3": at(1000, _1=[{"top": [{"metrics": {"v": 2.0}}]}])}
    assert series(*given([metric], [OVER_TIME], good)) == {"Top Metrics v": [(1000, 2.0)]}
    with pytest.raises(GrafanaError):
        series(*given([metric], [OVER_TIME], {"3": at(1000, _1=[{"top": []}])}))


def test_edges_are_trimmed() -> None:
    trimmed = {**OVER_TIME, "settings": {"trimEdges": "1"}}
    assert series(*given([COUNT], [trimmed], {"3": at(1000, 2000, 3000)})) == {"Count": [(2000, 1)]}
    assert len(series(*given([COUNT], [trimmed], {"3": at(1000, 2000)}))["Count"]) == 2


def test_alerts_keep_the_labels() -> None:
    metric = {"type": "avg", "field": "v", "id": "4"}
    target, answer = given([metric], [HOSTS, OVER_TIME], by_host(server1=at(1000, _4=[{"value": 10}])))
    (frame,) = frames(target, answer, keep_labels=True)
    assert frame.fields[1].labels == {"host": "server1"}
    (frame,) = frames({**target, "alias": "x"}, answer, keep_labels=True)
    assert frame.fields[1].labels == {"host": "server1", "metricId": "4"}
    (frame,) = frames(target, answer)
    assert (frame.name, frame.fields[1].labels) == ("server1", {})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            {"reason": "all shards failed", "root_cause": [{"reason": "Failed to parse query [a:]"}]},
            "Failed to parse query",
        ),
        ({"caused_by": {"reason": "too many buckets"}}, "too many buckets"),
        ({}, "Unknown elasticsearch error response"),
        (
            {
                "root_cause": [{"reason": "runtime error"}],
                "failed_shards": [{"reason": {"reason": "runtime error", "caused_by": {"reason": "no field [a]"}}}],
            },
            r"^runtime error \(no field \[a\]\)$",
        ),
        (
            {"reason": "", "caused_by": {"reason": "runtime error", "caused_by": {"reason": "Cannot cast"}}},
            r"^runtime error \(Cannot cast\)$",
        ),
    ],
)
def test_an_error_is_told_by_its_root_cause(error: Plain, told: str) -> None:
    with pytest.raises(GrafanaError, match=told):
        frames({"metrics": [COUNT], "bucketAggs": [OVER_TIME]}, {"error": error})


# --- tables ---------------------------------------------------------------------------------------------------------


def rows(metrics: list[Plain], *buckets: Plain) -> Columns:
    """The table of hosts."""
    return table(*given(metrics, [HOSTS], {"2": {"buckets": list(buckets)}}))


def test_a_row_for_each_bucket_with_hidden_metrics_too() -> None:
    metrics = [{**COUNT, "hide": True}, {"type": "cardinality", "field": "user", "id": "4"}]
    found = rows(metrics, {"key": "a", "doc_count": 3, "4": {"value": 2}})
    assert found == {"host": ["a"], "Count": [3], "Unique Count": [2]}


def test_alike_metrics_are_named_by_their_fields_then_by_their_ids() -> None:
    fields = {"1": "v", "4": "w", "5": "w"}
    metrics = [{"type": "sum", "field": field, "id": identity} for identity, field in fields.items()]
    bucket = {"key": "a", "doc_count": 1, "1": {"value": 1}, "4": {"value": 2}, "5": {"value": 3}}
    assert rows(metrics, bucket) == {"host": ["a"], "Sum v": [1], "Sum w 4": [2], "Sum w 5": [3]}


def test_alike_scripts_are_named_by_their_formulas() -> None:
    scripts = {"4": "params.a", "5": "params.a * 2"}
    metrics = [{"type": "bucket_script", "id": each, "settings": {"script": scripts[each]}} for each in scripts]
    found = rows(metrics, {"key": "a", "doc_count": 1, "4": {"value": 1}})
    assert found == {"host": ["a"], "params.a": [1], "params.a * 2": [None]}


def test_a_percentile_of_nothing_is_0() -> None:
    slow = {"type": "percentiles", "field": "took", "id": "1"}
    found = rows([slow], {"key": "a", "doc_count": 1, "1": {"values": {"95.0": None}}})
    assert found == {"host": ["a"], "p95.0 took": [0]}


def test_of_extended_statistics_only_the_first_is_a_column() -> None:
    metric = {"type": "extended_stats", "id": "1", "field": "v", "meta": {"min": True, "max": True}}
    found = rows([metric], {"key": "a", "doc_count": 1, "1": {"max": 9, "min": 1}})
    assert found == {"host": ["a"], "Extended Stats": [9]}


def test_keys_are_numbers_within_and_text_without() -> None:
    inner = {"type": "histogram", "field": "took", "id": "4", "settings": {}}
    outer = [{"key": 1, "key_as_string": "true", "4": {"buckets": [{"key": 0.5, "doc_count": 2}]}}]
    found = table(*given([COUNT], [HOSTS, inner], {"2": {"buckets": outer}}))
    assert found == {"host": ["true"], "took": [0.5], "Count": [2]}


def test_columns_of_outer_buckets_come_in_the_order_of_their_names() -> None:
    buckets = [{**HOSTS, "field": "zone", "id": "1"}, HOSTS, {**HOSTS, "field": "model", "id": "4"}]
    innermost = {"buckets": [{"key": "small", "doc_count": 1}]}
    answer = {"1": {"buckets": [{"key": "eu", "2": {"buckets": [{"key": "a", "4": innermost}]}}]}}
    assert list(table(*given([COUNT], buckets, answer))) == ["host", "zone", "model", "Count"]


def test_an_outer_bucket_without_inner_ones_takes_the_earlier_rows_with_it() -> None:
    """So Grafana does; therefore a board asks for inner buckets with `missing`."""
    inner = {**HOSTS, "field": "model", "id": "4"}
    some, none = {"buckets": [{"key": "small", "doc_count": 1}]}, {"buckets": []}
    outer = [{"key": "a", "4": some}, {"key": "b", "4": none}, {"key": "c", "4": some}]
    found = table(*given([COUNT], [HOSTS, inner], {"2": {"buckets": outer}}))
    assert found == {"host": ["c"], "model": ["small"], "Count": [1]}


def test_filters_are_no_rows() -> None:
    filters = {"type": "filters", "id": "2", "settings": {"filters": [{"query": "a"}]}}
    assert table(*given([COUNT], [filters], {"2": {"buckets": {"a": {"doc_count": 3}}}})) == {}


def test_nested_buckets_are_looked_into() -> None:
    nested = {"type": "nested", "field": "steps", "id": "1"}
    answer = {"1": {"doc_count": 9, "2": {"buckets": [{"key": "a", "doc_count": 4}]}}}
    assert table(*given([COUNT], [nested, HOSTS], answer)) == {"host": ["a"], "Count": [4]}


# --- documents ------------------------------------------------------------------------------------------------------


def hits(*sources: Plain) -> Plain:
    """Documents of as many days."""
    return {
        "hits": {
            "hits": [
                {
                    "_id": str(place),
                    "_index": "i",
                    "_source": source,
                    "sort": [place],
                    "fields": {"@timestamp": [f"2026-01-0{place + 1}T00:00:00Z"]},
                }
                for place, source in enumerate(sources)
            ]
        }
    }


def test_leaves_go_by_their_dotted_names_behind_the_time() -> None:
    found = documents(hits({"a": {"b": 1, "c": {}}, "list": ["x"], "@timestamp": "1.5"}))
    assert next(iter(found)) == "@timestamp"
    assert {name: found[name] for name in ("@timestamp", "a.b", "a.c", "list", "_id", "sort")} == {
        "@timestamp": ["2026-01-01T00:00:00Z"],
        "a.b": [1],
        "a.c": [{}],
        "list": [["x"]],
        "_id": ["0"],
        "sort": [[0]],
    }


def test_a_column_is_of_its_first_values_kind() -> None:
    found = documents(hits({"v": 1}, {"v": "one", "w": True}))
    assert (found["v"], found["w"]) == ([1, None], [None, True])


def test_a_log_has_its_source_and_an_id() -> None:
    (frame,) = frames({"metrics": [{"type": "logs", "id": "1"}]}, hits({"a": {"b": 1}}))
    columns = {field.name: list(field.values) for field in frame.fields}
    assert (columns["_source"], columns["id"]) == (['{"a.b": 1}'], ["i#0"])


def test_no_document_is_no_column() -> None:
    assert documents({"hits": {"hits": []}}) == {}
