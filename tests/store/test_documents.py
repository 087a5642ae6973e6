"""Documents that the recorder can make, however odd: each is taken, kept as it was, and found by what is in it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store.writing import Write
from throughline import names
from throughline.store.mappings import CONTENT, DELIVERY_DELAY, searched_text


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = {"down": value}
    return value


def message(**part: Any) -> dict[str, Any]:
    return {names.INPUT_MESSAGES: [{"role": "assistant", "parts": [part]}]}


ODD_KEYS = {
    "": 1,
    " ": 2,
    ".": 3,
    "..": 4,
    "a.": 5,
    ".a": 6,
    "a..b": 7,
    "a.b.c": 8,
    "@timestamp": "never",
    "_id": 9,
    "*": 10,
}
RECORDED = ("record", "operation", "evaluation", "content", "audit", "rejected")
NASTY = {
    "arguments as text": message(type="tool_call", arguments='{"city": "Paris"}'),
    "arguments as object": message(type="tool_call", arguments={"city": "Paris"}),
    "arguments as list": message(type="tool_call", arguments=["Paris", {"city": 1}, None, 2.5, True]),
    "arguments as number": message(type="tool_call", arguments=3),
    "odd keys": message(type="tool_call", arguments=ODD_KEYS),
    "deep": message(type="tool_call", arguments=nested(300)),
    "content as object": message(type="text", content={"text": "x"}),
    "content as lists of lists": message(type="text", content=[[["x"]], [1, [{"a": [[]]}]]]),
    "part without a shape": {names.INPUT_MESSAGES: [{"role": "user", "parts": ["text", 1, None]}]},
    "messages as text": {names.INPUT_MESSAGES: "just text", names.OUTPUT_MESSAGES: ""},
    "messages as text in a list": {names.INPUT_MESSAGES: ["one", {"role": {"name": "user"}}]},
    "a huge word": message(type="text", content="x" * 1_000_000),
    "huge ids": {names.USER_ID: "u" * 100_000, names.ERROR_TYPE: "é" * 40_000, names.REQUEST_MODEL: "m" * 32_767},
    "text where a number belongs": {names.USAGE_INPUT_TOKENS: "many", names.DURATION: "long", names.KEEP: "perhaps"},
    "object where a value belongs": {names.USAGE_INPUT_TOKENS: {"a": 1}, names.USER_ID: {"a": {"": 1}}, names.KEEP: {}},
    "number too large": {names.USAGE_INPUT_TOKENS: 10**30, names.REQUEST_SEED: -(10**30), names.DURATION: 1e308},
    "fraction where an integer belongs": {names.USAGE_INPUT_TOKENS: 1.75},
    "a name that is another's namespace": {"user": "x", "gen_ai": 1, "gen_ai.request": {"model": 2}, "error": None},
    "unknown attributes": {f"customer.{number}.x": {"y": number} for number in range(2000)},
    "control characters": message(type="text", content="\u0000\u0001\ud7ff\uffff\t\r\n"),
    "tool definitions": {
        names.TOOL_DEFINITIONS: [{"name": "f", "parameters": {"properties": {"type": {"type": "x"}}}}]
    },
    "documents": {names.RETRIEVAL_DOCUMENTS: [{"id": 3, "score": "high", "metadata": {"": [{}]}}]},
    "system instructions": {
        names.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "x"}, {"type": "odd", "data": [{}]}]
    },
    "nothing": {},
}


@pytest.mark.parametrize("kind", [*(f"logs-genai.{kind}" for kind in RECORDED), "logs-generic", "traces-generic"])
def test_everything_is_taken_and_kept(client: Elasticsearch, write: Write, kind: str, namespace: str) -> None:
    taken = NASTY if "genai" in kind else {name: NASTY[name] for name in NASTY if is_flat(NASTY[name])}
    assert write(f"{kind}.otel-{namespace}", taken) == {}
    hits = client.search(index=f"{kind}.otel-{namespace}", size=100)["hits"]["hits"]
    assert {hit["_id"]: hit["_source"]["attributes"] for hit in hits} == taken


def is_flat(attributes: dict[str, Any]) -> bool:
    """Whether a span or any other log could have them too: structured content is the records' alone."""
    return not any(isinstance(value, list) for value in attributes.values()) and len(attributes) < 1000


