"""The preview opens boards as Grafana does, says what has nothing to show, and draws the rest where it stands."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from preview import command
from preview.frames import Field, Frame, GrafanaError, Kind
from preview.opening import Shown, boards, opened
from preview.searches import Moment

Plain = dict[str, Any]
MOMENT = Moment(1_780_000_020_000, 1_780_003_620_000, 60_000)
TIMES = list(range(MOMENT.start, MOMENT.end, MOMENT.interval))
RECORDS = {"type": "elasticsearch", "uid": "throughline-records"}


def numbers(**columns: list[Any]) -> Frame:
    """A table of texts and numbers."""
    kinds = {str: Kind.STRING, int: Kind.NUMBER, float: Kind.NUMBER}
    return Frame([Field(name, kinds[type(values[0])], values) for name, values in columns.items()])


def over_time(name: str, values: list[float | None]) -> Frame:
    return Frame([Field("Time", Kind.TIME, TIMES[: len(values)]), Field("Value", Kind.NUMBER, values)], name)


# --- what has nothing to show ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Shown({"type": "stat"}, [numbers(calls=[0])], matched=3), ""),
        (Shown({"type": "stat"}, [numbers(calls=[0])], matched=0), "no data: its queries match nothing"),
        (Shown({"type": "table"}, [], matched=3), "no data: no value in what it matches"),
        (
            Shown({"type": "timeseries"}, [over_time("a", [None] * 60)], matched=3),
            "no data: no value in what it matches",
        ),
        (Shown({"type": "stat"}, error="it broke"), "error: it broke"),
        (Shown({"type": "text"}), ""),
    ],
)
def test_zero_is_something_and_a_zero_of_no_document_is_nothing(shown: Shown, why: str) -> None:
    assert shown.why_nothing == why


class Recorded:
    """Sources that remember what they were asked and answer alike."""

    def __init__(self, answer: Callable[[Plain], list[Frame]] = lambda _: [numbers(calls=[1])]) -> None:
        self.asked: list[tuple[Plain, Moment]] = []
        self.searches: list[Plain] = []
        self._answer = answer

    def answer(self, target: Plain, moment: Moment, **_: bool) -> tuple[list[Frame], int]:
        self.asked.append((target, moment))
        return self._answer(target), 1

    def search(self, _: str, body: Plain) -> Plain:
        self.searches.append(body)
        return {"aggregations": {"1": {"buckets": [{"key": "chain 1"}, {"key": "chain 2"}]}}}


def query(text: str, **more: Any) -> Plain:
    return {"refId": "A", "query": text, "metrics": [{"id": "1", "type": "count"}], "bucketAggs": [], **more}


def board_of(*targets: Plain, variables: list[Plain] | None = None, **panel: Any) -> Plain:
    placed = {"gridPos": {"x": 0, "y": 0, "w": 12, "h": 8}, "datasource": RECORDS, "title": "one", **panel}
    return {
        "title": "a board",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": variables or []},
        "panels": [{"type": "stat", "targets": list(targets), **placed}],
    }


USER = {"name": "user", "type": "query", "allValue": "(*:*)", "current": {"value": ["$__all"]}}
CHAIN = {
    "name": "chain",
    "type": "query",
    "datasource": RECORDS,
    "current": {"value": ["$__all"]},
    "query": json.dumps({"find": "terms", "field": "chain", "query": 'trace_id:"${trace}"'}),
}
TRACE = {"name": "trace", "type": "textbox", "current": {"value": "7"}}


def test_a_board_is_opened_with_its_own_time_and_values() -> None:
    sources = Recorded()
    (shown,) = opened(board_of(query("user:$user"), variables=[USER]), sources)  # type: ignore[arg-type]
    ((target, moment),) = sources.asked
    assert (target["query"], target["datasource"]) == ("user:(*:*)", RECORDS)
    assert moment.end - moment.start == 6 * 3_600_000
    assert moment.interval == 30_000  # 27 s a point
    assert shown.why_nothing == ""


@pytest.mark.parametrize(
    ("current", "chosen", "filled"),
    [
        ("chain 2", {}, "chain 2"),
        ("no such chain", {}, "chain 1"),
        ("", {}, "chain 1"),
        ("", {"chain": "chain 7"}, "chain 7"),
    ],
)
def test_a_variable_of_one_value_has_the_first_that_there_is(current: str, chosen: Any, filled: str) -> None:
    sources, one = Recorded(), {**CHAIN, "current": {"value": current}}
    board = board_of(query('chain:"$chain"'), variables=[TRACE, one])
    list(opened(board, sources, None, chosen))  # type: ignore[arg-type]
    ((target, _),) = sources.asked
    assert target["query"] == f'chain:"{filled.replace(" ", chr(92) + " ")}"'


def test_chosen_values_and_time_come_before_the_boards_own() -> None:
    sources = Recorded()
    board = board_of(query("user:$user"), variables=[USER])
    list(opened(board, sources, "15m", {"user": ["Ada L"]}))  # type: ignore[arg-type]
    ((target, moment),) = sources.asked
    assert target["query"] == r'user:("Ada\ L")'
    assert moment.end - moment.start == 900_000


def test_all_without_a_text_of_its_own_is_every_value_that_there_is() -> None:
    sources = Recorded()
    board = board_of(query("chain:$chain"), variables=[TRACE, CHAIN])
    list(opened(board, sources))  # type: ignore[arg-type]
    assert sources.searches[0]["query"]["bool"]["filter"][1]["query_string"]["query"] == 'trace_id:"7"'
    assert sources.asked[0][0]["query"] == r'chain:("chain\ 1" OR "chain\ 2")'


def test_a_hidden_query_is_not_asked_unless_an_expression_needs_it() -> None:
    sources = Recorded(lambda _: [numbers(calls=[4])])
    hidden = query("a", hide=True)
    list(opened(board_of(hidden, query("b", refId="B")), sources))  # type: ignore[arg-type]
    assert [target["refId"] for target, _ in sources.asked] == ["B"]
    double = {
        "refId": "B",
        "type": "math",
        "expression": "$A * 2",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
    }
    (shown,) = opened(board_of(hidden, double), sources)  # type: ignore[arg-type]
    assert [field.values for frame in shown.frames for field in frame.fields] == [[8]]


def failing(_: Plain) -> list[Frame]:
    raise GrafanaError("Failed to parse query")


@pytest.mark.parametrize(
    ("board", "error"),
    [
        (board_of(query("a")), "Failed to parse query"),
        (board_of(query("user:$usr"), variables=[USER]), "no variable usr"),
    ],
)
def test_what_grafana_would_complain_of_is_the_panels_error(board: Plain, error: str) -> None:
    (shown,) = opened(board, Recorded(failing))  # type: ignore[arg-type]
    assert shown.error == error


def test_a_transformation_that_is_not_known_is_the_panels_error() -> None:
    board = board_of(query("a"), transformations=[{"id": "histogram", "options": {}}])
    (shown,) = opened(board, Recorded())  # type: ignore[arg-type]
    assert "histogram" in shown.error


def test_an_unknown_board_is_named_with_those_that_there_are() -> None:
    assert set(boards(["overview"])) == {"overview"}
    with pytest.raises(LookupError, match=r"no board nothing; there are .*overview"):
        boards(["nothing"])


# --- the command ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--board", "nothing"], "no board nothing"),
        (["--stack", "nowhere/stack.env"], "make stack"),
        (["--since", "soon"], "not a duration"),
        (["--set", "user"], "user"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stack = tmp_path / "stack.env"
    stack.write_text("ELASTICSEARCH_URL=http://127.0.0.1:1\n")
    with pytest.raises(SystemExit) as stopped:
        command.main(argparse.ArgumentParser(), ["--stack", str(stack), "--out", str(tmp_path / "out"), *arguments])
    assert stopped.value.code == 2
    assert told in capsys.readouterr().err


def test_a_stack_that_does_not_answer_is_an_error_in_each_panel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack, out = tmp_path / "stack.env", tmp_path / "out"
    stack.write_text("ELASTICSEARCH_URL=http://127.0.0.1:1\nJAEGER_URL=http://127.0.0.1:1\n")
    arguments = ["--stack", str(stack), "--out", str(out), "--board", "models"]
    assert command.main(argparse.ArgumentParser(), arguments) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[-1] == str(out / "index.html")
    assert all(line.startswith("models: ") and "error: Elasticsearch" in line for line in told[:-1])
    assert len(told) - 1 == len(boards(["models"])["models"]["panels"])
    assert (out / "models.png").stat().st_size > 10_000
    assert command.main(argparse.ArgumentParser(), [*arguments, "--missing"]) == 1
    missing = json.loads(capsys.readouterr().out)
    assert [each["panel"] for each in missing] == [panel["title"] for panel in boards(["models"])["models"]["panels"]]
