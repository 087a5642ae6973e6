"""Records: none is lost and each arrives once, whatever Elasticsearch answers and however the Collector ends."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from collector import otlp
from collector.bulk import Bulk, bulk_api
from collector.conftest import Run
from collector.running import CAPTURE, DELIVER, Collector, eventually, free_ports

MEGABYTE = 1_000_000
to_bulk = {"overlays": (CAPTURE, DELIVER), "RECORDS_RETRY_MAX_INTERVAL": "1s"}


def _messages(text: str) -> list[dict[str, object]]:
    return [{"role": "user", "parts": [{"type": "text", "content": text}]}]


def _send(collector: Collector, *identities: str, text: str = "hello") -> int:
    body = otlp.records(*(otlp.record(each, gen_ai__input__messages=_messages(text)) for each in identities))
    return collector.send("logs", body)


def _arrived(bulk: Bulk, *identities: str) -> None:
    wanted = set(identities)
    eventually(lambda: wanted <= bulk.documents.keys(), f"{len(wanted)} records, of which {len(bulk.documents)} came")


def _said(bulk: Bulk, identity: str) -> object:
    """The messages in a record's content."""
    content = eventually(lambda: bulk.contents.get(identity), f"the content of {identity}")
    return content["attributes"]["gen_ai.input.messages"]


def test_records_of_each_kind_arrive_under_their_ids(run: Run) -> None:
    """Each in its own data stream, its own id the document's id and kept in the document, content structured."""
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert _send(collector, "r-1") == 200
        assert collector.send("logs", otlp.records(otlp.record("e-1", "gen_ai.evaluation.result"))) == 200
        assert collector.send("logs", otlp.records(otlp.record("o-1", "throughline.operation.details"))) == 200
        _arrived(bulk, "r-1", "e-1", "o-1")
    assert bulk.indices == {
        "r-1": "logs-genai.record.otel-default",
        "e-1": "logs-genai.evaluation.otel-default",
        "o-1": "logs-genai.operation.otel-default",
    }
    assert bulk.documents["r-1"]["attributes"] == {"throughline.record.id": "r-1"}
    assert bulk.documents["r-1"]["event_name"] == otlp.RECORD


def test_refusals_are_outlasted(run: Run) -> None:
    """Retryable and final-looking statuses alike: the record stays queued until the request is accepted."""
    with bulk_api(answers=[503, 429, 500, 401, 413, 400, 502]) as bulk:
        with run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
            assert _send(collector, "r-1", "r-2") == 200
            _arrived(bulk, "r-1", "r-2")
            assert [_said(bulk, each) for each in ("r-1", "r-2")] == [_messages("hello")] * 2
            _drained(collector)
        assert bulk.refused == 7


def test_documents_refused_for_now_are_sent_again(run: Run) -> None:
    """A full thread pool (429), a missing template (404): per document, and longer than the exporter's own default."""
    verdicts = {"r-1": [429, 429, 503, 404, 404]}
    with bulk_api(verdicts=verdicts) as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert _send(collector, "r-1", "r-2") == 200
        _arrived(bulk, "r-1", "r-2")


def test_a_document_that_cannot_be_mapped_fails_alone_and_is_counted(run: Run) -> None:
    """Its neighbours arrive, the queue empties, and neither log nor metric tells what was in it."""
    with bulk_api(verdicts={"bad": [400]}) as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert _send(collector, "r-1", "bad", "r-2", text="canary") == 200
        _arrived(bulk, "r-1", "r-2")
        count = partial(collector.metric, "otelcol_elasticsearch_docs_processed_total", outcome="failed_client")
        assert eventually(count, "the count of failed documents") == 1
        _drained(collector)
        assert "canary" not in collector.log
    assert bulk.documents.keys() == {"r-1", "r-2"}


def test_a_second_delivery_changes_nothing(run: Run) -> None:
    """A conflict is the proof that the record is there: no retry, no second document."""
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        for text in ("first", "second"):
            assert _send(collector, "r-1", text=text) == 200
            _drained(collector)
        eventually(lambda: bulk.conflicts == 2, "the conflicts of record and content")
        _drained(collector)
    assert _said(bulk, "r-1") == _messages("first")


def test_killed_while_elasticsearch_is_down(run: Run) -> None:
    """What was acknowledged before the kill is delivered by the next process, each record once."""
    identities = [f"r-{number}" for number in range(300)]
    with bulk_api(otherwise=503) as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        for start in range(0, 300, 10):
            assert _send(collector, *identities[start : start + 10]) == 200
        eventually(lambda: bulk.refused, "a first attempt")
        collector.kill()
        bulk.otherwise = 200
        collector.start()
        _arrived(bulk, *identities)
    assert len(bulk.documents) == 300


def test_stopped_while_elasticsearch_is_unreachable(run: Run) -> None:
    """A stop does not wait for Elasticsearch, and loses nothing: the next start delivers."""
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=f"http://127.0.0.1:{free_ports(1)[0]}", **to_bulk) as collector:
        assert _send(collector, "r-1") == 200
        eventually(lambda: collector.metric("otelcol_exporter_queue_size", exporter="otlp_grpc/records"), "the queue")
        collector.stop()
        collector.environment = {**collector.environment, "ELASTICSEARCH_URL": bulk.url}
        collector.start()
        _arrived(bulk, "r-1")


def test_stopped_while_elasticsearch_refuses_a_document(run: Run) -> None:
    """A stop in the middle of retries ends them, and the next start takes them up."""
    settings = {"RECORDS_TIMEOUT": "3s", **to_bulk}
    with bulk_api(verdicts={"r-1": [429] * 1000}) as bulk, run(ELASTICSEARCH_URL=bulk.url, **settings) as collector:
        assert _send(collector, "r-1", "r-2") == 200
        _arrived(bulk, "r-2")
        collector.stop()
        bulk.verdicts.clear()
        collector.start()
        _arrived(bulk, "r-1")


