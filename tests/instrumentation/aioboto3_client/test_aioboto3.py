"""What only aioboto3's clients for Bedrock have: bodies awaited later, and what other clients hold synchronously."""

from __future__ import annotations

import asyncio
import gc
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiobotocore.response import StreamingBody
from instrumentation.aioboto3_client.transport import Api, event_stream, failure, response, whole
from instrumentation.aioboto3_client.wire import AioBedrock
from instrumentation.bedrock_client.bodies import CLAUDE
from instrumentation.bedrock_client.bodies import PLAIN as INVOKED
from instrumentation.bedrock_client.exchanges import ASKED, HELLO, HELLO_CHUNKS
from instrumentation.bedrock_client.transport import HEADERS, events
from instrumentation.endings import OurError, one_end
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import context, trace
from throughline import attempts, names

RUNTIME = "bedrock-runtime"
CONVERSE = answering(lambda: whole(HELLO))
STREAM = answering(lambda: event_stream(events(HELLO_CHUNKS)))
INVOKE = answering(lambda: whole(CLAUDE, x_amzn_bedrock_input_token_count="12"))


async def client(handler: Any, service: str = RUNTIME, **options: Any) -> Any:
    return await Api(handler, service, **options).ready()


async def body(telemetry: Telemetry) -> Any:
    telemetry.instrument()
    return (await (await client(INVOKE)).invoke_model(**INVOKED.request))["body"]


async def settled() -> None:
    for _ in range(10):  # the event loop itself closes an async generator that was let go
        await asyncio.sleep(0)


@pytest.mark.parametrize("mode", ["legacy", "standard"])
async def test_attempts_are_seen_with_the_time_between_them(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    telemetry.instrument()
    clock, slept = [1_000.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(attempts, "perf_counter", lambda: clock[0])
    monkeypatch.setattr("aiobotocore.endpoint.asyncio", SimpleNamespace(sleep=sleep))
    throttled = failure("ThrottlingException", 429)
    handler = answering(throttled, AioBedrock().unreachable(), lambda: whole(HELLO))
    await (await client(handler, retries=3, mode=mode)).converse(**ASKED)
    first, second = [plain(event.attributes or {}) for event in telemetry.span().events]
    assert first[names.HTTP_RESPONSE_STATUS_CODE] == 429
    assert second[names.ERROR_TYPE] == "EndpointConnectionError"
    assert [first[names.ATTEMPT_DELAY], second[names.ATTEMPT_DELAY]] == pytest.approx(slept)


async def test_the_callers_context_is_his_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    before = context.get_current()
    async for _ in (await (await client(STREAM)).converse_stream(**ASKED))["stream"]:
        assert context.get_current() == before
        assert not trace.get_current_span().get_span_context().is_valid
    assert telemetry.span()


@pytest.mark.parametrize("error", [OurError("from a transport"), KeyboardInterrupt(), SystemExit()])
def test_errors_and_interrupts_are_the_callers(telemetry: Telemetry, error: BaseException) -> None:
    telemetry.instrument()
    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(type(error)):
            loop.run_until_complete(AioBedrock().stream(Api(answering(error), RUNTIME), ASKED))
    finally:
        loop.close()
    one_end(telemetry, "error", type(error).__name__)


async def test_a_stream_let_go_ends_without_the_collector(telemetry: Telemetry) -> None:
    telemetry.instrument()
    gc.disable()
    try:
        async for _ in (await (await client(STREAM)).converse_stream(**ASKED))["stream"]:
            break
        await settled()
        one_end(telemetry, "dropped")
    finally:
        gc.enable()


async def test_a_body_never_read_is_dropped(telemetry: Telemetry) -> None:
    gc.disable()
    try:
        waiting = await body(telemetry)
        assert not telemetry.spans()
        del waiting
        found = telemetry.attributes()
    finally:
        gc.enable()
    assert (found[names.END_REASON], found[names.USAGE_INPUT_TOKENS]) == ("dropped", 12)


async def test_a_body_closed_is_closed(telemetry: Telemetry) -> None:
    waiting = await body(telemetry)
    waiting.close()
    waiting.close()
    assert telemetry.attributes()[names.END_REASON] == "closed"


async def test_a_body_stays_the_clients_own(telemetry: Telemetry) -> None:
    waiting = await body(telemetry)
    assert type(waiting) is StreamingBody
    assert waiting.status == 200
    assert json.loads(await waiting.read()) == CLAUDE
    assert waiting.tell() in (0, len(json.dumps(CLAUDE)))
    assert telemetry.attributes()[names.END_REASON] == "completed"


async def test_a_body_that_breaks_fails(telemetry: Telemetry) -> None:
    def breaking() -> Any:
        yield b'{"id": '
        raise ConnectionResetError("lost")

    telemetry.instrument()
    api = await client(answering(lambda: response(breaking(), HEADERS)))
    waiting = (await api.invoke_model(**INVOKED.request))["body"]
    with pytest.raises(Exception, match="lost") as caught:
        async with waiting as raw:
            await raw.read()
    one_end(telemetry, "error", type(caught.value).__qualname__)


async def test_a_reader_that_is_cancelled_is_no_success(telemetry: Telemetry) -> None:
    telemetry.instrument()
    asked = asyncio.Event()

    async def blocks() -> Any:
        yield b"{"
        asked.set()
        await asyncio.Event().wait()

    api = await client(answering(lambda: response(blocks(), HEADERS)))
    waiting = (await api.invoke_model(**INVOKED.request))["body"]
    task = asyncio.create_task(waiting.read())
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    one_end(telemetry, "cancelled", "CancelledError")


async def test_only_ones_own_proxy_is_told_of_the_trace(telemetry: Telemetry) -> None:
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.headers.get("traceparent"))
        return whole(HELLO)

    telemetry.instrument(trace_hosts=frozenset({"proxy.example"}))
    await (await client(handler, endpoint_url="http://proxy.example:8080")).converse(**ASKED)
    await (await client(handler)).converse(**ASKED)
    found = telemetry.spans()[0].context
    expected = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
    assert str(sent[0], "ascii") == expected
    assert sent[1] is None


async def test_other_calls_to_aws_pass(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = await client(answering(lambda: whole("content")), "s3")
    assert json.loads(await (await api.get_object(Bucket="b", Key="k"))["Body"].read()) == "content"
    assert not telemetry.spans()
