"""What a request is by its records: its steps, its time by step, inside a model call, and whether it failed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from throughline import names
from throughline.explaining import calls
from throughline.explaining.requests import Failure, Request, Step, of_documents
from throughline.explaining.timing import BETWEEN, excesses, time_by_step


def step(kind: str, begin: float, end: float, **attributes: Any) -> Step:
    return Step(kind, f"{kind}-{begin}", begin, end, {key.replace("__", "."): each for key, each in attributes.items()})


def request(*steps: Step, around: tuple[Step, ...] = ()) -> Request:
    return Request("t", tuple(sorted(steps, key=lambda each: each.begin)), around)


def failing(kind: str, begin: float, end: float, error: str) -> Step:
    return step(kind, begin, end, **{names.ERROR_TYPE: error})


def test_each_moment_is_one_steps_and_all_add_up() -> None:
    one = request(step("retrieval", 0, 2), step("chat", 3, 7), step("execute_tool", 4, 5), step("chat", 4.5, 4.75))
    spent = time_by_step(one)
    assert spent == {"retrieval": 2, BETWEEN: 1, "chat": 3.25, "execute_tool": 0.75}
    assert sum(spent.values()) == one.seconds == 7


def test_what_an_agent_does_beside_its_steps_is_between_them() -> None:
    one = request(step("chat", 1, 2), around=(step("invoke_agent", 0, 5),))
    assert time_by_step(one) == {BETWEEN: 4, "chat": 1}


def test_excess_is_beyond_the_peers_median_and_rare_steps_are_left_out() -> None:
    peers = [request(step("chat", 0, seconds)) for seconds in (1, 2, 3)]
    peers[0] = request(step("chat", 0, 1), step("execute_tool", 1, 4))
    found = {each.step: each for each in excesses(request(step("retrieval", 0, 1), step("chat", 1, 6)), peers)}
    assert {name: (each.seconds, each.typical, each.excess) for name, each in found.items()} == {
        "chat": (5, 2, 3),
        "retrieval": (1, 0, 1),
    }
    assert list(found) == ["chat", "retrieval"]


def test_a_request_failed_when_what_ended_last_did() -> None:
    assert request(failing("chat", 0, 1, "Timeout")).failure == Failure("chat", "Timeout")
    assert request(failing("chat", 0, 1, "Timeout"), step("chat", 1, 2)).failure is None
    agent = failing("invoke_agent", 0, 3, "LoopError")
    assert request(step("chat", 0, 1), around=(agent,)).failure == Failure("invoke_agent", "LoopError")


def test_peers_are_sought_by_what_failed_else_by_the_longest_model_call() -> None:
    assert request(step("retrieval", 0, 9), step("chat", 9, 10), step("chat", 10, 12)).anchor.begin == 10
    assert request(step("chat", 0, 5), failing("retrieval", 5, 6, "Timeout")).anchor.kind == "retrieval"
    assert request(step("build_prompt", 0, 5)).anchor.kind == "build_prompt"


def test_times_come_from_the_start_else_from_the_collectors_stamp() -> None:
    told = {names.OPERATION_NAME: "chat", names.DURATION: 2.0}
    exact = {**told, names.START_TIME_UNIX_NANO: 5_000_000_000}
    documents: list[dict[str, Any]] = [
        {"trace_id": "a", "@timestamp": "99000.0", "attributes": exact},
        {"trace_id": "b", "@timestamp": "99000.5", "attributes": told},
        {"trace_id": "c", "@timestamp": "never", "attributes": told},
        {"trace_id": "d", "@timestamp": "99000.0", "attributes": {}},
        {"@timestamp": "99000.0", "attributes": told},
    ]
    found = {each.trace_id: (each.begin, each.end) for each in of_documents(documents)}
    assert found == {"a": (5, 7), "b": (pytest.approx(97), pytest.approx(99))}


def call(seconds: float, tokens: int, *, first: float | None = None, **more: Any) -> Step:
    attributes: dict[str, Any] = {names.USAGE_OUTPUT_TOKENS: tokens, **more}
    if first is not None:
        attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] = first
    return Step("chat", "r", 0, seconds, attributes)


STREAMS = [call(0.5 + tokens * 0.01, tokens, first=0.5) for tokens in range(80, 121)]
"""Typically half a second, then a hundred tokens in one second."""
WHOLE = [call(0.5 + tokens * 0.01, tokens) for tokens in range(80, 121)]


def parts(found: list[calls.Share]) -> dict[str, float]:
    return {each.part: round(each.excess, 6) for each in found}


def test_a_streams_excess_is_its_wait_its_length_and_its_pace() -> None:
    found = calls.shares(call(2 + 300 * 0.02, 300, first=2), STREAMS)
    assert parts(found) == {"slower answer": 3.0, "longer answer": 2.0, "waiting": 1.5}
    assert sum(each.excess for each in found) == pytest.approx(8 - 1.5)


def test_a_whole_answers_excess_is_its_length_and_the_rest() -> None:
    assert parts(calls.shares(call(0.5 + 3.0, 300), WHOLE)) == {"longer answer": 2.0, "slower answer": 0.0}
    assert parts(calls.shares(call(6.5, 100), WHOLE)) == {"slower answer": 5.0, "longer answer": 0.0}


def test_retries_take_what_their_pauses_were_else_all_that_was_waited() -> None:
    tried = {names.ATTEMPT_COUNT: 3}
    assert parts(calls.shares(call(6.5, 100, first=5.5, **tried), STREAMS, delays=4.0))["retries"] == 4.0
    assert parts(calls.shares(call(6.5, 100, first=5.5, **tried), STREAMS)) == {
        "retries": 5.0,
        "waiting": 0.0,
        "longer answer": 0.0,
        "slower answer": 0.0,
    }
    recorded = call(6.5, 100, **tried, **{names.ATTEMPT_DELAY: 4.0})
    assert parts(calls.shares(recorded, WHOLE)) == {"retries": 4.0, "slower answer": 1.0, "longer answer": 0.0}


def test_a_quarter_of_slow_peers_bends_no_line() -> None:
    rng = np.random.default_rng(4)
    mixed = [call(each.seconds + (20 if rng.random() < 0.2 else 0), 80 + place) for place, each in enumerate(WHOLE)]
    assert parts(calls.shares(call(6.5, 100), mixed))["slower answer"] == pytest.approx(5.0, abs=0.2)


@pytest.mark.parametrize(
    ("own", "peers"),
    [
        (call(5, 100), WHOLE[:9]),
        (call(5, 100), STREAMS),
        (Step("chat", "r", 0, 5, {}), WHOLE),
        (call(5, 100, **{names.ERROR_TYPE: "Timeout"}), WHOLE),
    ],
)
def test_a_call_without_tokens_or_likes_is_not_taken_apart(own: Step, peers: list[Step]) -> None:
    assert calls.shares(own, peers) == []
