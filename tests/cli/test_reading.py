"""What is read from command lines, files and stores, without any of them: moments, endpoints, queries, steps, words."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from throughline.cli import wording
from throughline.cli.content import render_content
from throughline.cli.endpoints import Endpoints
from throughline.cli.failures import CommandError
from throughline.cli.moments import read_moment, read_period
from throughline.store.mappings import CONTENT
from throughline.store.queries import GROUPS, ORDERS, Search, counted, figures_body
from throughline.store.traces import epoch, from_documents

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("90s", "2026-11-23T09:58:30+00:00"),
        ("15m", "2026-11-23T09:45:00+00:00"),
        ("2 h", "2026-11-23T08:00:00+00:00"),
        ("3D", "2026-11-20T10:00:00+00:00"),
        ("1w", "2026-11-16T10:00:00+00:00"),
        ("now", "2026-11-23T10:00:00+00:00"),
        ("9:30", "2026-11-23T07:30:00+00:00"),
        ("2026-11-01", "2026-10-31T22:00:00+00:00"),
        ("2026-11-01T10:30", "2026-11-01T08:30:00+00:00"),
        ("2026-11-01T10:30Z", "2026-11-01T10:30:00+00:00"),
    ],
)
def test_moments_are_read_as_people_write_them(written: str, moment: str) -> None:
    assert read_moment(written, "--since", now=NOW) == moment


@pytest.mark.parametrize("written", ["", "yesterday", "15", "-1h", "25:00", "999999w", "2026-13-01"])
def test_what_is_no_moment_is_refused_with_the_option_and_the_forms(written: str) -> None:
    with pytest.raises(CommandError, match="--since") as raised:
        read_moment(written, "--since", now=NOW)
    assert raised.value.code == 2
    assert "15m" in raised.value.advice


def test_a_period_must_not_run_backwards() -> None:
    assert read_period(None, None) == (None, None)
    with pytest.raises(CommandError, match="later than"):
        read_period("1h", "2h")


def test_endpoints_come_from_the_environment_before_the_file_upward(tmp_path: Path) -> None:
    (tmp_path / ".run").mkdir()
    (tmp_path / ".run" / "stack.env").write_text(
        "# made by the stack\nJAEGER_URL=http://file/\nELASTICSEARCH_URL=http://file\n\n"
    )
    inside = tmp_path / "deep" / "deeper"
    inside.mkdir(parents=True)
    endpoints = Endpoints.find({"ELASTICSEARCH_URL": "http://environment"}, inside)
    assert endpoints.url("ELASTICSEARCH_URL") == "http://environment"
    assert endpoints.url("JAEGER_URL") == "http://file"
    with pytest.raises(CommandError, match="GRAFANA_URL is not set"):
        endpoints.url("GRAFANA_URL")


def test_a_search_asks_for_what_is_known_and_nothing_else() -> None:
    assert Search().query() == {"bool": {"filter": [], "must_not": []}}
    search = Search(user="ada", status="error", since="2026-11-23T10:00:00+00:00", text="second opinion")
    asked, of_content = search.query()["bool"], search.text_query(CONTENT)["bool"]
    assert {"term": {"attributes.user.id": "ada"}} in asked["filter"]
    assert {"range": {"@timestamp": {"gte": "2026-11-23T10:00:00+00:00"}}} in asked["filter"]
    assert {"exists": {"field": "attributes.error.type"}} in asked["filter"]
    assert {"range": {"@timestamp": {"gte": "2026-11-23T10:00:00+00:00"}}} in of_content["filter"]
    (text,) = (each["multi_match"] for each in of_content["filter"] if "multi_match" in each)
    assert text["type"] == "phrase"
    assert "attributes.gen_ai.output.messages.parts.content" in text["fields"]
    assert Search(status="ok").query()["bool"]["must_not"] == [{"exists": {"field": "attributes.error.type"}}]
    judges = {"term": {"attributes.throughline.judging": True}}
    assert counted(Search())["bool"] == {"filter": [], "must_not": [judges]}
    assert counted(Search(judging=True))["bool"] == {"filter": [judges], "must_not": []}


def test_every_order_but_the_count_is_one_of_the_figures() -> None:
    assert {path.partition(".")[0] for order, path in ORDERS.items() if order != "calls"} <= figures_body().keys()
    assert all(field.startswith(("attributes.", "resource.attributes.")) for field in GROUPS.values())


def test_the_collectors_times_are_read_to_the_nanosecond_digits() -> None:
    assert epoch("1795435048362.80259") == pytest.approx(1795435048.362080, abs=1e-6)
    assert epoch("1795435048362") == 1795435048.362
    assert epoch("2026-11-23T10:00:00+00:00") == 1795428000


def test_events_stored_as_logs_come_back_to_their_spans_in_order() -> None:
    span = {"span_id": "a", "name": "chat", "@timestamp": "1000.0", "duration": 5_000_000}
    logs = [{"span_id": "a", "event_name": name, "attributes": {"n": n}} for n, name in ((2, "later"), (1, "first"))]
    (step,) = from_documents([span], [*logs, {"span_id": "other"}])
    assert [event["event"] for event in step.events] == ["first", "later"]
    assert (step.start, step.duration, step.error) == (1.0, 0.005, None)
    (failed,) = from_documents([{**span, "status": {"code": "Error", "message": "boom"}}])
    assert failed.error == "boom"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0000042, "4 µs"),
        (0.00123, "1.23 ms"),
        (0.9996, "1000 ms"),
        (1.234, "1.23 s"),
        (59.9, "59.9 s"),
        (95, "1 min 35 s"),
        (None, "-"),
    ],
)
def test_durations_have_three_digits_and_a_unit(seconds: float | None, shown: str) -> None:
    assert wording.duration(seconds) == shown


def test_content_of_every_kind_is_told_from_record_and_span_alike() -> None:
    parts = [
        {"type": "text", "content": "look"},
        {"type": "tool_call", "name": "find", "arguments": {"q": 1}},
        {"type": "tool_call_response", "response": "three"},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
    ]
    message = '[{"role": "user", "parts": ' + json.dumps(parts) + "}]"
    told = [line.plain for line in render_content({"gen_ai.input.messages": message}, None)]
    assert told == ['user: look\ncalls find({"q": 1})\nresult: three\n[image https://example.com/a.png]']
    assert [line.plain for line in render_content({"gen_ai.input.messages": "cut off ["}, None)] == []
    (cut,) = render_content({"gen_ai.output.messages": [{"role": "assistant", "parts": parts[:1]}]}, 2)
    assert cut.plain == "assistant: lo … 2 more characters, see --full"
