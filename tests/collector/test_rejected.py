"""Documents that Elasticsearch refuses: real ones are kept as text under their ids, and their neighbours arrive."""

from __future__ import annotations

import json
from typing import Any

import pytest
from collector import otlp
from collector.conftest import Run
from collector.running import CAPTURE, Collector, eventually, fetch
from collector.test_elasticsearch import PROMPTLY, RECORDS, found, name_of_a_test

REJECTED = "logs-genai.rejected.otel-default"
DEEPEST = 200
ABYSS = "an abyss"
BEYOND_2262 = str(2**63)


def nested(levels: int) -> Any:
    value: Any = "bottom"
    for level in range(levels):
        value = [value] if level % 2 else {"down": value}
    return value


def message(text: str, **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"type": "text", "content": text, **more}]}]


def number(name: str) -> dict[str, Any]:
    """NaN as OTLP/JSON writes it."""
    return {"key": name, "value": {"doubleValue": "NaN"}}


def unnamed(item: otlp.Plain) -> None:
    item["attributes"] += otlp.attributes({"": "x"})


def blank(item: otlp.Plain) -> None:
    item["attributes"] += otlp.attributes({" \t\u2003": "x"})


def no_number(item: otlp.Plain) -> None:
    item["attributes"].append(number("gen_ai.request.temperature"))


def no_number_inside(item: otlp.Plain) -> None:
    item["attributes"].append({"key": "gen_ai.memory.records", "value": {"kvlistValue": {"values": [number("score")]}}})


def no_number_in_the_body(item: otlp.Plain) -> None:
    item["body"] = {"kvlistValue": {"values": [number("score")]}}


def late(item: otlp.Plain) -> None:
    item["timeUnixNano"] = BEYOND_2262


def deep(item: otlp.Plain) -> None:
    item["attributes"] += otlp.attributes({"gen_ai.tool.call.arguments": ABYSS})


def with_abyss(body: bytes) -> bytes:
    """The body with lists in lists, by which Elasticsearch ends, in place of the word; Python ends before that."""
    word = json.dumps(otlp.wrap(ABYSS))
    lists = '{"arrayValue": {"values": [' * 900 + '{"stringValue": "bottom"}' + "]}}" * 900
    assert word in body.decode()
    return body.decode().replace(word, lists).encode()


def just_too_deep(item: otlp.Plain) -> None:
    item["attributes"] += otlp.attributes({"gen_ai.tool.call.arguments": nested(DEEPEST + 1)})


FAULTS = {
    fault.__name__: (fault, reason)
    for fault, reason in (
        (unnamed, "an attribute without a name"),
        (blank, "an attribute without a name"),
        (no_number, "a number that is none"),
        (no_number_inside, "a number that is none"),
        (no_number_in_the_body, "a number that is none"),
        (late, "a time after 2262"),
        (deep, f"nested deeper than {DEEPEST}"),
        (just_too_deep, f"nested deeper than {DEEPEST}"),
    )
}


def test_what_elasticsearch_refuses_is_kept_as_text_and_its_neighbours_arrive(run: Run, elasticsearch: str) -> None:
    """All faults in one request, a good record before and behind: nothing is lost, refused or out of sight."""
    name = name_of_a_test()
    items = {}
    for fault, (spoil, _) in FAULTS.items():
        identity = f"{name}-{fault}"
        items[identity] = otlp.record(identity, gen_ai__input__messages=message(name))
        spoil(items[identity])
    good = [f"{name}-{place}" for place in ("first", "last")]
    first, last = (otlp.record(each, session__id=name, gen_ai__input__messages=message(name)) for each in good)
    with run(ELASTICSEARCH_URL=elasticsearch, **PROMPTLY) as collector:
        assert collector.send("logs", with_abyss(otlp.records(first, *items.values(), last))) == 200
        phrase = {"match_phrase": {"attributes.throughline.rejected.document": name}}
        kept = eventually(lambda: at_least(len(items), found(elasticsearch, REJECTED, phrase)), "the rejected ones")
        term = {"term": {"attributes.session.id": name}}
        records = eventually(lambda: at_least(2, found(elasticsearch, RECORDS, term)), "the good ones")
        failures = collector.metric("otelcol_elasticsearch_docs_processed_total", outcome="failed_client")
    assert failures is None
    assert {hit["_id"] for hit in kept} == items.keys()
    assert {hit["_id"] for hit in records} == set(good)
    for hit in kept:
        attributes = hit["_source"]["attributes"]
        assert attributes["throughline.rejected.reason"] == FAULTS[hit["_id"].rpartition("-")[2]][1]
        assert attributes.keys() == {
            "throughline.record.id", "throughline.rejected.reason", "throughline.rejected.document"
        }  # fmt: skip
        assert f"gen_ai.input.messages.0.parts.0.content={name}" in attributes["throughline.rejected.document"]


def at_least(count: int, hits: list[dict[str, Any]]) -> list[dict[str, Any]] | None:
    return hits if len(hits) >= count else None


