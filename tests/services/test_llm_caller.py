"""The LLM caller over real gRPC, with the real openai client, against the real simulator."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import httpx
import httpx2
import openai
import pytest
from throughline_services.llm_caller.agent import _run
from throughline_services.llm_caller.provider_errors import meaning
from throughline_services.runtime.failures import from_rpc
from throughline_services.stubs import llm_caller_pb2 as messages

Start = Callable[..., Awaitable[Any]]
PASSAGE = "[1] Claims\nMost claims are settled within ten working days."
EXPECTED = "Most claims are settled within ten working days. [1]"


def request(question: str = "How long does a claim take?", **more: Any) -> Any:
    asked = [messages.Message(role="system", content=PASSAGE), messages.Message(role="user", content=question)]
    return messages.CompleteRequest(messages=asked, **more)


async def test_completion_holds_text_usage_and_the_providers_ids(llm_caller: Start) -> None:
    reply = await (await llm_caller()).Complete(request(model="sim-reasoning"))
    assert (reply.text, reply.model, reply.finish_reason) == (EXPECTED, "sim-reasoning", "stop")
    assert reply.response_id.startswith("chatcmpl-")
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > reply.usage.reasoning_output_tokens > 0


async def test_model_that_is_not_named_is_the_configured_one(llm_caller: Start) -> None:
    assert (await (await llm_caller(model="sim-large")).Complete(request())).model == "sim-large"


async def test_stream_delivers_text_as_it_comes_and_completes_with_all_of_it(llm_caller: Start) -> None:
    replies = [reply async for reply in (await llm_caller()).Stream(request())]
    deltas = [reply.delta for reply in replies[:-1]]
    assert len(deltas) > 3
    assert "".join(deltas) == EXPECTED == replies[-1].completion.text
    assert replies[-1].completion.finish_reason == "stop"
    assert replies[-1].completion.usage.output_tokens > 0


async def test_options_reach_the_model(llm_caller: Start) -> None:
    reply = await (await llm_caller()).Complete(request(max_tokens=2, temperature=0.0))
    assert reply.finish_reason == "length"
    assert reply.usage.output_tokens == 2


async def test_retries_are_made_by_the_client_until_one_succeeds(llm_caller: Start, simulator: Any) -> None:
    await simulator.control(next=["429", "500", "200"])
    assert (await (await llm_caller()).Complete(request())).text == EXPECTED
    assert await simulator.seen() == {"429": 1, "500": 1, "200": 1}


FAILURES = [
    (["429"], "RESOURCE_EXHAUSTED", "RATE_LIMITED"),
    (["500"], "UNAVAILABLE", "MODEL_FAILED"),
    (["timeout"], "DEADLINE_EXCEEDED", "MODEL_TIMEOUT"),
    (["disconnect"], "UNAVAILABLE", "MODEL_UNREACHABLE"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("forced", "code", "reason"), FAILURES)
async def test_provider_failure_becomes_a_status_with_a_reason(
    llm_caller: Start, simulator: Any, forced: list[str], code: str, reason: str, streamed: bool
) -> None:
    await simulator.control(next=forced)
    stub = await llm_caller(max_retries=0, timeout=1.0 if forced == ["timeout"] else 30.0)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (_all(stub.Stream(request())) if streamed else stub.Complete(request()))
    failure = from_rpc(failed.value)
    assert (failure.code, failure.reason) == (getattr(grpc.StatusCode, code), reason)
    assert "claim" not in failure.message


async def _all(call: Any) -> list[Any]:
    return [reply async for reply in call]


async def test_text_before_a_stream_breaks_off_has_been_delivered(llm_caller: Start, simulator: Any) -> None:
    await simulator.control(next=["disconnect"])
    call = (await llm_caller(max_retries=0)).Stream(request())
    assert (await call.read()).delta == "Most "


async def test_wrong_key_is_a_fault_of_the_set_up(llm_caller: Start) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await (await llm_caller(api_key="invalid")).Complete(request())
    failure = from_rpc(failed.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CREDENTIALS_REFUSED")
    assert "OPENAI_API_KEY" in failure.message


async def test_model_server_that_is_not_there_is_unreachable(llm_caller: Start) -> None:
    stub = await llm_caller(base_url="http://127.0.0.1:1/v1", max_retries=0)
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.Complete(request())
    assert from_rpc(failed.value).reason == "MODEL_UNREACHABLE"


@pytest.mark.parametrize("streamed", [False, True])
async def test_filtered_answer_arrives_with_its_finish_reason(
    llm_caller: Start, simulator: Any, streamed: bool
) -> None:
    await simulator.control(next=["content_filter"])
    stub = await llm_caller()
    completion = (await _all(stub.Stream(request())))[-1].completion if streamed else await stub.Complete(request())
    assert completion.finish_reason == "content_filter"
    assert EXPECTED.startswith(completion.text)


@pytest.mark.parametrize("streamed", [False, True])
async def test_deadline_of_the_caller_ends_the_call_to_the_model(
    llm_caller: Start, simulator: Any, streamed: bool
) -> None:
    await simulator.control(inter_chunk=60 if streamed else 0, next=[] if streamed else ["timeout"])
    stub = await llm_caller(deadline_margin=1.0, max_retries=0)
    with pytest.raises(grpc.aio.AioRpcError) as late:
        await (_all(stub.Stream(request(), timeout=1.5)) if streamed else stub.Complete(request(), timeout=1.5))
    failure = from_rpc(late.value)
    assert failure.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert failure.reason in {"DEADLINE_REACHED", "MODEL_TIMEOUT"}, "told with a reason, within the margin"


async def test_cancelling_the_call_closes_the_models_stream(llm_caller: Start, simulator: Any) -> None:
    await simulator.control(inter_chunk=60)
    call = (await llm_caller()).Stream(request())
    assert (await call.read()).delta == "Most "
    call.cancel()
    await simulator.until_seen("left")


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (messages.CompleteRequest(), "MESSAGES_EMPTY"),
        (messages.CompleteRequest(messages=[messages.Message(role="robot", content="hi")]), "ROLE_UNKNOWN"),
    ],
)
async def test_wrong_request_is_refused_before_the_model_is_called(
    llm_caller: Start, simulator: Any, wrong: Any, reason: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await (await llm_caller()).Complete(wrong)
    failure = from_rpc(refused.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert await simulator.seen() == {}


def _status_error(kind: type[openai.APIStatusError], status: int, code: str | None) -> openai.APIStatusError:
    reply = httpx2.Response(status, request=httpx2.Request("POST", "http://model/v1"))
    return kind("the provider quotes: canary-1177", response=reply, body={"code": code})


@pytest.mark.parametrize(
    ("kind", "status", "code", "reason"),
    [
        (openai.BadRequestError, 400, "content_filter", "PROMPT_FILTERED"),
        (openai.BadRequestError, 400, "context_length_exceeded", "PROMPT_TOO_LONG"),
        (openai.BadRequestError, 400, None, "REQUEST_REFUSED"),
        (openai.NotFoundError, 404, "model_not_found", "MODEL_UNKNOWN"),
        (openai.PermissionDeniedError, 403, None, "CREDENTIALS_REFUSED"),
        (openai.RateLimitError, 429, "insufficient_quota", "QUOTA_EXHAUSTED"),
    ],
)
def test_refusal_of_the_provider_is_told_apart_without_quoting_it(
    kind: type[openai.APIStatusError], status: int, code: str | None, reason: str
) -> None:
    failure = meaning(_status_error(kind, status, code))
    assert failure is not None
    assert failure.reason == reason
    assert "canary" not in failure.message


def test_error_that_is_not_the_providers_is_left_alone() -> None:
    assert meaning(KeyError("x")) is None
    assert meaning(asyncio.CancelledError()) is None  # type: ignore[arg-type]  # whatever is raised is asked about
    assert meaning(httpx.ConnectError("x")) is None


async def test_the_claims_desk_runs_its_tool_and_answers_with_what_it_said(llm_caller: Start, simulator: Any) -> None:
    reply = await (await llm_caller()).Complete(request("Where is my claim 4712?", agent="claims-desk"))
    assert (reply.text, reply.finish_reason) == ("Claim 4712 was paid on 19 November.", "stop")
    assert await simulator.seen() == {"200": 2}
    alone = await (await llm_caller()).Complete(request("Where is my claim 4712?"))
    assert reply.usage.input_tokens > 2 * alone.usage.input_tokens  # of both turns, the second with the tool's words


async def test_its_stream_has_the_whole_answer_in_one_piece(llm_caller: Start) -> None:
    asked = request("What about claim 9999?", agent="claims-desk")
    delta, end = [reply async for reply in (await llm_caller()).Stream(asked)]
    assert delta.delta == end.completion.text == "There is no claim 9999."


async def test_a_tool_that_fails_is_told_to_the_model_and_the_answer_says_so(llm_caller: Start) -> None:
    reply = await (await llm_caller()).Complete(request("Where is my claim 4716?", agent="claims-desk"))
    assert "cannot be read" in reply.text
    assert reply.finish_reason == "stop"


async def test_an_agent_that_is_not_there_is_refused(llm_caller: Start) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await (await llm_caller()).Complete(request(agent="complaints-desk"))
    assert from_rpc(refused.value).reason == "AGENT_UNKNOWN"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [('{"number": "4711"}', "being checked"), ("no JSON", "no claim"), ("[4711]", "no claim"), ("{}", "no claim")],
)
async def test_odd_arguments_of_a_tool_find_no_claim(arguments: str, told: str) -> None:
    call = SimpleNamespace(id="call-1", function=SimpleNamespace(name="claim_status", arguments=arguments))
    answer = await _run(call)
    assert (answer["role"], answer["tool_call_id"]) == ("tool", "call-1")
    assert told in answer["content"]
