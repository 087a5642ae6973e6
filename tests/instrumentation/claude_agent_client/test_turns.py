"""Claude's agent SDK: one prompt and all that comes of it is one operation, whatever goes on in the CLI."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import fields, replace
from typing import Any

import pytest
import throughline
from claude_agent_sdk import ResultMessage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instrumentation.claude_agent_client.subjects import (
    BOTH,
    CANARY,
    INIT,
    RUN,
    Canned,
    asked,
    result,
    said,
    talking,
)
from instrumentation.harmless import RECORDER_HOOKS, json_values
from instrumentation.patching import found
from instrumentation.steps import check_everything, ending
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import context
from opentelemetry.trace import SpanKind
from throughline import instrumentor, names
from throughline.adapter import Patch
from throughline.adapters import claude_agent as adapter

pytestmark = pytest.mark.filterwarnings(  # the SDK's own, where its generators are left before their end
    "ignore:.*MemoryObject(Receive|Send)Stream:pytest.PytestUnraisableExceptionWarning"
)
PATCHES = list(adapter.ClaudeAgent.patches)
HOOKS = [
    *((adapter.Turn, name) for name in ("request", "request_content", "response", "response_content", "fold")),
    (adapter.Turn, "fold_content"),
    *((adapter.ClaudeAgent, name) for name in ("route", "prepare", "saw")),
    *((adapter, name) for name in ("_read_usage", "_read_end", "_part")),
    *((owner, name) for owner, name in RECORDER_HOOKS if name != "deliver"),  # a generator is not delivered
]
SHOWN = {
    names.OPERATION_NAME: "invoke_agent",
    names.REQUEST_MODEL: "claude-test-1",
    names.CONVERSATION_ID: "session-1",
    names.RESPONSE_MODEL: "claude-test-1",
    names.RESPONSE_FINISH_REASONS: ["stop"],
    names.USAGE_INPUT_TOKENS: 11,
    names.USAGE_CACHE_READ_INPUT_TOKENS: 4,
    names.USAGE_CACHE_CREATION_INPUT_TOKENS: 2,
    names.USAGE_OUTPUT_TOKENS: 7,
    names.END_REASON: "completed",
}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What the SDK leaves behind is collected within the test that made it."""
    yield
    gc.collect()


async def drained(messages: Any) -> list[Any]:
    return [message async for message in messages]


async def turns(client: Any, *prompts: Any) -> list[Any]:
    seen = []
    async with client:
        for prompt in prompts:
            await client.query(prompt)
            seen.append(await drained(client.receive_response()))
    return seen


@pytest.mark.parametrize("client", [False, True])
async def test_a_turn_is_one_operation(telemetry: Telemetry, client: bool) -> None:
    telemetry.instrument(content=BOTH)
    before = context.get_current()
    options = {"model": "claude-test-1", "system_prompt": "Be brief."}
    if client:
        await turns(talking(Canned(), **options), "How warm is it?")
    else:
        await drained(asked(Canned(), **options))
    assert context.get_current() == before
    span, shown = telemetry.span(), telemetry.attributes()
    assert (span.name, span.kind) == ("invoke_agent", SpanKind.INTERNAL)
    assert json.loads(shown.pop(names.INPUT_MESSAGES)) == [
        {"role": "user", "parts": [{"type": "text", "content": "How warm is it?"}]}
    ]
    assert json.loads(shown.pop(names.OUTPUT_MESSAGES)) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Cold."}], "finish_reason": "stop"}
    ]
    assert json.loads(shown.pop(names.SYSTEM_INSTRUCTIONS)) == [{"type": "text", "content": "Be brief."}]
    assert shown == SHOWN
    check_everything(telemetry)