@pytest.mark.parametrize("order", [("number", "text"), ("text", "number"), ("text", "object"), ("object", "text")])
def test_an_unknown_attribute_of_a_span_may_change_its_type(
    write: Write, namespace: str, order: tuple[str, ...]
) -> None:
    values: dict[str, Any] = {"number": 1, "text": "one", "object": {"one": 1}}
    assert write(f"traces-generic.otel-{namespace}", {kind: {"shop.basket": values[kind]} for kind in order}) == {}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=10, max_size=40))
def test_no_tool_call_whatsoever_is_rejected(contents: str, write: Write, values: list[Any]) -> None:
    calls = {
        uuid.uuid4().hex: message(type="tool_call", arguments=each, response=each, content=each) for each in values
    }
    assert write(contents, calls) == {}


def found(client: Elasticsearch, stream: str, text: str) -> set[str]:
    query = {"multi_match": {"query": text, "fields": searched_text(CONTENT), "type": "phrase"}}
    return {hit["_id"] for hit in client.search(index=stream, query=query, size=100)["hits"]["hits"]}


def test_a_word_in_the_middle_of_a_long_prompt_finds_it(client: Elasticsearch, contents: str, write: Write) -> None:
    filler = "lorem ipsum dolor sit amet " * 1000
    prompts = {"with": f"{filler}the heliotrope needle {filler}", "without": filler * 2}
    write(contents, {name: message(type="text", content=prompt) for name, prompt in prompts.items()})
    assert len(filler) > 25_000
    assert found(client, contents, "heliotrope needle") == {"with"}


def test_text_is_found_wherever_it_stands(client: Elasticsearch, contents: str, write: Write) -> None:
    places: dict[str, dict[str, Any]] = {
        "answer": {
            names.OUTPUT_MESSAGES: [{"role": "assistant", "parts": [{"type": "text", "content": "a heliotrope"}]}]
        },
        "later part": {names.OUTPUT_MESSAGES: [{"parts": [{}]}, {"parts": [{"type": "x"}, {"content": "heliotrope"}]}]},
        "instructions": {names.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "Be a heliotrope."}]},
        "query": {names.RETRIEVAL_QUERY_TEXT: "which heliotrope"},
        "passage": {names.RETRIEVAL_DOCUMENTS: [{"id": "1", "content": "on the heliotrope"}]},
        "tool": {names.TOOL_DEFINITIONS: [{"name": "f", "description": "Plants a heliotrope."}]},
        "arguments": message(type="tool_call", arguments='{"plant": "heliotrope"}'),
        "response": message(type="tool_call_response", response="heliotrope planted"),
        "serialised": {names.INPUT_MESSAGES: '[{"role": "user", "parts": [{"content": "heliotrope"}]}]'},
        "exception": {names.EXCEPTION_MESSAGE: "no heliotrope"},
    }
    write(contents, {**places, "elsewhere": message(type="text", content="heliotropes")})
    assert found(client, contents, "Heliotrope") == places.keys()


def test_identities_are_counted_and_latencies_computed(client: Elasticsearch, records: str, write: Write) -> None:
    write(
        records,
        {
            f"{n}": {names.USER_ID: f"user-{n % 3}", names.DURATION: n / 10, names.USAGE_INPUT_TOKENS: n}
            for n in range(1, 11)
        },
    )
    aggregations: dict[str, dict[str, Any]] = {
        "users": {"terms": {"field": f"attributes.{names.USER_ID}", "order": {"_key": "asc"}}},
        "latency": {"percentiles": {"field": f"attributes.{names.DURATION}", "percents": [50]}},
        "tokens": {"sum": {"field": f"attributes.{names.USAGE_INPUT_TOKENS}"}},
    }
    answer = client.search(index=records, size=0, aggs=aggregations)["aggregations"]
    assert [(each["key"], each["doc_count"]) for each in answer["users"]["buckets"]] == [
        ("user-0", 3),
        ("user-1", 4),
        ("user-2", 3),
    ]
    assert answer["latency"]["values"]["50.0"] == pytest.approx(0.55)
    assert answer["tokens"]["value"] == 55