def test_the_refused_is_really_refused(elasticsearch: str) -> None:
    """The same faults, sent past the Collector: should Elasticsearch take one some day, its rule can go."""
    name = name_of_a_test()
    documents = {
        "unnamed": {"attributes": {"": 1}},
        "blank": {"attributes": {" \t\u2003": 1}},
        "late": {"@timestamp": "9223372036854.775808"},
        "good": {"attributes": {"unknown": {"": {" ": 1, "..": nested(DEEPEST)}}, ".": 1, "..": 2, "n" * 40_000: 3}},
    }
    lines = [
        json.dumps(line)
        for identity, document in documents.items()
        for line in ({"create": {"_id": f"{name}-{identity}"}}, {"@timestamp": "1.0", **document})
    ]
    lines += [json.dumps({"create": {"_id": f"{name}-number"}}), '{"@timestamp": "1.0", "attributes": {"x":}}']
    body = "\n".join([*lines, ""]).encode()
    status, text = fetch(f"{elasticsearch}/{RECORDS}/_bulk", body, "application/x-ndjson")
    answers = [item["create"] for item in json.loads(text)["items"]]
    assert status == 200
    assert {answer["_id"].rpartition("-")[2] for answer in answers if "error" in answer} == {
        "unnamed", "blank", "late", "number"
    }  # fmt: skip


def test_what_fits_is_left_as_it_is(run: Run) -> None:
    """Near misses: names of dots, the last moment of 2262, as deep as may be; and nobody can pose as rejected."""
    item = otlp.record("fits", gen_ai__tool__call__arguments=nested(DEEPEST - 1))
    item["attributes"] += otlp.attributes({".": "x", "a..b": "x", "\u200b": "x", "throughline.rejected.reason": "x"})
    item["timeUnixNano"] = str(2**63 - 1)
    with run(overlays=(CAPTURE,)) as collector:
        assert collector.send("logs", otlp.records(item)) == 200
        (record,) = eventually(lambda: list(otlp.flat(collector.captured("records"))), "the record")
        (content,) = eventually(lambda: list(otlp.flat(collector.captured("content"))), "its content")
    assert record["timeUnixNano"] == str(2**63 - 1)
    assert record["attributes"].keys() == {
        "throughline.record.id", ".", "a..b", "\u200b", "data_stream.dataset", "elasticsearch.document_id"
    }  # fmt: skip
    assert content["attributes"]["gen_ai.tool.call.arguments"] == nested(DEEPEST - 1)


def test_a_process_of_odd_resources_is_heard(run: Run) -> None:
    """Of a resource that cannot be written the service's name remains, and its logs are as good as others."""
    body = json.loads(otlp.records(otlp.record("r-1")))
    resource = body["resourceLogs"][0]["resource"]
    resource["attributes"] += [number("host.load"), *otlp.attributes({" ": "x"})]
    body["resourceLogs"][0]["scopeLogs"][0]["scope"]["attributes"] = [number("x")]
    with run(overlays=(CAPTURE,)) as collector:
        assert collector.send("logs", json.dumps(body).encode()) == 200
        (record,) = eventually(lambda: list(otlp.flat(collector.captured("records"))), "the record")
    assert record["resource"] == {"service.name": "tested"}
    assert record["scope"] == {}
    assert record["attributes"]["data_stream.dataset"] == "genai.record"


@pytest.mark.parametrize("identity", ["", "x" * 513, "two\nlines", 7])
def test_an_id_that_cannot_be_one_does_not_stop_the_others(run: Run, elasticsearch: str, identity: object) -> None:
    """A bulk request with such an id is refused as a whole, for ever; so the record is given another."""
    name = name_of_a_test()
    odd, good = otlp.record("", session__id=name), otlp.record(name, session__id=name)
    odd["attributes"] = otlp.attributes({"throughline.record.id": identity, "session.id": name})
    with run(ELASTICSEARCH_URL=elasticsearch, **PROMPTLY) as collector:
        assert collector.send("logs", otlp.records(odd, good)) == 200
        term = {"term": {"attributes.session.id": name}}
        records = eventually(lambda: at_least(2, found(elasticsearch, RECORDS, term)), "both")
    assert sorted(hit["_source"]["attributes"]["throughline.record.id"] == identity for hit in records) == [False, True]
    assert name in {hit["_id"] for hit in records}


def test_a_spoilt_span_arrives_with_its_attributes_as_text(run: Run) -> None:
    """One that is nested too deep would bring Elasticsearch down, one with a number that is none would be lost."""
    trace = f"{7:032x}"
    spans = [otlp.span(trace, place, failed=True, user__id="ada") for place in (1, 2, 3)]
    deep(spans[1])
    no_number(spans[2])
    with run(overlays=(CAPTURE,), DECISION_WAIT_AFTER_ROOT="1s") as collector:
        assert collector.send("traces", with_abyss(otlp.spans(*spans))) == 200
        eventually(lambda: len(_spans(collector)) == 3, "the spans")
        good, *spoilt = sorted(_spans(collector), key=lambda span: str(span["spanId"]))
    assert good["attributes"]["user.id"] == "ada"
    assert [each["attributes"]["throughline.rejected.reason"] for each in spoilt] == [
        f"nested deeper than {DEEPEST}", "a number that is none"
    ]  # fmt: skip
    assert all("user.id=ada" in each["attributes"]["throughline.rejected.document"] for each in spoilt)
    assert all("gen_ai.request.temperature" not in each["attributes"] for each in spoilt)


def _spans(collector: Collector) -> list[otlp.Plain]:
    return list(otlp.flat(collector.captured("traces")))


def test_rejected_ones_hold_no_content_elsewhere(run: Run) -> None:
    """Not among the contents, not in the log, and masked as all else is."""
    item = otlp.record("r-1", gen_ai__input__messages=message("canary jane@example.org"))
    unnamed(item)
    with run(overlays=(CAPTURE,)) as collector:
        assert collector.send("logs", otlp.records(item)) == 200
        (record,) = eventually(lambda: list(otlp.flat(collector.captured("records"))), "the record")
        assert "canary" not in collector.log
    assert collector.captured("content") == []
    assert "canary ****" in record["attributes"]["throughline.rejected.document"]
