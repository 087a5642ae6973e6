"""What only LangChain's models have: its cache, its retries, and clients below that record the call themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import langchain_core.globals
import pytest
from instrumentation.langchain_client.exchanges import EXCHANGES, reply
from instrumentation.langchain_client.subjects import (
    BOTH,
    canned,
    over_openai,
    streaming,
)
from instrumentation.langchain_client.wire import Canned, CannedTextStream
from instrumentation.openai_client.wire import chat_reply, json_response
from instrumentation.scenarios import answering
from instrumentation.steps import check_everything, ending, tree
from instrumentation.telemetry import Telemetry
from langchain_core.caches import InMemoryCache
from langchain_core.prompts import ChatPromptTemplate
from throughline import names


async def called(model: Any, way: str) -> Any:
    match way:
        case "reply":
            return model.invoke("Say hello.").content
        case "stream":
            return "".join(chunk.content for chunk in model.stream("Say hello."))
        case "async reply":
            return (await model.ainvoke("Say hello.")).content
        case "async stream":
            return "".join([chunk.content async for chunk in model.astream("Say hello.")])
        case "batch":
            return model.batch(["Say hello."])[0].content
        case "events":
            events = [event async for event in model.astream_events("Say hello.", version="v2")]
            return events[-1]["data"]["output"].content
        case "chain":
            return (ChatPromptTemplate.from_messages([("human", "{text}")]) | model).invoke({"text": "hi"}).content
    raise AssertionError(way)


@pytest.mark.parametrize("way", ["reply", "stream", "async reply", "async stream", "batch", "events", "chain"])
async def test_a_call_over_a_known_client_is_recorded_once_by_that_one(telemetry: Telemetry, way: str) -> None:
    telemetry.instrument()
    answer = streaming if way.endswith(("stream", "events")) else json_response(chat_reply())
    assert await called(over_openai(answer), way) == "Hello."
    assert tree(telemetry) == ["chat gpt-4o"]
    attributes = telemetry.attributes()
    assert attributes[names.RESPONSE_ID] == "chatcmpl-1"  # the client's own, which LangChain's model leaves out here
    (duration,) = telemetry.points()[names.CLIENT_OPERATION_DURATION]
    assert duration.count == 1
    check_everything(telemetry)


async def test_a_refusal_over_a_known_client_is_recorded_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception, match="no"):
        over_openai(json_response({"error": {"message": "no"}}, 404)).invoke("hi")
    assert ending(telemetry.span()) == ("error", "NotFoundError")
    assert len(telemetry.events(names.CLIENT_OPERATION_EXCEPTION)) == 1


def test_the_clients_own_retries_are_seen(telemetry: Telemetry) -> None:
    telemetry.instrument()
    refused = json_response({"error": {"message": "no"}}, 429, {"retry-after-ms": "1"})
    over_openai(refused, json_response(chat_reply()), retries=1).invoke("hi")
    assert telemetry.attributes()[names.ATTEMPT_COUNT] == 2


def test_a_model_that_is_called_anew_is_recorded_anew(telemetry: Telemetry) -> None:
    telemetry.instrument()
    answers = answering(ConnectionError("refused"), EXCHANGES["reply"].reply)
    Canned(handler=answers).with_retry(wait_exponential_jitter=False).invoke("hi")
    assert [ending(span) for span in telemetry.spans()] == [("error", "ConnectionError"), ("completed", None)]


def test_a_fallback_is_a_call_of_its_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    broken = over_openai(json_response({"error": {"message": "no"}}, 404))
    assert broken.with_fallbacks([canned()]).invoke("hi").content == "Hello."
    assert sorted(ending(span) for span in telemetry.spans()) == [("completed", None), ("error", "NotFoundError")]


def test_what_the_cache_answers_is_no_call(telemetry: Telemetry) -> None:
    telemetry.instrument()
    langchain_core.globals.set_llm_cache(InMemoryCache())
    try:
        model = canned()
        assert model.invoke("hi").content == model.invoke("hi").content == "Hello."
        assert canned().invoke("something else").content == "Hello."
    finally:
        langchain_core.globals.set_llm_cache(None)
    assert len(telemetry.spans()) == 2
    (tokens, _) = telemetry.points()[names.CLIENT_TOKEN_USAGE]
    assert tokens.count == 2


def test_without_a_server_known_none_is_told(telemetry: Telemetry) -> None:
    telemetry.instrument()
    Canned(handler=lambda _request: reply("Hello."), base_url="").invoke("hi")
    assert names.SERVER_ADDRESS not in telemetry.attributes()
    assert names.SERVER_PORT not in telemetry.attributes()


async def test_a_text_models_stream(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    model = CannedTextStream(handler=lambda _request: ["Hel", "lo."])
    assert list(model.stream("Say hello.")) == ["Hel", "lo."]
    assert [word async for word in model.astream("Say hello.")] == ["Hel", "lo."]
    assert tree(telemetry) == ["text_completion canned-1"] * 2
    for span in telemetry.spans():
        assert '"content":"Hello."' in span.attributes[names.OUTPUT_MESSAGES]
        assert '"content":"Say hello."' in span.attributes[names.INPUT_MESSAGES]
        assert span.attributes[names.RESPONSE_TIME_TO_FIRST_CHUNK] > 0
    check_everything(telemetry)


@pytest.mark.parametrize("error", [ValueError("a transport"), KeyboardInterrupt(), SystemExit()])
def test_whatever_is_raised_at_a_streams_first_step_ends_it(telemetry: Telemetry, error: BaseException) -> None:
    telemetry.instrument()
    stream = Canned(handler=answering(error)).stream("hi")
    assert not telemetry.spans()  # a stream that nobody reads asks nothing of anybody
    with pytest.raises(type(error)) as caught:
        next(stream)
    assert caught.value is error
    assert ending(telemetry.span()) == ("error", type(error).__name__)


def test_a_stream_that_nobody_reads_is_no_call(telemetry: Telemetry) -> None:
    telemetry.instrument()
    stream = canned().stream("hi")
    del stream
    assert not telemetry.spans()


async def test_streams_left_in_other_tasks_end_once(telemetry: Telemetry) -> None:
    telemetry.instrument()
    model = Canned(handler=lambda _request: EXCHANGES["reply"].chunks)

    async def begin() -> Any:
        stream = model.astream("hi")
        await anext(stream)
        return stream

    async def leave(stream: Any) -> None:
        await stream.aclose()

    for _ in range(100):
        await asyncio.create_task(leave(await asyncio.create_task(begin())))
    assert [ending(span) for span in telemetry.spans()] == [("closed", None)] * 100
