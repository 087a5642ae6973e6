"""A panel's query becomes the search that Grafana's data source posts, as Grafana's own tests and code state it."""

from __future__ import annotations

from typing import Any

import pytest
from preview.datasource import Moment
from preview.frames import GrafanaError, UntranslatedError
from preview.searches import duration

Plain = dict[str, Any]
MOMENT = Moment(1_526_406_600_000, 1_526_406_900_000, 15_000)
OVER_TIME = {"type": "date_histogram", "field": "@timestamp", "id": "3", "settings": {}}
HOSTS = {"type": "terms", "field": "host", "id": "2", "settings": {}}
COUNT = {"type": "count", "id": "1"}


def asked(metrics: list[Plain], *buckets: Plain) -> Plain:
    """The aggregations of a query's search."""
    return dict(MOMENT.search({"metrics": metrics, "bucketAggs": list(buckets), "query": ""})["aggs"])


def over_time(**settings: Any) -> Plain:
    """The histogram over time that is asked for with these settings."""
    return dict(asked([COUNT], {**OVER_TIME, "settings": settings})["3"]["date_histogram"])


def test_time_and_query_are_filters() -> None:
    body = MOMENT.search({"metrics": [COUNT], "bucketAggs": [OVER_TIME], "query": "a:b"})
    time = {"gte": MOMENT.start, "lte": MOMENT.end, "format": "epoch_millis"}
    query = {"query": "a:b", "analyze_wildcard": True}
    assert body["size"] == 0
    assert body["query"] == {"bool": {"filter": [{"range": {"@timestamp": time}}, {"query_string": query}]}}


def test_a_histogram_over_time_has_the_panels_interval_and_all_of_the_time() -> None:
    assert asked([COUNT], OVER_TIME) == {
        "3": {
            "date_histogram": {
                "field": "@timestamp",
                "fixed_interval": "15000ms",
                "min_doc_count": 0,
                "extended_bounds": {"min": MOMENT.start, "max": MOMENT.end},
                "format": "epoch_millis",
            }
        }
    }


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("auto", {"fixed_interval": "15000ms"}),
        ("5m", {"fixed_interval": "5m"}),
        ("$__interval", {"fixed_interval": "15s"}),
        ("1M", {"calendar_interval": "1M"}),
    ],
)
def test_intervals(interval: str, expected: Plain) -> None:
    found = over_time(interval=interval)
    assert {name: found[name] for name in found if name.endswith("_interval")} == expected


def test_further_settings_of_a_histogram_over_time() -> None:
    found = over_time(min_doc_count="1", offset="8h", timeZone="Europe/Berlin", missing=None)
    assert (found["min_doc_count"], found["offset"], found["time_zone"]) == (1, "8h", "Europe/Berlin")
    assert "missing" not in found
    assert "time_zone" not in over_time(timeZone="utc")


@pytest.mark.parametrize(("size", "expected"), [("5", 5), ("0", 500), (None, 500), ("many", 500)])
def test_size_of_terms(size: str | None, expected: int) -> None:
    found = asked([COUNT], {**HOSTS, "settings": {"size": size}}, OVER_TIME)["2"]["terms"]
    assert found == {"field": "host", "size": expected, "order": {}}


@pytest.mark.parametrize(
    ("by", "expected"), [("_term", "_key"), ("_key", "_key"), ("_count", "_count"), ("1", "_count")]
)
def test_order_of_terms(by: str, expected: str) -> None:
    found = asked([COUNT], {**HOSTS, "settings": {"orderBy": by, "order": "asc"}}, OVER_TIME)["2"]
    assert found["terms"]["order"] == {expected: "asc"}
    assert set(found["aggs"]) == {"3"}


SLOW = {"type": "percentiles", "field": "took", "id": "5", "settings": {"percents": ["95"]}}


def test_terms_by_a_metric_carry_it_without_its_settings() -> None:
    found = asked([SLOW], {**HOSTS, "settings": {"orderBy": "5[95.0]"}}, OVER_TIME)["2"]
    assert found["terms"]["order"] == {"5[95.0]": "desc"}
    assert found["aggs"]["5"] == {"percentiles": {"field": "took"}}
    assert found["aggs"]["3"]["aggs"]["5"] == {"percentiles": {"field": "took", "percents": ["95"]}}


def test_terms_by_a_metric_at_the_same_level_keep_its_settings() -> None:
    found = asked([SLOW], {**HOSTS, "settings": {"orderBy": "5[95.0]"}})["2"]
    assert found["aggs"] == {"5": {"percentiles": {"field": "took", "percents": ["95"]}}}


def test_terms_have_their_least_count_and_what_stands_for_none() -> None:
    found = asked([COUNT], {**HOSTS, "settings": {"min_doc_count": "1", "missing": "(none)"}})["2"]["terms"]
    assert (found["min_doc_count"], found["missing"]) == (1, "(none)")