async def test_a_conversation_has_an_operation_for_each_prompt(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    seen = await turns(talking(Canned(RUN, [said({"type": "text", "text": "Warm."}), result()])), "one", "two")
    assert [len(messages) for messages in seen] == [len(RUN), 2]
    first, second = [plain(span.attributes) for span in telemetry.spans()]
    for shown, prompt, answer in ((first, "one", "Cold."), (second, "two", "Warm.")):
        assert json.loads(shown[names.INPUT_MESSAGES])[0]["parts"][0]["content"] == prompt
        assert json.loads(shown[names.OUTPUT_MESSAGES])[0]["parts"][0]["content"] == answer
        assert shown[names.CONVERSATION_ID] == "session-1"
    check_everything(telemetry)


async def test_prompts_from_an_iterator_are_left_to_the_sdk(telemetry: Telemetry) -> None:
    async def prompts() -> Any:
        yield {"type": "user", "message": {"role": "user", "content": CANARY}, "parent_tool_use_id": None}

    telemetry.instrument(content=BOTH)
    transport = Canned()
    await drained(asked(transport, prompts()))
    (sent,) = [one for one in transport.written if one["type"] == "user"]
    assert sent["message"]["content"] == CANARY
    assert names.INPUT_MESSAGES not in telemetry.attributes()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"subtype": "error_max_turns", "is_error": True, "stop_reason": None}, ("error", "error_max_turns")),
        ({"is_error": True, "api_error_status": 529}, ("error", "529")),
        ({"is_error": True}, ("error", "error")),
        ({"terminal_reason": "aborted_streaming"}, ("interrupted", None)),
    ],
)
async def test_the_result_says_how_it_ended(telemetry: Telemetry, more: Any, expected: Any) -> None:
    if not more.keys() <= {field.name for field in fields(ResultMessage)}:
        pytest.skip("this version does not tell")
    telemetry.instrument()
    await turns(talking(Canned([INIT, result(**more)])), "hi")
    assert ending(telemetry.span()) == expected


