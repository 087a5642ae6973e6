"""The commands on a real Elasticsearch that holds known documents; what goes wrong is tested beside this."""

from __future__ import annotations

import pytest
from cli.conftest import Run
from cli.documents import ADA, ALIKE, BOB, CAROL, CHAT_SPAN, DORA, JUDGE, LONG, SERVICE, TWIN

pytestmark = pytest.mark.stack
FROM_HERE = ("--service", SERVICE)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ((), [CAROL, BOB, ADA, ADA]),
        (("--limit", "2"), [CAROL, BOB]),
        (("--user", "ada"), [ADA, ADA]),
        (("--user", "ada", "--operation", "chat"), [ADA]),
        (("--model", "small"), [CAROL, ADA]),
        (("--prompt", "help", "--status", "ok"), [CAROL, ADA]),
        (("--status", "error"), [BOB]),
        (("--variant", "concise"), [ADA]),
        (("--session", "s-1"), [ADA]),
        (("--conversation", "c-1"), [ADA]),
        (("--text", "Weather on MARS"), [CAROL]),
        (("--text", "opinion costs nothing"), [ADA]),
        (("--since", "2026-06-09T10:14:00Z"), [CAROL, BOB]),
        (("--until", "2026-06-09T10:14:00Z"), [ADA, ADA]),
    ],
)
def test_records_are_found_by_what_is_known_of_them(
    run: Run, stored: str, options: tuple[str, ...], found: list[str]
) -> None:
    ended = run("records", *FROM_HERE, *options, "--json", ELASTICSEARCH_URL=stored)
    assert ended.code == 0
    assert [record["trace_id"] for record in ended.lines] == found


def test_the_table_of_records_says_who_what_and_how_it_ended(run: Run, stored: str) -> None:
    shown = run("records", *FROM_HERE, ELASTICSEARCH_URL=stored).out
    for words in (
        ADA[:12],
        "ada",
        "help 1 concise",
        "1.5 s",
        "1,200→34",
        "0.0042 USD",
        "masked email:2",
        "RateLimitError",
        "3 attempts",
    ):
        assert words in shown
    assert "Mars" not in shown
    narrow = run("records", *FROM_HERE, ELASTICSEARCH_URL=stored, COLUMNS="80").out
    assert max(map(len, narrow.splitlines())) <= 80
    assert ADA[:12] in narrow


def test_top_counts_all_traffic_by_group(run: Run, stored: str) -> None:
    small, large = run("top", "model", *FROM_HERE, "--json", ELASTICSEARCH_URL=stored).lines
    assert (small["group"], small["calls"], small["errors"], small["input_tokens"], small["output_tokens"]) == (
        "small",
        2,
        0,
        1300,
        40,
    )
    assert (large["group"], large["calls"], large["error_rate"], large["p95"]) == ("large", 1, 1.0, 9.0)
    assert small["cost"] == pytest.approx(0.0042)
    assert large["cost"] is None


@pytest.mark.parametrize(("by", "group", "calls"), [("fingerprint", ALIKE, 2), ("experiment", "wording", 1)])
def test_top_counts_alike_prompts_and_experiments(run: Run, stored: str, by: str, group: str, calls: int) -> None:
    (row,) = run("top", by, *FROM_HERE, "--json", ELASTICSEARCH_URL=stored).lines
    assert (row["group"], row["calls"]) == (group, calls)


def test_calls_of_judges_are_none_of_the_figures_unless_they_are_asked_for(run: Run, stored: str) -> None:
    asked = ("top", "user", "--service", JUDGE)
    assert run(*asked, ELASTICSEARCH_URL=stored).code == 1
    shown = run(*asked, "--judging", ELASTICSEARCH_URL=stored).out
    assert "dora" in shown
    (total,) = (line for line in shown.splitlines() if line.startswith("all"))
    assert total.split()[1] == "1"
    listed = run("records", *asked[2:], "--json", ELASTICSEARCH_URL=stored).lines
    assert [record["trace_id"] for record in listed] == [DORA]


@pytest.mark.parametrize(
    ("order", "first"), [("calls", "ada"), ("errors", "bob"), ("p95", "bob"), ("tokens", "ada"), ("cost", "ada")]
)
def test_top_puts_first_what_is_asked_for(run: Run, stored: str, order: str, first: str) -> None:
    rows = run(
        "top", "user", *FROM_HERE, "--operation", "all", "--order", order, "--json", ELASTICSEARCH_URL=stored
    ).lines
    assert rows[0]["group"] == first
    assert len(rows) == 3