def test_the_exact_start_and_its_nanoseconds_are_kept(client: Elasticsearch, records: str, write: Write) -> None:
    write(records, {"one": {names.START_TIME_UNIX_NANO: 1_795_433_146_820_898_477}})
    field = f"attributes.{names.START_TIME_UNIX_NANO}"
    answer = client.search(
        index=records, fields=[{"field": field}, {"field": "@timestamp", "format": "strict_date_optional_time_nanos"}]
    )
    fields = answer["hits"]["hits"][0]["fields"]
    assert fields[field] == [1_795_433_146_820_898_477]
    assert fields["@timestamp"][0].endswith(":46.99099904Z")


def test_thousands_of_attribute_names_do_not_explode_the_mapping(
    client: Elasticsearch, write: Write, namespace: str
) -> None:
    stream = f"traces-generic.otel-{namespace}"
    many = {f"customer.{number}": "x" for number in range(1500)}
    assert write(stream, {"many": many, "late": {names.USER_ID: "late"}}) == {}
    fields = client.field_caps(index=stream, fields="attributes.customer.*")["fields"]
    assert 100 < len(fields) < 1000
    assert client.count(index=stream, query={"term": {f"attributes.{names.USER_ID}": "late"}})["count"] == 1


def test_points_of_every_metric_type_are_taken_and_summed(client: Elasticsearch, namespace: str) -> None:
    points = [
        ("histogram", "calls.duration", {"values": [0.1, 2.5], "counts": [1, 3]}),
        ("histogram", "calls.duration", {"values": [0.1], "counts": [2]}),
        ("histogram", "calls.duration", {"values": [], "counts": []}),
        ("summary", "calls.summary", {"sum": 1.5, "value_count": 3}),
        ("counter_long", "calls", 3),
        ("counter_double", "calls.cost", 0.5),
        ("gauge_long", "queue.size", 1),
        ("gauge_double", "queue", 0.0),
    ]
    operations: list[dict[str, Any]] = []
    for kind, name, value in points:
        operations.append({"create": {"dynamic_templates": {f"metrics.{name}": kind}}})
        operations.append({"@timestamp": 1795433146990, "attributes": {"status": "ok"}, "metrics": {name: value}})
    answer = client.bulk(index=f"metrics-generic.otel-{namespace}", operations=operations, refresh=True)
    assert [item for item in answer["items"] if "error" in item["create"]] == []
    sums = {name: {"sum": {"field": f"metrics.{name}"}} for name in ("calls", "calls.cost", "calls.duration.counts")}
    totals = client.search(index=f"metrics-generic.otel-{namespace}", size=0, aggs=sums)["aggregations"]
    assert {name: totals[name]["value"] for name in sums} == {"calls": 3, "calls.cost": 0.5, "calls.duration.counts": 6}


def test_a_prompt_of_twenty_megabytes_is_taken(client: Elasticsearch, contents: str, write: Write) -> None:
    prompt = "lorem ipsum dolor sit amet " * 780_000
    assert len(prompt) > 20 * 2**20
    assert write(contents, {"large": message(type="text", content=f"{prompt} heliotrope {prompt[:1000]}")}) == {}
    assert found(client, contents, "heliotrope") == {"large"}


def test_how_long_a_record_took_is_computed_from_its_two_times(client: Elasticsearch, records: str) -> None:
    """In seconds; where one of the two is not known, it is not."""
    times = {
        "quick": ("1795433146990.000500", "1795433147240.000500"),
        "slow": ("1795433146990.0", "1795436746990.0"),
        "never delivered": ("1795433146990.0", None),
    }
    for identity, (made, delivered) in times.items():
        document = {"@timestamp": made, **({"observed_timestamp": delivered} if delivered else {}), "attributes": {}}
        client.create(index=records, id=identity, document=document, refresh=True)
    hits = client.search(index=records, fields=[DELIVERY_DELAY], source=False)["hits"]["hits"]
    assert {hit["_id"]: hit.get("fields", {}).get(DELIVERY_DELAY) for hit in hits} == {
        "quick": [0.25],
        "slow": [3600.0],
        "never delivered": None,
    }
    figures = {"delay": {"percentiles": {"field": DELIVERY_DELAY, "percents": [50]}}}
    answer = client.search(index=records, size=0, aggs=figures)["aggregations"]
    assert answer["delay"]["values"]["50.0"] == pytest.approx(1800.125)
