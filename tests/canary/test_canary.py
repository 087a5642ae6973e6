"""Secrets planted all over calls are in no byte of the whole stack; where sealed, nothing of what was said is.

What is searched: files while things are in flight and at the end, documents, traces, the dashboard's answers, and what
commands say. In Elasticsearch's own files stored documents are compressed, so there the search of documents counts.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator

import pytest
from canary import commands, places
from canary.ground import Ground, ground
from canary.planted import MASKED, OWN, SEALED, SERVICES, TRACES_OF_SECRETS, USER_ID, found, said

pytestmark = [pytest.mark.stack, pytest.mark.timeout(280)]
PLACES = ("spool", "queue", "documents", "traces", "panels", "files", "commands")
Seen = dict[str, list[tuple[str, bytes]]]


@pytest.fixture(scope="module")
def running() -> Iterator[Ground]:
    with ground() as made:
        yield made


@pytest.fixture(scope="module")
def opened(running: Ground, seen: Seen) -> str:
    """What the auditor reads of what was sealed."""
    del seen  # opening leaves records, too, but is no place
    traces = running.applications[1].traces.values()
    key = ("--key", str(running.auditors_key))
    ended = running.command("open", *traces, *key, "--reason", "a test", "--json", OTEL_SERVICE_NAME="operator")
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def seen(running: Ground) -> Seen:
    """Every place, at the moment when most is there."""
    looked: Seen = {}
    with running.held("collector"):
        running.start_applications()
        running.ask_services(said(SERVICES), secrets.token_hex(16))
        assert all(application.traces for application in running.applications)
        looked["spool"] = list(places.files(running.run))
        with running.held("elasticsearch"):
            running.release("collector")
            running.wait_for_the_queue(MASKED)
            looked["queue"] = list(places.files(running.run))
    for application in running.applications:
        application.stop()
    running.wait_for_records()
    running.wait_for_traces()
    looked["documents"] = list(places.documents(running))
    looked["traces"] = list(places.traces(running))
    looked["panels"] = list(places.panels(running))
    looked["commands"] = list(commands.said(running))
    running.store.indices.flush(index=places.OURS)
    looked["files"] = list(places.files(running.run))
    return looked


def test_every_place_was_looked_at(seen: Seen, running: Ground) -> None:
    """What no pattern knows is found wherever content is meant to be: so the others would be found there, too."""
    words = (MASKED, SERVICES, "canary-sealed", USER_ID)
    hits = {place: "\n".join(found(seen[place], words)) for place in PLACES}
    for place, expected in (
        ("spool", f"applications/canary-masked/spool/.*: {MASKED}"),
        ("spool", f"applications/canary-masked/store/.*: {MASKED}"),
        ("spool", "applications/canary-sealed/spool/.*: canary-sealed"),
        ("queue", f"collector/exporter_otlp_grpc_records_logs: {MASKED}"),
        ("queue", f"collector/exporter_otlp_grpc_records_logs: {SERVICES}"),
        ("queue", "collector/exporter_otlp_grpc_records_logs: canary-sealed"),
        ("documents", f"logs-genai.content.*: {MASKED}"),
        ("documents", f"logs-genai.content.*: {SERVICES}"),
        ("documents", f"logs-genai.record.*: {USER_ID}"),
        ("documents", f"logs-generic.*: {MASKED}"),
        ("documents", f"traces-generic.*: {MASKED}"),
        ("traces", f"of canary-masked: {MASKED}"),
        ("traces", f"of canary-sealed: {USER_ID}"),
        ("panels", "panel .*: canary-sealed"),
        ("files", f"elasticsearch/data/.*: {MASKED}"),
        ("files", f"applications/canary-masked/store/.*: {MASKED}"),
        ("commands", f"trace .*: {MASKED}"),
        ("commands", "records .*: canary-sealed"),
    ):
        assert places.told(hits[place], expected), f"{place}: {expected}"
    assert [name for name, _ in seen["commands"] if "crash" in name or name.startswith("verify → ")] == ["verify → 0"]
    assert {f"logs/{name}.log" for name in running.stack.supervisor.processes} <= {name for name, _ in seen["files"]}


@pytest.mark.parametrize("place", PLACES)
def test_no_secret_is_in_any_byte(seen: Seen, place: str) -> None:
    assert list(found(seen[place], TRACES_OF_SECRETS)) == []


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_was_sealed_is_in_the_clear(seen: Seen, place: str) -> None:
    assert list(found(seen[place], SEALED)) == []


@pytest.mark.parametrize("place", ["spool", "queue", "files"])
def test_no_log_holds_content(seen: Seen, place: str) -> None:
    """Not even where it is kept in the clear elsewhere."""
    logs = [(name, content) for name, content in seen[place] if name.endswith((".log", ".json", "server.json"))]
    logs = [(name, content) for name, content in logs if "logs/" in name]
    assert len(logs) > len(("elasticsearch", "collector", "jaeger"))
    assert list(found(logs, (MASKED, OWN, SERVICES))) == []


def test_where_content_is_for_records_alone_no_span_has_it(seen: Seen) -> None:
    assert list(found(seen["traces"], [SERVICES])) == []


def test_an_applications_own_exceptions_are_its_own(seen: Seen) -> None:
    """Sealing reaches what was said to a model; what the application writes on its own spans stays there, masked."""
    sealed = [(name, content) for name, content in seen["documents"] if b"canary-sealed" in content]
    hits = list(found(sealed, [OWN]))
    assert hits
    by_name = dict(sealed)
    for hit in hits:
        document = json.loads(by_name[hit.partition(": ")[0]])
        assert "exception" in (document["_source"].get("name"), document["_source"].get("event_name")) or (
            document["_source"].get("name") == "own"
        ), hit


def test_the_auditor_reads_what_was_sealed(opened: str) -> None:
    contents = [json.loads(line)["content"] for line in opened.splitlines()]
    by_attribute: dict[str, str] = {}
    for content in contents:
        for name, value in content.items():
            by_attribute[name] = by_attribute.get(name, "") + json.dumps(value)
    for name in (
        "gen_ai.system_instructions",
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "gen_ai.tool.definitions",
        "gen_ai.retrieval.query.text",
        "gen_ai.retrieval.documents",
        "gen_ai.evaluation.explanation",
        "gen_ai.request.stop_sequences",
        "exception.message",
    ):
        assert all(word in by_attribute[name] for word in SEALED), name
    assert list(found([("opened", opened.encode())], TRACES_OF_SECRETS)) == []