def test_top_groups_errors_and_totals_everything(run: Run, stored: str) -> None:
    shown = run("top", "error", *FROM_HERE, ELASTICSEARCH_URL=stored).out
    (row,) = (line for line in shown.splitlines() if "RateLimitError" in line)
    assert "1 (100.0%)" in row
    (total,) = (line for line in shown.splitlines() if line.startswith("all"))
    assert total.split()[1:4] == ["3", "1", "(33.3%)"]
    assert "1,300→40" in total


@pytest.mark.parametrize("identifier", [BOB, BOB[:6].upper(), f"00-{BOB}-{CHAT_SPAN}-01", f"{BOB}{CHAT_SPAN}"])
def test_one_command_shows_trace_and_record_by_any_id(run: Run, stored: str, identifier: str) -> None:
    ended = run("trace", identifier, ELASTICSEARCH_URL=stored)
    assert ended.code == 0
    assert "reading the trace from Elasticsearch" in ended.err
    for words in (BOB, "2 steps in 1 services", "2 failed", "kept because: error", "POST /ask", "chat large", "█"):
        assert words in ended.out
    assert "RateLimitError · 3 attempts (429)" in ended.out
    assert f"{CHAT_SPAN}  2026-06-09" in ended.out


def test_a_trace_shows_evaluations_and_content_harmlessly_and_cut(run: Run, stored: str) -> None:
    shown = run("trace", ADA, ELASTICSEARCH_URL=stored).out
    for words in (
        "grounded  0.75   mostly",
        "3 of 4",
        "query: opinion?",
        "care-line (7.25)",
        "May I [bold]ask[/bold] \ufffd[31mtwice?",
    ):
        assert words in shown
    assert "see --full" in shown
    assert "\x1b" not in shown


def test_content_is_shown_whole_or_not_at_all_on_request(run: Run, stored: str) -> None:
    full = run("trace", ADA, "--full", ELASTICSEARCH_URL=stored).out
    assert full.count("second opinion") >= LONG.count("second opinion") - 5  # some are broken over two lines
    assert "see --full" not in full
    assert "opinion" not in run("trace", ADA, "--no-content", ELASTICSEARCH_URL=stored).out


def test_a_request_whose_trace_was_not_kept_still_has_its_record(run: Run, stored: str) -> None:
    shown = run("trace", CAROL, ELASTICSEARCH_URL=stored).out
    assert "the sampler did not keep this trace" in shown
    assert "carol" in shown
    assert "weather on Mars" in shown


def test_a_trace_as_json_holds_steps_records_and_evaluations(run: Run, stored: str) -> None:
    (evidence,) = run("trace", BOB, "--json", ELASTICSEARCH_URL=stored).lines
    assert evidence["source"] == "Elasticsearch"
    assert {step["name"]: step["error"] for step in evidence["steps"]} == {
        "POST /ask": "too many",
        "chat large": "RateLimitError",
    }
    assert [record["_id"] for record in evidence["records"]] == [f"{BOB}{CHAT_SPAN}"]
    assert evidence["evaluations"] == []


def test_several_traces_that_begin_so_are_named(run: Run, stored: str) -> None:
    ended = run("trace", ADA[:8], ELASTICSEARCH_URL=stored)
    assert ended.code == 2
    assert ADA in ended.err
    assert TWIN in ended.err
    ended = run("trace", "abcdef", ELASTICSEARCH_URL=stored)
    assert ended.code == 1
    assert "no trace begins with abcdef" in ended.err


def test_setup_is_done_once(run: Run, stored: str) -> None:
    assert run("setup", "--json", ELASTICSEARCH_URL=stored).lines == [{"changes": []}]
    assert "everything was in place" in run("setup", ELASTICSEARCH_URL=stored).out


def test_nothing_found_is_said_with_what_to_do_next(run: Run, stored: str) -> None:
    for arguments in (("records", "--user", "nobody-at-all"), ("top", "--user", "nobody-at-all"), ("trace", "0" * 32)):
        ended = run(*arguments, ELASTICSEARCH_URL=stored)
        assert ended.code == 1
        assert "next:" in ended.err
    assert run("records", "--user", "nobody-at-all", "--json", ELASTICSEARCH_URL=stored).code == 0
