"""The Collector against a real Elasticsearch with the project's index templates: what arrives, where, and only once."""

from __future__ import annotations

import json
import uuid
from functools import partial
from typing import Any

from collector import otlp
from collector.conftest import Run
from collector.running import Collector, eventually, fetch, free_ports

PROMPTLY = {
    "overlays": (),
    "DECISION_WAIT_AFTER_ROOT": "1s",
    "SPAN_METRICS_INTERVAL": "1s",
    "RECORDS_RETRY_MAX_INTERVAL": "1s",
}
RECORDS = "logs-genai.record.otel-default"
CONTENTS = "logs-genai.content.otel-default"


def _ask(url: str, index: str, operation: str, query: dict[str, Any]) -> dict[str, Any]:
    """The answer on all that is indexed so far; empty while the index is not there or not ready."""
    fetch(f"{url}/{index}/_refresh?ignore_unavailable=true", b"")
    status, text = fetch(f"{url}/{index}/{operation}?ignore_unavailable=true", json.dumps(query).encode())
    answer: dict[str, Any] = json.loads(text) if status == 200 else {}
    return answer


def found(url: str, index: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    """The documents that match the query, with what stands around them."""
    answer = _ask(url, index, "_search", {"size": 1000, "query": query})
    hits: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
    return hits


def _found(url: str, index: str, **terms: Any) -> list[dict[str, Any]]:
    """The documents that match exactly these terms, dots in names as `__`."""
    filters = [{"term": {name.replace("__", "."): value}} for name, value in terms.items()]
    return found(url, index, {"bool": {"filter": filters}})


def _send(collector: Collector, run_name: str, *identities: str) -> None:
    items = (otlp.record(each, session__id=run_name) for each in identities)
    assert collector.send("logs", otlp.records(*items)) == 200


def _trace() -> tuple[str, str]:
    """A trace id and a name that no other test, and no earlier run, has used."""
    name = name_of_a_test()
    return name.removeprefix("test"), name


def name_of_a_test() -> str:
    """A word that nothing else in Elasticsearch contains."""
    return f"test{uuid.uuid4().hex}"


def test_every_signal_is_indexed_without_a_failure(run: Run, elasticsearch: str) -> None:
    """A kept trace, its record, the metrics of its spans, an ordinary log: each in its stream, none refused."""
    trace, name = _trace()
    with run(ELASTICSEARCH_URL=elasticsearch, **PROMPTLY) as collector:
        span = otlp.span(trace, failed=True, session__id=name, gen_ai__request__model=name)
        span["events"] = [{"timeUnixNano": str(otlp.START), "name": "exception"}]
        assert collector.send("traces", otlp.spans(span)) == 200
        _send(collector, name, f"{name}-1")
        plain = otlp.record(f"{name}-2", "something.else", session__id=name)
        assert collector.send("logs", otlp.records(plain)) == 200
        streams = {"traces-generic.otel-default", "logs-generic.otel-default", RECORDS}
        for stream in streams:
            eventually(lambda stream=stream: _found(elasticsearch, stream, attributes__session__id=name), stream)
        model = {"attributes__gen_ai__request__model": name}
        eventually(lambda: _found(elasticsearch, "metrics-*.otel-default", **model), "metrics")
        failures = collector.metric("otelcol_elasticsearch_docs_processed_total", outcome="failed_client")
    (kept,) = _found(elasticsearch, "traces-generic.otel-default", trace_id=trace)
    assert kept["_source"]["attributes"]["tailsampling.policy"] == "error"
    assert failures is None


def test_a_second_delivery_is_harmless(run: Run, elasticsearch: str) -> None:
    """The same record sent three times is one document."""
    _, name = _trace()
    identities = [f"{name}-{number}" for number in range(20)]
    with run(ELASTICSEARCH_URL=elasticsearch, **PROMPTLY) as collector:
        for _ in range(3):
            _send(collector, name, *identities)
        conflicts = "otelcol_elasticsearch_docs_processed_total"
        eventually(lambda: collector.metric(conflicts, outcome="failed_client") == 40, "40 conflicts")
    hits = _found(elasticsearch, RECORDS, attributes__session__id=name)
    assert sorted(hit["_id"] for hit in hits) == sorted(identities)


def test_killed_while_elasticsearch_is_down(run: Run, elasticsearch: str) -> None:
    """Both come back: every acknowledged record is there, once, and none is left in the queue."""
    _, name = _trace()
    identities = [f"{name}-{number}" for number in range(300)]
    with run(ELASTICSEARCH_URL=f"http://127.0.0.1:{free_ports(1)[0]}", **PROMPTLY) as collector:
        for start in range(0, 300, 10):
            _send(collector, name, *identities[start : start + 10])
        collector.kill()
        collector.environment = {**collector.environment, "ELASTICSEARCH_URL": elasticsearch}
        collector.start()
        size = "otelcol_exporter_queue_size"
        eventually(lambda: collector.metric(size, exporter="otlp_grpc/records") == 0, "an empty queue")
    hits = _found(elasticsearch, RECORDS, attributes__session__id=name)
    assert sorted(hit["_id"] for hit in hits) == sorted(identities)


def test_a_word_from_the_middle_of_a_large_prompt_finds_its_record(run: Run, elasticsearch: str) -> None:
    """A record with 20 MB of content is indexed as a whole, and so are its neighbours."""
    _, name = _trace()
    half = "plain words " * 850_000
    content = [{"role": "user", "parts": [{"type": "text", "content": f"{half}{name} {half}"}]}]
    items = [otlp.record(f"{name}-{number}", session__id=name) for number in range(3)]
    items[1] = otlp.record(f"{name}-1", session__id=name, gen_ai__input__messages=content)
    with run(ELASTICSEARCH_URL=elasticsearch, **PROMPTLY) as collector:
        assert collector.send("logs", otlp.records(*items)) == 200
        count = partial(_ask, elasticsearch, RECORDS, "_count", {"query": {"term": {"attributes.session.id": name}}})
        eventually(lambda: count().get("count") == 3, "three records")
        phrase = {"match_phrase": {"attributes.gen_ai.input.messages.parts.content": name}}
        (hit,) = eventually(lambda: found(elasticsearch, CONTENTS, phrase), "the large prompt")
    assert hit["_id"] == f"{name}-1"
