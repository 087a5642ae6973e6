"""Judging off the request's path: in its context, dropping and counting rather than waiting, and ending in time."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from typing import Any

import pytest
import throughline
from instrumentation.telemetry import Telemetry
from throughline import names
from throughline.scores import FAITHFULNESS, Answer, Judge
from throughline.scores.rubrics import Message

VERDICT = '{"explanation": "so", "score": 1}'
ANSWER = Answer("Ten days.", ["Ten days."])
PATIENCE = 20.0


def evaluations(telemetry: Telemetry) -> list[Any]:
    return telemetry.events(names.EVALUATION_RESULT)


def test_it_is_judged_in_the_context_of_its_request(telemetry: Telemetry) -> None:
    telemetry.instrument()
    threads: set[str] = set()

    def ask(_messages: list[Message]) -> str:
        threads.add(threading.current_thread().name)
        return VERDICT

    judge = Judge(FAITHFULNESS, ask, model="m")
    tracer = telemetry.tracer_provider.get_tracer("app")
    expected = set()
    for user in ("ada", "bob", "carol"):
        with tracer.start_as_current_span(user) as span, throughline.identify(user_id=user):
            assert judge.soon(ANSWER)
        expected.add((user, span.get_span_context().trace_id, span.get_span_context().span_id))
    assert judge.drain(PATIENCE)
    found = {(event.attributes[names.USER_ID], event.trace_id, event.span_id) for event in evaluations(telemetry)}
    assert found == expected
    assert threads == {"throughline-judge"}


def test_a_judge_that_hangs_costs_the_application_no_time_and_the_rest_is_counted(telemetry: Telemetry) -> None:
    telemetry.instrument()
    begun, go_on = threading.Semaphore(0), threading.Event()

    def ask(_messages: list[Message]) -> str:
        begun.release()
        assert go_on.wait(PATIENCE)
        return VERDICT

    judge = Judge(FAITHFULNESS, ask, model="m", capacity=10, threads=2)
    start = time.monotonic()
    taken = [judge.soon(ANSWER) for _ in range(2)]
    assert all(begun.acquire(timeout=PATIENCE) for _ in range(2)), "both threads hang now"
    taken += [judge.soon(ANSWER) for _ in range(1_000)]
    assert time.monotonic() - start < PATIENCE / 2
    assert sum(taken) == 12, "two are being judged, ten wait"
    assert judge.counts == {"judged": 0, "failed": 0, "dropped": 990}
    assert not judge.drain(0.01)
    go_on.set()
    assert judge.drain(PATIENCE)
    assert judge.counts == {"judged": 12, "failed": 0, "dropped": 990}
    assert len(evaluations(telemetry)) == 12


@pytest.mark.complains
def test_one_that_raises_does_not_end_its_thread(telemetry: Telemetry) -> None:
    telemetry.instrument()
    replies = iter([ValueError("s3cret"), None, VERDICT])

    def ask(_messages: list[Message]) -> str:
        reply = next(replies)
        if isinstance(reply, Exception):
            raise reply
        return reply  # type: ignore[return-value]

    judge = Judge(FAITHFULNESS, ask, model="m", threads=1)
    assert [judge.soon(ANSWER) for _ in range(3)] == [True] * 3
    assert judge.drain(PATIENCE)
    errors = [event.attributes.get(names.ERROR_TYPE) for event in evaluations(telemetry)]
    assert errors == ["ValueError", "NoVerdictError", None]


async def test_an_asynchronous_judge_runs_in_the_loop_after_the_request(telemetry: Telemetry) -> None:
    telemetry.instrument()
    go_on = asyncio.Event()

    async def ask(_messages: list[Message]) -> str:
        await go_on.wait()
        return VERDICT

    judge = Judge(FAITHFULNESS, ask, model="m", capacity=3)
    with throughline.identify(user_id="ada"):
        assert [judge.soon(ANSWER) for _ in range(5)] == [True, True, True, False, False]
    assert judge.counts["dropped"] == 2
    assert not await judge.drained(0.01)
    go_on.set()
    assert await judge.drained(PATIENCE)
    assert [event.attributes[names.USER_ID] for event in evaluations(telemetry)] == ["ada"] * 3


def test_from_threads_an_asynchronous_judge_is_asked_in_one_loop_that_stays(telemetry: Telemetry) -> None:
    """A client keeps connections, which belong to the loop in which they were opened."""
    telemetry.instrument()
    loops: list[asyncio.AbstractEventLoop] = []

    async def ask(_messages: list[Message]) -> str:
        loops.append(asyncio.get_running_loop())
        return VERDICT

    judge = Judge(FAITHFULNESS, ask, model="m", threads=2)
    for user in ("ada", "bob", "carol"):
        with throughline.identify(user_id=user):
            assert judge.soon(ANSWER)
    assert judge.drain(PATIENCE)
    assert judge(ANSWER) is not None
    assert len(loops) == 4
    assert len(set(loops)) == 1
    assert not loops[0].is_closed()
    assert [event.attributes.get(names.USER_ID) for event in evaluations(telemetry)][-1] is None
    assert {event.attributes.get(names.USER_ID) for event in evaluations(telemetry)} == {"ada", "bob", "carol", None}


async def test_what_the_loop_cancels_is_counted_as_dropped(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def ask(_messages: list[Message]) -> str:
        await asyncio.Event().wait()
        return VERDICT

    judge = Judge(FAITHFULNESS, ask, model="m")
    before = asyncio.all_tasks()
    assert judge.soon(ANSWER)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - before:
        task.cancel()
    assert await judge.drained(PATIENCE)
    assert judge.counts["dropped"] == 1
    assert evaluations(telemetry) == []


APPLICATION = """
import os, sys, threading, time
import throughline
from opentelemetry import _logs
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
from throughline.scores import FAITHFULNESS, Answer, Judge

def ask(messages):
    {body}

judge = Judge(FAITHFULNESS, ask, model="m", threads=1)  # before anything is set up
provider = LoggerProvider()
provider.add_log_record_processor(BatchLogRecordProcessor(ConsoleLogRecordExporter()))
_logs.set_logger_provider(provider)
throughline.instrument()
for _ in range(3):
    judge.soon(Answer("Ten days.", ["Ten days."]))
{then}
"""


def _run(body: str, then: str = "") -> tuple[subprocess.CompletedProcess[str], float]:
    code = APPLICATION.format(body=body, then=then)
    start = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", code], timeout=60, check=False, capture_output=True, text=True)
    return ended, time.monotonic() - start


def test_what_waits_at_exit_is_judged_and_exported_before_the_end() -> None:
    ended, _ = _run(f"time.sleep(0.1)\n    return {VERDICT!r}")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count('"gen_ai.evaluation.score.value": 1.0') == 3


def test_a_judge_that_hangs_holds_up_the_exit_for_its_deadline_alone() -> None:
    ended, seconds = _run("threading.Event().wait()")
    assert ended.returncode == 0
    assert "2 answers were not judged" in ended.stderr
    assert seconds < 15, "five of these are the deadline"


def test_a_forked_child_judges_its_own_answers_only() -> None:
    then = """
if os.fork() == 0:
    judge.soon(Answer("Ten days.", ["Ten days."]))
    judge.drain(20)
    print("child", judge.counts["judged"], flush=True)
    os._exit(0)
os.wait()
judge.drain(20)
print("parent", judge.counts["judged"], flush=True)
"""
    ended, _ = _run(f"time.sleep(0.2)\n    return {VERDICT!r}", then)
    assert ended.returncode == 0
    assert "child 1" in ended.stdout
    assert "parent 3" in ended.stdout
