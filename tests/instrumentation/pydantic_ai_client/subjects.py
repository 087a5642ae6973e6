"""Agents of Pydantic AI over models that are answered from memory, and every way to run them. No test."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import Any

import anthropic
import openai
from instrumentation.anthropic_client.exchanges import EXCHANGES as ANTHROPIC
from instrumentation.anthropic_client.wire import http as anthropic_http
from instrumentation.openai_client.wire import (
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    stream_response,
)
from instrumentation.scenarios import answering
from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.usage import RequestUsage
from throughline import ContentMode

BOTH = ContentMode.SPAN_AND_EVENT
CANARY = "a secret that nobody may read"
WAYS = ["run", "run_sync", "iter", "steps", "next", "streamed steps", "run_stream", "run_stream_sync", "events",
        "handler"]  # fmt: skip
STREAMED = ("streamed steps", "run_stream", "run_stream_sync", "events", "handler")
RUN = ["chat canned-1", "execute_tool weather", "execute_tool weather", "chat canned-1"]
CITIES = ("Oslo", "Rome")


def asks(messages: Any) -> bool:
    """Whether the model is to ask for tools: it was not answered yet."""
    return not any(part.part_kind in ("tool-return", "retry-prompt") for turn in messages for part in turn.parts)


def usage() -> RequestUsage:
    return RequestUsage(input_tokens=11, output_tokens=7, cache_read_tokens=4)


def canned(answer: str = "Cold.", error: BaseException | None = None) -> FunctionModel:
    """A model that asks for the weather of two cities at once and then answers."""

    def reply(messages: Any, _info: Any) -> ModelResponse:
        if error is not None:
            raise error
        calls = [ToolCallPart("weather", {"city": city}, tool_call_id=f"call-{city}") for city in CITIES]
        parts: Any = calls if asks(messages) else [TextPart(answer)]
        reason: Any = "tool_call" if asks(messages) else "stop"
        return ModelResponse(parts, usage=usage(), finish_reason=reason, provider_response_id="resp-1")

    async def stream(messages: Any, _info: Any) -> Any:
        if error is not None:
            raise error
        if asks(messages):
            for number, city in enumerate(CITIES):
                yield {number: DeltaToolCall("weather", json.dumps({"city": city}), tool_call_id=f"call-{city}")}
        else:
            for word in (answer[:2], answer[2:]):
                yield word

    return FunctionModel(reply, stream_function=stream, model_name="canned-1")


def weather(city: str) -> str:
    """Tells it."""
    return f"12 degrees in {city}"


def agent(model: Any = None, *tools: Any, **options: Any) -> Agent[Any, Any]:
    """An agent that can tell the weather."""
    return Agent(model or canned(), tools=tools or (weather,), **{"name": "forecaster", **options})


async def run(subject: Agent[Any, Any], way: str, prompt: Any = "How warm is it?", **options: Any) -> Any:
    """What comes of a run in this way."""
    match way:
        case "run":
            return (await subject.run(prompt, **options)).output
        case "handler":
            return (await subject.run(prompt, event_stream_handler=_drain, **options)).output
        case "iter":
            async with subject.iter(prompt, **options) as running:
                async for _node in running:
                    pass
            return running.result.output
        case "next":
            async with subject.iter(prompt, **options) as running:
                node = running.next_node
                while hasattr(node, "run"):
                    node = await running.next(node)
            return running.result.output
        case "steps" | "streamed steps":
            return await _stepped(subject, prompt, model=way.startswith("streamed"), **options)
        case "run_stream":
            async with subject.run_stream(prompt, **options) as streamed:
                return "".join([word async for word in streamed.stream_text(delta=True)])
        case "events":
            async with subject.run_stream_events(prompt, **options) as events:
                return [event async for event in events][-1].result.output
    raise AssertionError(way)


def run_sync(subject: Agent[Any, Any], way: str, prompt: Any = "How warm is it?") -> Any:
    """The same in a thread of its own, whose event loop Pydantic AI leaves open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    with closing(loop):
        return _run_sync(subject, way, prompt)


def _run_sync(subject: Agent[Any, Any], way: str, prompt: Any) -> Any:
    if way == "run_sync":
        return subject.run_sync(prompt).output
    with subject.run_stream_sync(prompt) as streamed:
        return "".join(streamed.stream_text(delta=True))


async def _drain(_context: Any, events: Any) -> None:
    async for _event in events:
        pass


async def _stepped(subject: Agent[Any, Any], prompt: Any, *, model: bool, **options: Any) -> Any:
    """The nodes' own streams read by the application."""
    async with subject.iter(prompt, **options) as running:
        async for node in running:
            if Agent.is_call_tools_node(node) or (model and Agent.is_model_request_node(node)):
                async with node.stream(running.ctx) as events:
                    async for _event in events:
                        pass
    assert running.result is not None
    return running.result.output


def over_openai(*responses: Any) -> OpenAIChatModel:
    """A model over OpenAI's own client."""
    return OpenAIChatModel(
        "gpt-4o", provider=OpenAIProvider(openai_client=client(answering(*responses), openai.AsyncOpenAI))
    )


def openai_run(*, streamed: bool) -> OpenAIChatModel:
    """One that asks for two tools and then answers, in one piece or in chunks."""
    calls = [
        {"index": number, "id": f"call-{city}", "type": "function",
         "function": {"name": "weather", "arguments": json.dumps({"city": city})}}
        for number, city in enumerate(CITIES)
    ]  # fmt: skip
    if streamed:
        asking = chat_chunks()
        asking[0]["choices"][0]["delta"]["tool_calls"] = calls
        asking[1]["choices"][0]["finish_reason"] = "tool_calls"
        return over_openai(*(stream_response(event_stream(said)) for said in (asking, chat_chunks("Co", "ld."))))
    plain = [{key: value for key, value in call.items() if key != "index"} for call in calls]
    asked = chat_reply(None, finish_reason="tool_calls", message={"tool_calls": plain})
    return over_openai(json_response(asked), json_response(chat_reply("Cold.")))


def over_anthropic() -> AnthropicModel:
    """A model over Anthropic's own client."""
    handler = answering(anthropic_http.Response(200, json=ANTHROPIC["reply"].reply))
    inner = anthropic_http.AsyncClient(transport=anthropic_http.MockTransport(handler))
    own = anthropic.AsyncAnthropic(api_key="key", http_client=inner)
    return AnthropicModel("claude-test-1", provider=AnthropicProvider(anthropic_client=own))
