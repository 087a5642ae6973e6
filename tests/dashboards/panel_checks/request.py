"""What the board of one request shows of the seventh known call; its trace is Jaeger's and looked at in test_traces."""

from __future__ import annotations

import pytest
from dashboards.panel_checks import Shown, checks

SEVENTH = f"{7:032x}"
CALL = f"{SEVENTH}{7:016x}"
SEARCH = f"{SEVENTH}{1007:016x}"
TOOL = f"{SEVENTH}{5007:016x}"


@checks("request", "In all")
def _whole(shown: Shown) -> None:
    # Its agent began 0.993 s before the sixth minute, its search ended 1.007 s after the seventh.
    assert shown.columns(trace_id=SEVENTH) == {
        "Steps": [6],
        "Took": [pytest.approx(62.0, abs=0.002)],
        "Errors": [0],
        "Tokens in": [1000],
        "Tokens out": [10],
        "Cost": [pytest.approx(0.001)],
    }
    assert shown.columns() == {}


@checks("request", "Share of time by step")
def _shares(shown: Shown) -> None:
    found = {row["Step"]: row["Took"] for row in shown.rows(trace_id=SEVENTH)}
    assert found == pytest.approx(
        {"chat": 0.7, "retrieval": 0.005, "build_prompt": 0.001, "post_process": 0.004, "execute_tool": 0.1}
    )


@checks("request", "Steps")
def _steps(shown: Shown) -> None:
    rows = shown.rows(trace_id=SEVENTH)
    assert [(row["Step"], row["Judging"]) for row in rows][:2] == [("chat", True), ("retrieval", None)]
    found = {row["Step"]: row for row in rows if not row["Judging"]}
    assert set(found) == {"chat", "retrieval", "build_prompt", "post_process", "execute_tool", "invoke_agent"}
    assert {step: row["Tool"] for step, row in found.items() if row["Tool"]} == {"execute_tool": "lookup"}
    assert found["execute_tool"]["Record"] == TOOL
    assert found["execute_tool"]["Took"] == 0.1
    assert found["invoke_agent"]["Agent"] == "desk"
    assert found["chat"]["Chain"] == "chain-a"
    failed = {row["Step"]: row["Error"] for row in shown.rows(trace_id=f"{10:032x}") if row["Error"]}
    assert failed == {"chat": "RateLimitError", "execute_tool": "ToolError"} | failed
    assert len(rows) == 7


@checks("request", "Model calls and retrievals")
def _calls(shown: Shown) -> None:
    rows = {row["Record"]: row for row in shown.rows(trace_id=SEVENTH)}
    assert set(rows) == {CALL, SEARCH}
    call = rows[CALL]
    assert (call["User"], call["Prompt"], call["Model"], call["Variant"]) == (
        "user 2",
        "help-desk",
        "sim-small",
        "concise",
    )
    assert (call["Took"], call["Cost"], call["Trace"]) == (0.7, 0.001, SEVENTH)


@checks("request", "Parameters")
def _parameters(shown: Shown) -> None:
    (row,) = shown.rows(trace_id=SEVENTH)
    assert row["Temperature"] == 0.2
    assert row["Most tokens"] == 400
    assert (row["Prompt"], row["Version"], row["Variant"]) == ("help-desk", "1", "concise")
    assert row["Finish reason"] == ["stop"]


@checks("request", "Prompt and response")
def _said(shown: Shown) -> None:
    (row,) = shown.rows(trace_id=SEVENTH)
    assert row == {
        "Prompt": [{"role": "user", "parts": [{"type": "text", "content": "question 7"}]}],
        "Response": [{"role": "assistant", "parts": [{"type": "text", "content": "answer 7"}]}],
        "Record": CALL,
    }


@checks("request", "Passages and tools")
def _found(shown: Shown) -> None:
    rows = {row["Record"]: row for row in shown.rows(trace_id=SEVENTH)}
    nothing = dict.fromkeys(("Looked for", "Passages", "Tool's arguments", "Tool's result"))
    assert rows == {
        SEARCH: nothing
        | {
            "Looked for": "search 7",
            "Passages": [{"id": "lending", "score": 0.35, "content": "passage 7"}],
            "Record": SEARCH,
        },
        TOOL: nothing | {"Tool's arguments": "look up 7", "Tool's result": "found 7", "Record": TOOL},
    }


@checks("request", "Scores")
def _scores(shown: Shown) -> None:
    rows = {row["Score"]: row for row in shown.rows(trace_id=SEVENTH)}
    assert set(rows) == {"groundedness", "rating"}
    assert rows["groundedness"] == {
        "Score": "groundedness",
        "Value": 0.35,
        "Label": "fail",
        "By": "code",
        "Scorer": "groundedness/1",
        "Because": "because of 7",
        "Record": f"{7007:048x}",
    }
    assert (rows["rating"]["Value"], rows["rating"]["Because"]) == (1.0, None)
    assert {row["By"] for row in shown.rows(trace_id=f"{5:032x}")} == {"code", "user", "judge"}


@checks("request", "Verification")
def _verification(shown: Shown) -> None:
    # The chain was broken when it was verified for the first time.
    (row,) = shown.rows(trace_id=SEVENTH)
    assert (row["Chain"], row["State"], row["Records"], row["Proven"]) == ("chain-a", "proven", 50, 50)
    assert row["Service"] == "llm-caller"
    assert [row["Chain"] for row in shown.rows(trace_id=f"{60:032x}")] == ["chain-b"]
    assert shown.rows() == []
    states = {override["matcher"]["options"]: override for override in shown.panel["fieldConfig"]["overrides"]}
    (mappings,) = (each["value"] for each in states["State"]["properties"] if each["id"] == "mappings")
    assert set(mappings[0]["options"]) == {"proven", "sound", "broken"}
