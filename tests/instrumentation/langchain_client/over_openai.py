"""A LangChain model over OpenAI's real client on a mock transport, as small as one can be. No test."""

# ruff: noqa: ARG002 - the signatures are LangChain's
from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import openai
from instrumentation.openai_client.wire import client
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

_ROLES = {"human": "user", "ai": "assistant"}


def _wire(message: BaseMessage) -> dict[str, Any]:
    said: dict[str, Any] = {"role": _ROLES.get(message.type, message.type), "content": message.content}
    if calls := getattr(message, "tool_calls", None):
        said["tool_calls"] = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": json.dumps(c["args"])}}
            for c in calls
        ]
    return {**said, "tool_call_id": message.tool_call_id} if message.type == "tool" else said  # type: ignore[attr-defined]


def _message(reply: Any) -> ChatResult:
    (choice,) = reply.choices
    calls = [
        {"id": call.id, "name": call.function.name, "args": json.loads(call.function.arguments), "type": "tool_call"}
        for call in choice.message.tool_calls or ()
    ]
    message = AIMessage(choice.message.content or "", tool_calls=calls)
    return ChatResult(generations=[ChatGeneration(message=message)])


def _chunk(chunk: Any) -> ChatGenerationChunk:
    content = chunk.choices[0].delta.content if chunk.choices else ""
    return ChatGenerationChunk(message=AIMessageChunk(content or ""))


class OverOpenAI(BaseChatModel):
    """Asks `gpt-4o`, whose server `handler` is."""

    handler: Any
    retries: int = 0
    model: str = "gpt-4o"

    @property
    def _llm_type(self) -> str:
        return "openai"

    def _request(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"model": self.model, "messages": [_wire(message) for message in messages], **kwargs}

    def _api(self, cls: Any) -> Any:
        return client(self.handler, cls, max_retries=self.retries).chat.completions

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return _message(self._api(openai.OpenAI).create(**self._request(messages, kwargs)))

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return _message(await self._api(openai.AsyncOpenAI).create(**self._request(messages, kwargs)))

    def _stream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Iterator[Any]:
        for chunk in self._api(openai.OpenAI).create(**self._request(messages, kwargs), stream=True):
            yield _chunk(chunk)

    async def _astream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        async for chunk in await self._api(openai.AsyncOpenAI).create(**self._request(messages, kwargs), stream=True):
            yield _chunk(chunk)

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self.bind(**kwargs)
