"""Models, agents and indexes of LlamaIndex that are answered from memory. No test."""

# ruff: noqa: ARG002 - the signatures are LlamaIndex's
from __future__ import annotations

import json
from typing import Any

import openai
from instrumentation.openai_client.wire import MESSAGES, chat_reply, client, json_response
from instrumentation.scenarios import answering
from llama_index.core import Document, VectorStoreIndex
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.llms.function_calling import FunctionCallingLLM
from llama_index.core.llms.llm import ToolSelection
from llama_index.core.tools import FunctionTool
from throughline import ContentMode

BOTH = ContentMode.SPAN_AND_EVENT
CANARY = "a secret that nobody may read"
CITIES = ("Oslo", "Rome")
RUN = ["chat canned-1", "execute_tool weather", "execute_tool weather", "chat canned-1"]


def asking() -> list[dict[str, Any]]:
    """The calls of tools that a model asks for, in OpenAI's shape."""
    return [
        {
            "id": f"call-{city}",
            "type": "function",
            "function": {"name": "weather", "arguments": json.dumps({"city": city})},
        }
        for city in CITIES
    ]


class Canned(FunctionCallingLLM):
    """A model that asks for tools once and then answers; over OpenAI's client, or over none at all."""

    answer: str = "Cold."
    error: Any = None
    over: Any = None
    calls: bool = True

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="canned-1", is_function_calling_model=True, is_chat_model=True)

    @property
    def model(self) -> str:
        """As integrations call it."""
        return "canned-1"

    def _reply(self, messages: Any) -> ChatResponse:
        if self.error is not None:
            raise self.error
        asked = self.calls and not any(one.role.value == "tool" for one in messages)
        more = {"tool_calls": asking()} if asked else {}
        said = ChatMessage(role="assistant", content="" if asked else self.answer, additional_kwargs=more)
        raw = {"choices": [{"finish_reason": "tool_calls" if asked else "stop"}]}
        return ChatResponse(message=said, raw=raw)

    def chat(self, messages: Any, **_kwargs: Any) -> ChatResponse:
        if self.over is not None:
            self.over.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        return self._reply(messages)

    async def achat(self, messages: Any, **_kwargs: Any) -> ChatResponse:
        if self.over is not None:
            await self.over.chat.completions.create(model="gpt-4o", messages=MESSAGES)
        return self._reply(messages)

    def stream_chat(self, messages: Any, **_kwargs: Any) -> Any:
        reply = self._reply(messages)

        def stream() -> Any:
            for end in (2, len(self.answer)):
                said = ChatMessage(role="assistant", content=self.answer[:end])
                yield ChatResponse(message=said, delta=self.answer[end - 3 : end], raw=reply.raw)

        return stream()

    async def astream_chat(self, messages: Any, **_kwargs: Any) -> Any:
        raise NotImplementedError

    def complete(self, prompt: str, formatted: bool = False, **_kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.answer)

    async def acomplete(self, prompt: str, formatted: bool = False, **_kwargs: Any) -> CompletionResponse:
        return CompletionResponse(text=self.answer)

    def stream_complete(self, prompt: str, formatted: bool = False, **_kwargs: Any) -> Any:
        raise NotImplementedError

    async def astream_complete(self, prompt: str, formatted: bool = False, **_kwargs: Any) -> Any:
        raise NotImplementedError

    def _prepare_chat_with_tools(
        self, tools: Any, user_msg: Any = None, chat_history: Any = None, **_kwargs: Any
    ) -> dict[str, Any]:
        asked = [user_msg] if user_msg else []
        return {"messages": [*(chat_history or ()), *asked]}

    def get_tool_calls_from_response(self, response: Any, error_on_no_tool_call: bool = True, **_kwargs: Any) -> Any:
        return [
            ToolSelection(tool_id=one["id"], tool_name="weather", tool_kwargs=json.loads(one["function"]["arguments"]))
            for one in response.message.additional_kwargs.get("tool_calls", ())
        ]


def over_openai(*, asynchronous: bool = True) -> Canned:
    """The same over OpenAI's own client."""
    kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return Canned(over=client(answering(json_response(chat_reply())), kind), calls=asynchronous)


def weather(city: str) -> str:
    """Tells it."""
    return f"12 degrees in {city}"


def tool(function: Any = weather) -> FunctionTool:
    return FunctionTool.from_defaults(function, name="weather", description="Tells it.")


def agent(model: Any = None, function: Any = weather, **options: Any) -> FunctionAgent:
    """An agent that can tell the weather."""
    known = {"name": "forecaster", "description": "Tells the weather.", "streaming": False}
    return FunctionAgent(llm=model or Canned(), tools=[tool(function)], **{**known, **options})


async def run(subject: Any, asked: Any = "How warm is it?") -> Any:
    return await subject.run(user_msg=asked)


def index() -> VectorStoreIndex:
    """Two documents, found by an embedding that knows nothing."""
    documents = [Document(text="Oslo is cold.", id_="1"), Document(text="Rome is warm.", id_="2")]
    return VectorStoreIndex.from_documents(documents, embed_model=MockEmbedding(embed_dim=3))