def test_filters_go_by_their_label_or_query() -> None:
    filters = [{"query": "a:1", "label": "one"}, {"query": "a:2", "label": ""}]
    found = asked([COUNT], {"type": "filters", "id": "2", "settings": {"filters": filters}}, OVER_TIME)["2"]
    queries = {name: each["query_string"]["query"] for name, each in found["filters"]["filters"].items()}
    assert queries == {"one": "a:1", "a:2": "a:2"}
    assert set(found["aggs"]) == {"3"}


def test_no_filter_is_no_bucket() -> None:
    assert set(asked([COUNT], {"type": "filters", "id": "2", "settings": {"filters": []}}, OVER_TIME)) == {"3"}


def test_histogram_and_nested() -> None:
    settings = {"interval": "0.5", "min_doc_count": "1"}
    widths = {"type": "histogram", "field": "took", "id": "4", "settings": settings}
    found = asked([COUNT], {"type": "nested", "field": "steps", "id": "2"}, widths)["2"]
    assert found["nested"] == {"path": "steps"}
    assert found["aggs"]["4"] == {"histogram": {"field": "took", "interval": 0.5, "min_doc_count": 1}}


METRICS: list[tuple[Plain, Plain]] = [
    ({"type": "avg", "field": "v"}, {"avg": {"field": "v"}}),
    ({"type": "avg", "settings": {"script": "1", "missing": "null"}}, {"avg": {"script": "1"}}),
    (
        {"type": "cardinality", "field": "v", "settings": {"precision_threshold": "9"}},
        {"cardinality": {"field": "v", "precision_threshold": "9"}},
    ),
    (
        {"type": "top_metrics", "settings": {"metrics": ["v", "w"], "order": "desc", "orderBy": "t"}},
        {"top_metrics": {"size": "1", "metrics": [{"field": "v"}, {"field": "w"}], "sort": [{"t": "desc"}]}},
    ),
    ({"type": "derivative", "field": "1"}, {"derivative": {"buckets_path": "_count"}}),
    (
        {"type": "derivative", "field": "4", "settings": {"unit": "1s"}},
        {"derivative": {"buckets_path": "4", "unit": "1s"}},
    ),
    ({"type": "cumulative_sum", "pipelineAgg": "4"}, {"cumulative_sum": {"buckets_path": "4"}}),
    (
        {
            "type": "bucket_script",
            "pipelineVariables": [{"name": "a", "pipelineAgg": "1"}, {"name": "b", "pipelineAgg": "4"}],
            "settings": {"script": "params.a / params.b * $__interval_ms"},
        },
        {"bucket_script": {"buckets_path": {"a": "_count", "b": "4"}, "script": "params.a / params.b * 15000"}},
    ),
]


@pytest.mark.parametrize(("metric", "expected"), METRICS)
def test_metrics(metric: Plain, expected: Plain) -> None:
    total = {"type": "sum", "field": "v", "id": "4"}
    found = asked([COUNT, total, {**metric, "id": "9"}], OVER_TIME)["3"]["aggs"]
    assert found == {"4": {"sum": {"field": "v"}}, "9": expected}


def test_a_pipeline_of_nothing_is_left_out() -> None:
    assert "aggs" not in asked([{"type": "derivative", "field": "7", "id": "9"}], OVER_TIME)["3"]


def test_documents() -> None:
    body = MOMENT.search({"metrics": [{"type": "raw_data", "id": "1", "settings": {"size": "7"}}], "query": "*"})
    assert "aggs" not in body
    assert body["size"] == 7
    assert body["sort"] == {"@timestamp": {"order": "desc", "unmapped_type": "boolean"}, "_doc": {"order": "desc"}}
    assert body["fields"] == [{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]


def test_logs_are_counted_over_time_besides() -> None:
    body = MOMENT.search({"metrics": [{"type": "logs", "id": "1", "settings": {"limit": "3"}}], "query": "*"})
    assert (body["size"], body["highlight"]["fields"]) == (3, {"*": {}})
    assert body["aggs"]["1"]["date_histogram"]["fixed_interval"] == "15000ms"


def test_without_buckets_there_is_no_metric() -> None:
    with pytest.raises(GrafanaError, match="missing metrics and aggregations"):
        MOMENT.search({"metrics": [COUNT], "bucketAggs": [], "query": ""})


@pytest.mark.parametrize(
    ("metric", "bucket"),
    [(COUNT, {"type": "geohash_grid", "field": "place", "id": "2"}), ({"type": "new", "id": "1"}, OVER_TIME)],
)
def test_what_is_not_translated_fails(metric: Plain, bucket: Plain) -> None:
    with pytest.raises(UntranslatedError):
        asked([metric], bucket)


@pytest.mark.parametrize(
    ("interval", "expected"), [(500, "500ms"), (15_000, "15s"), (90_000, "1m30s"), (3_600_000, "1h0m0s")]
)
def test_durations_are_written_as_go_does(interval: int, expected: str) -> None:
    assert duration(interval) == expected
