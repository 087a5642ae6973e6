"""LangChain's own package for OpenAI, and its `create_agent`, where they are installed: one span a call, once more."""

from __future__ import annotations

from typing import Any

import pytest
from instrumentation.langchain_client.subjects import BOTH, weather
from instrumentation.langgraph_client.subjects import ASKED
from instrumentation.openai_client.wire import (
    chat_chunks,
    chat_reply,
    event_stream,
    http,
    json_response,
    stream_response,
)
from instrumentation.scenarios import answering
from instrumentation.steps import check_everything, found, tree
from instrumentation.telemetry import Telemetry
from throughline import names

langchain_openai = pytest.importorskip("langchain_openai")
RUN = ["chat gpt-4o", *[("execute_tool weather", ["chat canned-1"])] * 2, "chat gpt-4o"]


def streaming() -> Any:
    return stream_response(event_stream(chat_chunks("Hel", "lo.")))


def model(*responses: Any) -> Any:
    transport = http.MockTransport(answering(*(responses or (json_response(chat_reply()),))))
    clients = {
        "http_client": http.Client(transport=transport),
        "http_async_client": http.AsyncClient(transport=transport),
    }
    return langchain_openai.ChatOpenAI(model="gpt-4o", api_key="key", **clients)


def asks_twice() -> Any:
    calls = [
        {"id": f"call-{city}", "type": "function", "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'}}
        for city in ("Oslo", "Rome")
    ]
    asked = chat_reply(None, finish_reason="tool_calls", message={"tool_calls": calls})
    return model(json_response(asked), json_response(chat_reply("Cold.")))


async def test_each_way_to_call_makes_one_span(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    assert model().invoke("hi").content == (await model().ainvoke("hi")).content == "Hello."
    assert "".join(chunk.content for chunk in model(streaming).stream("hi")) == "Hello."
    assert "".join([chunk.content async for chunk in model(streaming).astream("hi")]) == "Hello."
    assert tree(telemetry) == ["chat gpt-4o"] * 4
    assert {span.attributes[names.RESPONSE_ID] for span in telemetry.spans()} == {"chatcmpl-1"}
    check_everything(telemetry)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_create_agent_makes_an_agent(telemetry: Telemetry, asynchronous: bool) -> None:
    agents = pytest.importorskip("langchain.agents")
    telemetry.instrument(content=BOTH)
    agent = agents.create_agent(asks_twice(), [weather], name="forecaster", system_prompt="Be brief.")
    _ = await agent.ainvoke(ASKED) if asynchronous else agent.invoke(ASKED)
    assert tree(telemetry) == [("invoke_agent forecaster", RUN)]
    root = found(telemetry, "invoke_agent forecaster")
    assert root[names.RESPONSE_FINISH_REASONS] == ["stop"]
    assert (root[names.TOTAL_INFERENCE_CALLS], root[names.TOTAL_TOOL_CALLS]) == (4, 2)
    tools = [span.attributes for span in telemetry.spans() if "tool" in span.name]
    assert sorted(attributes[names.TOOL_CALL_ARGUMENTS] for attributes in tools) == [
        '{"city":"Oslo"}',
        '{"city":"Rome"}',
    ]
    check_everything(telemetry)