async def test_no_usage_is_invented(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await turns(talking(Canned([INIT, result(usage=None)])), "hi")
    assert not [name for name in telemetry.attributes() if "usage" in name]


# --- endings ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def uncollected() -> Iterator[None]:
    """What is let go of ends at once, not when the collector comes by."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_an_error_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    for messages in (asked(Canned([INIT, ConnectionError(CANARY)])), asked(Canned([{"type": "assistant"}]))):
        with pytest.raises(Exception):  # noqa: B017, PT011 - the SDK's own
            await drained(messages)
    assert {ending(span)[0] for span in telemetry.spans()} == {"error"}
    assert CANARY not in telemetry.everything()


@pytest.mark.usefixtures("uncollected")
async def test_a_stream_that_is_closed_ends_at_once(telemetry: Telemetry) -> None:
    """The SDK lets go of its own generator, and of a stream in it, where the caller closes the one around it."""
    telemetry.instrument()
    async with aclosing(asked(Canned())) as messages:
        async for _message in messages:
            break
    assert ending(telemetry.span()) == ("dropped", None)


@pytest.mark.usefixtures("uncollected")
async def test_a_response_that_is_let_go_of_ends_at_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with talking(Canned()) as client:
        await client.query("hi")
        async for _message in client.receive_response():
            break
        await asyncio.sleep(0)
        telemetry.ended(1)
        assert ending(telemetry.span())[0] in ("closed", "dropped")


async def test_who_stops_at_the_result_missed_nothing(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with aclosing(asked(Canned())) as messages:
        async for message in messages:
            if type(message).__name__ == "ResultMessage":
                break
    assert ending(telemetry.span()) == ("completed", None)


async def test_one_never_begun_is_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    messages = asked(Canned())
    await messages.aclose()
    assert not telemetry.spans()


async def test_a_cancelled_turn_is_no_success(telemetry: Telemetry) -> None:
    telemetry.instrument()
    seen = asyncio.Event()

    async def reading(client: Any) -> None:
        async for _message in client.receive_response():
            seen.set()

    async with talking(Canned([INIT])) as client:
        await client.query("hi")
        task = asyncio.create_task(reading(client))
        await seen.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert ending(telemetry.span()) == ("cancelled", "CancelledError")


async def test_content_stays_where_it_is_unless_it_is_asked_for(telemetry: Telemetry) -> None:
    telemetry.instrument()
    answer = [*RUN[:-1], said({"type": "text", "text": CANARY}), result(result=CANARY)]
    await turns(talking(Canned(answer), system_prompt=CANARY), CANARY)
    assert telemetry.spans()
    assert CANARY not in telemetry.everything()


async def test_many_at_once_keep_apart(telemetry: Telemetry) -> None:
    telemetry.instrument()
    answers = [[INIT, result(session_id=f"session-{number}")] for number in range(8)]
    await asyncio.gather(*(turns(talking(Canned(answer)), "hi") for answer in answers))
    found_ids = {plain(span.attributes)[names.CONVERSATION_ID] for span in telemetry.spans()}
    assert found_ids == {f"session-{number}" for number in range(8)}


# --- faults ----------------------------------------------------------------------------------------------------------


async def outcomes() -> list[Any]:
    """What an application sees."""
    seen: list[Any] = [await drained(asked(Canned())), await turns(talking(Canned(RUN, RUN)), "one", "two")]
    try:
        seen.append(await drained(asked(Canned([ConnectionError("lost")]))))
    except Exception as error:
        seen.append((type(error), str(error)))
    return [repr(one) for one in seen]


@pytest.mark.complains
@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook[0].__name__}.{hook[1]}")
async def test_a_broken_hook_costs_telemetry_only(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, hook: tuple[Any, str]
) -> None:
    expected, broken = await outcomes(), []

    def raising(*_args: Any, **_kwargs: Any) -> Any:
        broken.append(hook)
        raise RuntimeError("a bug in telemetry")

    monkeypatch.setattr(*hook, raising)
    telemetry.instrument(content=BOTH)
    assert await outcomes() == expected
    assert broken or hook[1] == "amend"  # nothing of these goes over a wire of its own


async def test_originals_are_put_back_by_identity_and_patched_again(telemetry: Telemetry) -> None:
    before = [found(patch) for patch in PATCHES]
    assert all(before)
    telemetry.instrument()
    assert all(new is not old for new, old in zip(map(found, PATCHES), before, strict=True))
    throughline.uninstrument()
    assert all(new is old for new, old in zip(map(found, PATCHES), before, strict=True))
    telemetry.instrument()
    await drained(asked(Canned()))
    assert telemetry.span()


@pytest.mark.complains
@pytest.mark.parametrize("gone", [patch.point for patch in PATCHES])
async def test_a_missing_point_is_said_once_and_harms_nothing(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gone: str
) -> None:
    patches: list[Patch] = [replace(p, point=f"{p.point}_gone") if p.point == gone else p for p in PATCHES]
    expected = await outcomes()
    monkeypatch.setattr(adapter.ClaudeAgent, "patches", patches)
    telemetry.instrument()
    assert await outcomes() == expected
    (warning,) = [line for line in caplog.messages if "is not recorded" in line]
    assert gone.partition(":")[2] in warning
    (status,) = [status for status in instrumentor.status() if status.client == "claude_agent"]
    assert (status.state, status.missing) == ("partly patched", (f"{gone}_gone",))
    assert telemetry.spans()


async def test_it_can_be_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument(disabled_clients=frozenset({"claude_agent"}))
    await drained(asked(Canned()))
    assert not telemetry.spans()


_FIELDS = st.sampled_from(["usage", "session_id", "stop_reason", "subtype", "result", "is_error", "content", "model"])


@pytest.mark.complains
@pytest.mark.timeout(600)
@settings(
    max_examples=1000, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(changes=st.dictionaries(_FIELDS, json_values, max_size=4), data=json_values)
def test_malformed_messages_pass_as_they_are(
    telemetry: Telemetry, caplog: pytest.LogCaptureFixture, changes: dict[str, Any], data: Any
) -> None:
    answer = said({"type": "text", "text": "Cold."}, {"type": "tool_use", "id": "1", "name": "odd", "input": data})
    answer["message"].update({key: changes[key] for key in ("content", "model") if key in changes})
    messages = [{**INIT, "session_id": data}, answer, result(**{**changes, "content": None})]

    def outcome() -> Any:
        try:
            return repr(asyncio.run(drained(asked(Canned(messages)))))
        except Exception as error:
            return type(error), str(error)

    throughline.uninstrument()
    expected = outcome()
    telemetry.instrument(content=BOTH)
    assert outcome() == expected
    assert not [line for line in caplog.messages if "Invalid type" in line]