def test_a_full_queue_refuses_and_loses_nothing_it_took(run: Run) -> None:
    """The sender is told to try again (503); all that was acknowledged arrives."""
    with bulk_api(otherwise=503) as bulk:
        settings = {"ELASTICSEARCH_URL": bulk.url, "RECORDS_QUEUE_BYTES": "2000000", **to_bulk}
        with run(**settings) as collector:
            text = "many words " * 10_000
            answers = {f"r-{number}": _send(collector, f"r-{number}", text=text) for number in range(40)}
            assert set(answers.values()) == {200, 503}
            bulk.otherwise = 200
            taken = [identity for identity, status in answers.items() if status == 200]
            _arrived(bulk, *taken)
            assert _send(collector, "afterwards") == 200
            _arrived(bulk, "afterwards")


def test_a_large_prompt_arrives_with_its_neighbours(run: Run) -> None:
    """20 MB in the middle of an ordinary batch: all arrive whole, and no bulk request is near what is accepted."""
    prompt = "word and " * (20 * MEGABYTE // 9)
    items = [otlp.record(f"r-{number}", gen_ai__input__messages=_messages("small")) for number in range(20)]
    items[10] = otlp.record("large", gen_ai__input__messages=_messages(prompt))
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert collector.send("logs", otlp.records(*items)) == 200
        _arrived(bulk, "large", *(f"r-{number}" for number in range(20) if number != 10))
        assert _said(bulk, "large") == _messages(prompt)
    assert max(bulk.sizes) < 30 * MEGABYTE


def test_a_backlog_is_cut_into_bulk_requests_of_moderate_size(run: Run) -> None:
    """30 MB that arrive together do not leave together."""
    identities = [f"r-{number}" for number in range(60)]
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert _send(collector, *identities, text="half a megabyte " * 31_250) == 200
        _arrived(bulk, *identities)
    assert max(bulk.sizes) < 20 * MEGABYTE


def test_an_oversized_record_is_referenced_and_set_aside_whole(run: Run, tmp_path: Path) -> None:
    """Its content is replaced by length and hash, and the whole record is in a file under its id."""
    limits = {"OVERSIZED_RECORD_BYTES": "300000", "LARGE_RECORD_BYTES": "200000"}
    with bulk_api() as bulk, run(ELASTICSEARCH_URL=bulk.url, **limits, **to_bulk) as collector:
        assert _send(collector, "near-miss", text="x" * 299_000) == 200
        assert _send(collector, "oversized", text="x" * 300_000) == 200
        _arrived(bulk, "near-miss", "oversized")
        assert _said(bulk, "near-miss") == _messages("x" * 299_000)
        note = eventually(lambda: bulk.contents.get("oversized"), "the note")["attributes"]
    assert note.keys() == {"throughline.record.id", "throughline.content.set_aside"}
    assert note["throughline.content.set_aside"].startswith("3001")
    assert bulk.documents["oversized"]["attributes"] == {"throughline.record.id": "oversized"}
    (aside,) = otlp.flat((tmp_path / "queue" / "set-aside.json").read_text().splitlines())
    assert aside["attributes"]["throughline.record.id"] == "oversized"
    assert aside["attributes"]["gen_ai.input.messages"] == _messages("x" * 300_000)


def test_a_record_without_an_id_is_given_one(run: Run) -> None:
    """Records of other senders are told apart, too, and a repeated bulk request does not double them."""
    stranger = otlp.record("")
    stranger["attributes"] = []
    with bulk_api(answers=[503, 401]) as bulk, run(ELASTICSEARCH_URL=bulk.url, **to_bulk) as collector:
        assert collector.send("logs", otlp.records(stranger, stranger)) == 200
        eventually(lambda: len(bulk.documents) == 2, "both records")
    assert all(len(identity) == 36 for identity in bulk.documents)


def test_records_are_never_sampled(run: Run) -> None:
    """Each of 200 calls has its record, though the sampler keeps no trace at all."""
    identities = [f"r-{number}" for number in range(200)]
    with run(SAMPLING_PERCENTAGE="0") as collector:
        assert collector.send("traces", otlp.spans(*(otlp.span(f"{number + 1:032x}") for number in range(200)))) == 200
        assert _send(collector, *identities) == 200
        eventually(lambda: len(otlp.identities(collector.captured("records"))) >= 200, "all records")
    assert sorted(otlp.identities(collector.captured("records"))) == sorted(identities)
    assert collector.captured("traces") == []


@pytest.mark.parametrize("kind", ["logs", "traces", "metrics"])
def test_without_memory_every_signal_is_refused_for_now(run: Run, kind: str) -> None:
    """Not dropped: the status is one after which senders try again."""
    bodies = {"logs": otlp.records(otlp.record("r-1")), "traces": otlp.spans(otlp.span(f"{1:032x}"))}
    gauge = {"name": "m", "gauge": {"dataPoints": [{"asInt": "1"}]}}
    bodies["metrics"] = json.dumps({"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]}).encode()
    with run(MEMORY_LIMIT_MIB="1", MEMORY_SPIKE_MIB="0") as collector:
        eventually(lambda: collector.send(kind, bodies[kind]) == 503, "a refusal")


def _drained(collector: Collector) -> None:
    """Wait until the record queue is empty; what was acknowledged is in it until it is delivered."""
    size = partial(collector.metric, "otelcol_exporter_queue_size", exporter="otlp_grpc/records")
    eventually(lambda: size() == 0, "an empty queue")
