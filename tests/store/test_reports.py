"""Reports as boards and commands read them again, and as the Collector would have written them; by whom they may be."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from store.arriving import arrived
from store.sending import Send
from throughline import names
from throughline.store import reports
from throughline.store.reports import NotPublishedError, Report, may_publish, newest, publish

MOMENT = datetime(2026, 11, 20, 10, 0, 0, 123457, tzinfo=UTC)


def verified(chain: str, state: str, **other: Any) -> Report:
    return Report(names.VERIFICATION, {names.CHAIN_ID: chain, names.VERIFICATION_STATE: state, **other}, "llm-caller")


def stored(client: Elasticsearch, chain: str) -> list[dict[str, Any]]:
    client.indices.refresh(index=reports.STREAM)
    found = client.search(
        index=reports.STREAM,
        query={"term": {f"attributes.{names.CHAIN_ID}": chain}},
        sort=["@timestamp"],
        fields=[{"field": "@timestamp", "format": "strict_date_optional_time_nanos"}],
    )
    return list(found["hits"]["hits"])


@pytest.fixture
def chain() -> str:
    return uuid.uuid4().hex


def test_a_report_is_stored_with_its_moment_and_without_what_is_absent(client: Elasticsearch, chain: str) -> None:
    found = ["altered:2", "removed:1"]
    one = verified(chain, "broken", **{names.VERIFICATION_FINDINGS: found, names.VERIFICATION_PROVEN: None})
    assert publish(client, [one], MOMENT) == 1
    [hit] = stored(client, chain)
    assert hit["fields"]["@timestamp"] == ["2026-11-20T10:00:00.123457Z"]
    assert hit["_source"]["event_name"] == "throughline.verification"
    assert hit["_source"]["resource"] == {"attributes": {"service.name": "llm-caller"}}
    assert hit["_source"]["attributes"] == {
        "throughline.chain.id": chain,
        "throughline.verification.state": "broken",
        "throughline.verification.findings": found,
    }


def test_the_same_of_the_same_moment_is_there_once(client: Elasticsearch, chain: str) -> None:
    one, later = verified(chain, "sound"), MOMENT + timedelta(minutes=1)
    for moment in (MOMENT, MOMENT, later):
        publish(client, [one, one], moment)
    assert len(stored(client, chain)) == 2


def test_more_than_one_request_takes_are_written(
    client: Elasticsearch, chain: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "_AT_ONCE", 2)
    each = (verified(chain, "sound", **{names.VERIFICATION_RECORDS: number}) for number in range(5))
    assert publish(client, each, MOMENT) == 5
    assert len(stored(client, chain)) == 5


def test_the_newest_of_each_subject_is_told_latest_first(client: Elasticsearch, chain: str) -> None:
    other = uuid.uuid4().hex
    publish(client, [verified(chain, "broken"), verified(other, "proven")], MOMENT + timedelta(days=700))
    publish(client, [verified(chain, "sound")], MOMENT + timedelta(days=701))
    publish(client, [Report(names.STORAGE, {names.CHAIN_ID: chain})], MOMENT + timedelta(days=702))
    client.indices.refresh(index=reports.STREAM)
    found = [each["attributes"] for each in newest(client, names.VERIFICATION, names.CHAIN_ID)][:2]
    states = [(each[names.CHAIN_ID], each[names.VERIFICATION_STATE]) for each in found]
    assert states == [(chain, "sound"), (other, "proven")]


def test_nothing_published_is_no_report(client: Elasticsearch) -> None:
    assert list(newest(client, "throughline.nothing", names.CHAIN_ID)) == []
    assert publish(client, []) == 0


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"throughline.verification.sate": "sound"}, "throughline.verification.sate"),
        ({names.INPUT_MESSAGES: "what was said"}, "gen_ai.input.messages"),
        ({names.COMPARISON_EFFECT: float("nan")}, "throughline.comparison.effect"),
    ],
)
def test_what_the_store_does_not_know_or_may_not_have_is_refused(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said) as error:
        Report(names.COMPARISON, attributes)
    assert "what was said" not in str(error.value)


def test_a_refusal_is_raised_with_its_reason(
    client: Elasticsearch, chain: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here of a stream that nobody may write to."""
    stream = f"logs-genai.report.otel-{namespace}"
    monkeypatch.setattr(reports, "STREAM", stream)
    assert publish(client, [verified(chain, "sound")], MOMENT) == 1
    client.indices.put_settings(index=stream, settings={"index.blocks.write": True})
    with pytest.raises(NotPublishedError, match="1 reports: HTTP 403 cluster_block_exception"):
        publish(client, [verified(chain, "sound")])


def test_where_nobody_is_asked_who_he_is_everybody_may_publish(client: Elasticsearch) -> None:
    """What keys of other roles may, tests/security says."""
    assert may_publish(client)


@pytest.mark.stack
def test_it_has_the_shape_of_what_the_collector_writes(client: Elasticsearch, chain: str, send: Send) -> None:
    """Of a record, but for its trace, its severity and what the Collector notes of itself."""
    publish(client, [verified(chain, "sound")], MOMENT)
    [hit] = stored(client, chain)
    record = arrived(client, "logs-genai.record.otel-default", send(names.CLIENT_INFERENCE_OPERATION_DETAILS))
    assert hit["_source"].keys() <= record.keys() | {"observed_timestamp"}
    for shared in ("resource", "scope", "data_stream"):
        assert isinstance(hit["_source"][shared], type(record[shared]))
    assert hit["_source"]["data_stream"].keys() == record["data_stream"].keys()
    assert type(hit["_source"]["@timestamp"]) is type(record["@timestamp"])
