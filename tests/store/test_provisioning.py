"""Set-up that can be repeated, and retention: by our own step natively, by the built-in lifecycle elsewhere."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from store.writing import Write
from throughline.store import Retention, connect, setup
from throughline.store.__main__ import wait
from throughline.store.retention import enforce, rollover_age, streams
from throughline.store.templates import KINDS, Kind, index_template

LOGS = next(kind for kind in KINDS if kind.name == "logs")


def test_setup_again_changes_nothing(client: Elasticsearch) -> None:
    assert setup(client) == []


@pytest.mark.parametrize(
    ("stream", "template"),
    [
        ("traces-generic.otel-default", "throughline-traces"),
        ("logs-genai.record.otel-default", "throughline-records"),
        ("logs-genai.evaluation.otel-default", "throughline-evaluations"),
        ("logs-genai.operation.otel-default", "throughline-operations"),
        ("logs-genai.content.otel-default", "throughline-contents"),
        ("logs-genai.audit.otel-default", "throughline-audit"),
        ("logs-genai.rejected.otel-default", "throughline-rejected"),
        ("logs-generic.otel-default", "throughline-logs"),
        ("metrics-generic.otel-default", "throughline-metrics"),
        ("metrics-spanmetrics.otel-other", "throughline-metrics"),
    ],
)
def test_each_stream_has_its_template(client: Elasticsearch, stream: str, template: str) -> None:
    wanted = client.indices.simulate_template(name=template)["template"]["mappings"]
    assert client.indices.simulate_index_template(name=stream)["template"]["mappings"] == wanted


def test_a_new_retention_is_stored_and_existing_streams_go_on(
    client: Elasticsearch, write: Write, namespace: str
) -> None:
    write(f"logs-generic.otel-{namespace}", {"one": {}})
    try:
        assert setup(client, retention=Retention(logs=3)) == ["loaded index template throughline-logs"]
        template = client.indices.get_index_template(name=LOGS.template)["index_templates"][0]["index_template"]
        assert template["template"]["lifecycle"]["data_retention"] == "3d"
        assert len(streams(client, f"logs-generic.otel-{namespace}").popitem()[1]) == 1
    finally:
        setup(client)


def test_a_new_form_reaches_streams_that_exist(client: Elasticsearch, write: Write, namespace: str) -> None:
    stream = f"logs-generic.otel-{namespace}"
    body = index_template(LOGS, Retention())
    meta = body.pop("_meta")
    client.indices.put_index_template(name=LOGS.template, meta={**meta, "form": "older"}, **body)
    write(stream, {"one": {"a": "b"}})
    changes = setup(client)
    assert changes[0] == "loaded index template throughline-logs"
    assert f"rolled over {stream}" in changes
    assert len(streams(client, stream)[stream]) == 2
    assert client.count(index=stream)["count"] == 1


def test_only_what_is_older_than_its_retention_is_deleted(client: Elasticsearch, records: str, write: Write) -> None:
    write(records, {"one": {}})
    client.indices.rollover(alias=records)
    write(records, {"two": {}, "three": {}})
    (old, _), (new, rolled_over) = streams(client, records)[records]
    assert enforce(client, records, 30, now=rolled_over + timedelta(days=30, seconds=-1)) == []
    assert enforce(client, records, 30, now=rolled_over + timedelta(days=30)) == [old]
    assert client.count(index=records)["count"] == 2
    assert streams(client, records)[records][0][0] == new


def test_a_write_index_is_rolled_over_at_its_age_and_never_deleted(
    client: Elasticsearch, records: str, write: Write
) -> None:
    write(records, {"one": {}})
    ((first, made),) = streams(client, records)[records]
    enforce(client, records, 10, now=made + timedelta(hours=23))
    assert len(streams(client, records)[records]) == 1
    assert enforce(client, records, 10, now=made + timedelta(days=400)) == []
    indices = [index for index, _ in streams(client, records)[records]]
    assert (indices[0], len(indices)) == (first, 2)


def test_streams_of_a_pattern_are_told_apart(client: Elasticsearch, write: Write, namespace: str) -> None:
    write(f"logs-one.otel-{namespace}", {"one": {}})
    write(f"logs-two-dashed.otel-{namespace}", {"one": {}})
    found = streams(client, f"logs-*.otel-{namespace}")
    assert found.keys() == {f"logs-one.otel-{namespace}", f"logs-two-dashed.otel-{namespace}"}
    assert abs(found[f"logs-one.otel-{namespace}"][0][1] - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize(("days", "hours"), [(1, 1), (2, 24), (14, 24), (15, 168), (90, 168), (91, 720)])
def test_the_longer_the_retention_the_larger_its_steps(days: int, hours: int) -> None:
    assert rollover_age(days) == timedelta(hours=hours)


def test_retention_is_read_for_each_kind() -> None:
    environment = {"THROUGHLINE_RETENTION_RECORDS_DAYS": "30", "THROUGHLINE_RETENTION_LOGS_DAYS": "", "OTHER": "x"}
    assert Retention.read(environment) == Retention(records=30)


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "ten", "²"])
def test_a_retention_that_is_no_number_of_days_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="retention of traces must be a whole number of days"):
        Retention.read({"THROUGHLINE_RETENTION_TRACES_DAYS": value})


def test_a_key_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    with official(api={}) as (url, requests):
        connect({"ELASTICSEARCH_URL": url, "ELASTICSEARCH_API_KEY_FILE": str(tmp_path / "key")}).info()
    assert requests[0]["authorization"] == "ApiKey s3cret"


def test_no_address_is_said() -> None:
    with pytest.raises(ValueError, match="ELASTICSEARCH_URL is not set"):
        connect({})


def test_set_up_waits_for_a_node_that_is_not_there_yet() -> None:
    with official(api={}, refused=2) as (url, requests), connect({"ELASTICSEARCH_URL": url}) as client:
        wait(client, 60)
    assert len(requests) == 3


def test_where_the_lifecycle_exists_changed_streams_are_told_and_nothing_is_deleted() -> None:
    """The official image has it and the native node lacks it, so this one is a stand-in that answers as documented."""
    kept = {"name": "logs-a.otel-x", "lifecycle": {"data_retention": "14d"}}
    changed = {"name": "logs-b.otel-x", "lifecycle": {"data_retention": "99d"}}
    api = {
        "GET /_data_stream/throughline-none-*": {"data_streams": []},
        f"GET /_data_stream/{LOGS.pattern}/_lifecycle": {"data_streams": [kept, changed, {"name": "logs-c.otel-x"}]},
        **{f"GET /_data_stream/{kind.pattern}/_lifecycle": {"data_streams": []} for kind in KINDS if kind != LOGS},
        **{f"GET /_index_template/{kind.template}": present(kind) for kind in KINDS},
    }
    with official(api=api) as (url, requests), connect({"ELASTICSEARCH_URL": url}) as client:
        changes = setup(client)
    assert changes == ["logs-b.otel-x is kept for 14 days", "logs-c.otel-x is kept for 14 days"]
    written = [request for request in requests if request["method"] != "GET"]
    assert [(request["path"], request["body"]) for request in written] == [
        (f"/_data_stream/logs-{name}.otel-x/_lifecycle", {"data_retention": "14d"}) for name in "bc"
    ]


def present(kind: Kind) -> dict[str, Any]:
    body = index_template(kind, Retention())
    return {"index_templates": [{"name": kind.template, "index_template": body}]}


@contextmanager
def official(*, api: dict[str, Any], refused: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A stand-in for an official node: fixed answers, the requests remembered, the first ones refused."""
    requests: list[dict[str, Any]] = []

    class Node(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            requests.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "body": json.loads(body or "null"),
                    "authorization": self.headers.get("authorization"),
                }
            )
            self.send_response(503 if len(requests) <= refused else 200)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(api.get(f"{self.command} {self.path}", {})).encode())

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the names that the server calls

        def log_message(self, *_line: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), Node) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", requests
        finally:
            server.shutdown()
            thread.join()
