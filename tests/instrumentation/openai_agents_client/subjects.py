"""Agents over OpenAI's real client on a mock transport, and over a model that no client below knows. No test."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import agents
import openai
from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, RunConfig, Runner, function_tool
from instrumentation.openai_client.wire import (
    chat_chunks,
    chat_reply,
    client,
    event_stream,
    json_response,
    responses_reply,
    stream_response,
)
from openai.types.responses import Response

CANARY = "a secret that nobody may read"
CALLS: dict[str, dict[str, Any]] = {
    "weather": {"city": "Oslo"},
    "broken": {"text": CANARY},
    "transfer_to_writer": {},
}
WAYS = ("run", "sync", "streamed")


def called(*names: str, **arguments: Any) -> list[dict[str, Any]]:
    """What a model says that asks for these tools."""
    return [
        {
            "type": "function_call", "id": f"fc-{name}-{number}", "call_id": f"{name}-{number}", "name": name,
            "arguments": json.dumps(arguments or CALLS.get(name, {})), "status": "completed",
        }
        for number, name in enumerate(names)
    ]  # fmt: skip


def said(content: str = "Hello.") -> list[dict[str, Any]]:
    """What one says that answers."""
    parts = [{"type": "output_text", "text": content, "annotations": []}]
    return [{"type": "message", "id": "msg-1", "role": "assistant", "status": "completed", "content": parts}]


def answers(*outputs: Any) -> Callable[[Any], Any]:
    """A server of responses and chat completions that says this, in turn, then the last for ever; or raises it."""
    waiting = list(outputs)

    def handler(request: Any) -> Any:
        output = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(output, BaseException):
            raise output
        if isinstance(output, int):
            return json_response({"error": {"message": "no"}}, output)
        streamed = json.loads(request.content).get("stream")
        if "/chat/" in str(request.url):
            return _chat(output, streamed=streamed)
        reply = responses_reply(output=output)
        return (
            stream_response(event_stream(_events(reply), named=True, done=False)) if streamed else json_response(reply)
        )

    return handler


def _chat(output: list[dict[str, Any]], *, streamed: bool) -> Any:
    if streamed:
        return stream_response(event_stream(chat_chunks("Hel", "lo.")))
    return json_response(chat_reply(output[0]["content"][0]["text"]))


def _events(reply: dict[str, Any]) -> Iterator[dict[str, Any]]:
    begun = {**reply, "status": "in_progress", "output": []}
    yield {"type": "response.created", "sequence_number": 0, "response": begun}
    for number, item in enumerate(reply["output"]):
        yield {"type": "response.output_item.added", "sequence_number": 1, "output_index": number, "item": item}
        yield {"type": "response.output_item.done", "sequence_number": 2, "output_index": number, "item": item}
    yield {"type": "response.completed", "sequence_number": 3, "response": reply}


def over_openai(handler: Callable[[Any], Any], *, chat: bool = False) -> Any:
    made = client(handler, openai.AsyncOpenAI, max_retries=0)
    return (OpenAIChatCompletionsModel if chat else OpenAIResponsesModel)(model="gpt-4o", openai_client=made)


class Canned(agents.Model):
    """A model of nobody's: it says these outputs in turn."""

    def __init__(self, *outputs: Any, model: str = "canned-1") -> None:
        self.outputs, self.model = list(outputs), model

    def _next(self) -> Any:
        output = self.outputs.pop(0) if len(self.outputs) > 1 else self.outputs[0]
        if isinstance(output, BaseException):
            raise output
        details = {"input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0}}
        usage = {**responses_reply()["usage"], **details}
        return Response.model_validate(responses_reply(output=output, model=self.model, usage=usage))

    async def get_response(self, *_args: Any, **_kwargs: Any) -> Any:
        reply = self._next()
        usage = agents.Usage(requests=1, input_tokens=11, output_tokens=7, total_tokens=18)
        return agents.ModelResponse(output=reply.output, usage=usage, response_id=reply.id)

    async def stream_response(self, *_args: Any, **_kwargs: Any) -> AsyncIterator[Any]:
        from openai.types.responses import ResponseCompletedEvent

        yield ResponseCompletedEvent(type="response.completed", sequence_number=1, response=self._next())


@function_tool
def weather(city: str) -> str:
    """Tells it."""
    return f"12 degrees in {city}"


@function_tool
def broken(text: str) -> str:
    """Fails, and the model is told."""
    raise LookupError(text)


@function_tool(failure_error_function=None)
def fatal(text: str) -> str:
    """Fails, and the run with it."""
    raise LookupError(text)


def agent(model: Any, *, name: str = "planner", tools: Any = (weather, broken), **options: Any) -> Any:
    return Agent(name=name, instructions="Be brief.", model=model, tools=list(tools), **options)


def planner_and_writer(**options: Any) -> Any:
    writer = agent(over_openai(answers(said())), name="writer", handoff_description="Writes.")
    outputs = answers(called("weather", "broken"), called("transfer_to_writer"))
    return agent(over_openai(outputs), handoffs=[writer], **options)


def quiet(**options: Any) -> RunConfig:
    """No tracing of the SDK's own, which would export to OpenAI."""
    return RunConfig(tracing_disabled=True, **options)


async def ran(way: str, planner: Any, asked: Any = "Say hello.", config: Any = None, **options: Any) -> Any:
    """The final output of a run made in this way."""
    config = config or quiet()
    if way == "streamed":
        result = Runner.run_streamed(planner, asked, run_config=config, **options)
        async for _ in result.stream_events():
            pass
        return result.final_output
    return (await Runner.run(planner, asked, run_config=config, **options)).final_output
