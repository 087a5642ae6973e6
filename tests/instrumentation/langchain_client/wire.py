"""LangChain models of our own that are answered from memory, for the scenarios that all clients share."""

# ruff: noqa: ARG002 - the signatures are LangChain's and the scenarios'
from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from instrumentation.langchain_client.exchanges import EXCHANGES, MODEL, TEXT_EXCHANGES
from instrumentation.scenarios import Client, Handler
from langchain_core.language_models.chat_models import BaseChatModel
from langchain_core.language_models.llms import BaseLLM
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult, GenerationChunk, LLMResult
from langchain_core.runnables import RunnableLambda
from throughline.adapters import langchain as langchain_adapter


class OverloadedError(Exception):
    """What a model's class may raise."""


class _Parameters:
    """What both kinds of models have in common."""

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        return {**super()._get_ls_params(stop=stop, **kwargs), "ls_provider": "amazon_bedrock"}  # type: ignore[misc]


class Canned(_Parameters, BaseChatModel):
    """A chat model that `handler` answers."""

    handler: Any
    asynchronous: bool = False
    model: str = MODEL
    base_url: str = "https://canned.test/v1"
    temperature: float = 0.5
    max_tokens: int = 50

    @property
    def _llm_type(self) -> str:
        return "canned"

    def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        return _result(self.handler({"messages": messages, "stop": stop, **kwargs}))

    async def _agenerate(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        answer = self.handler({"messages": messages, "stop": stop, **kwargs})
        return _result(await answer if inspect.isawaitable(answer) else answer)

    def _stream(
        self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        for chunk in self.handler({"messages": messages, "stop": stop, **kwargs}):
            yield ChatGenerationChunk(message=AIMessageChunk(**copy.deepcopy(chunk)))

    async def _astream(self, messages: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        chunks = self.handler({"messages": messages, "stop": stop, **kwargs})
        async for chunk in _asynchronous(chunks):
            yield ChatGenerationChunk(message=AIMessageChunk(**copy.deepcopy(chunk)))

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        offered = [{"name": tool.name, "description": tool.description, "parameters": {}} for tool in tools]
        return self.bind(tools=[{"type": "function", "function": one} for one in offered], **kwargs)


class CannedText(_Parameters, BaseLLM):
    """A text model that `handler` answers."""

    handler: Any
    asynchronous: bool = False
    model: str = MODEL
    base_url: str = "https://canned.test/v1"
    temperature: float = 0.5
    max_tokens: int = 50

    @property
    def _llm_type(self) -> str:
        return "canned"

    def _generate(self, prompts: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
        return LLMResult(**copy.deepcopy(self.handler({"messages": prompts, "stop": stop, **kwargs})))

    async def _agenerate(self, prompts: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> LLMResult:
        answer = self.handler({"messages": prompts, "stop": stop, **kwargs})
        return LLMResult(**copy.deepcopy(await answer if inspect.isawaitable(answer) else answer))


class CannedTextStream(CannedText):
    """One that streams, too."""

    def _stream(self, prompt: str, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
        for word in self.handler({"messages": [prompt], "stop": stop, **kwargs}):
            yield GenerationChunk(text=word)


def _result(reply: Any) -> ChatResult:
    return ChatResult(generations=[ChatGeneration(message=AIMessage(**copy.deepcopy(reply)))])


async def _asynchronous(chunks: Any) -> Any:
    if hasattr(chunks, "__aiter__"):
        async for chunk in chunks:
            yield chunk
    else:
        for chunk in chunks:
            yield chunk


class _Shared(Client):
    """What the two have in common: there is no wire, what is asked goes from method to method."""

    name = "langchain"
    adapter = langchain_adapter.LangChain()
    overloaded = None, 0
    refusals = {
        "overloaded": (OverloadedError("no"), "OverloadedError"),
        "time-out": (TimeoutError("slow"), "TimeoutError"),
        "no connection": (ConnectionError("refused"), "ConnectionError"),
    }
    cannot = {
        "test_one_shot_iterators_in_the_request_arrive": "LangChain takes no iterator for a prompt",
        "test_retries_are_seen": "LangChain's models try nothing again: the client below does, or with_retry, anew",
        "test_a_connection_that_failed_is_an_attempt_too": "as above",
        "test_the_providers_error_amid_a_stream": "no chunk of LangChain's says that the provider failed",
        "test_the_callers_own_error_is_his_own": "asked at a stream's first step only; see test_models.py",
        "test_an_interrupt_ends_the_operation_too": "asked at a stream's first step only; see test_models.py",
    }
    # no model that gives way opens a span before its end, so none is told its trace; what is asked has no adapter's
    # own step before the call
    not_called = frozenset(
        {(langchain_adapter.LangChain, "amend"), (langchain_adapter.LangChain, "prepare")}
        | {(langchain_adapter.LangChain, "deliver")}
    )
    model: Any

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return self.model(handler=handler, asynchronous=asynchronous)

    def body(self, reply: Any) -> Any:
        return reply

    def events(self, chunks: Iterable[Any]) -> Iterable[Any]:
        return list(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return blocks

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}

    def one_shot(self) -> tuple[Mapping[str, Any], Callable[[Any], Any], Any]:
        raise NotImplementedError

    def refused_midway(self) -> tuple[Any, str]:
        raise NotImplementedError

    def sent(self, request: Any) -> Any:
        said = [one if isinstance(one, str) else one.model_dump() for one in request["messages"]]
        return {**request, "messages": said}

    def lost(self) -> BaseException:
        return ConnectionResetError("lost")

    def unreachable(self) -> BaseException:
        return ConnectionError("refused")

    def endless(self, first: Sequence[Any], asked: asyncio.Event) -> Any:
        async def chunks() -> Any:
            for chunk in first:
                yield chunk
            asked.set()
            await asyncio.Event().wait()

        return chunks()

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return _begun(api.astream(**request)) if api.asynchronous else api.stream(**request)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        given = {key: value for key, value in request.items() if key != "input"}
        if "chain" in way:
            api = RunnableLambda(lambda said: said) | api
        if "bound" in way:
            api, given = api.bind(**given), {}
        asked = request["input"]
        match way.replace("bound ", "").replace("chain ", ""):
            case "reply":
                return _settled(api.invoke(asked, **given))
            case "stream":
                return [_settled(chunk) for chunk in api.stream(asked, **given)]
            case "batch reply":
                return [_settled(one) for one in api.batch([asked], **given)]
            case "async reply":
                return _settled(await api.ainvoke(asked, **given))
            case "async stream":
                return [_settled(chunk) async for chunk in api.astream(asked, **given)]
            case "async batch reply":
                return [_settled(one) for one in await api.abatch([asked], **given)]
        raise AssertionError(way)


async def _begun(stream: Any) -> Any:
    return stream


def _settled(result: Any) -> Any:
    """A result as data, without the ids that LangChain makes up for each run."""
    if isinstance(result, str):
        return result
    data = result.model_dump(warnings=False)
    made_up = str(data.get("id")).startswith(("lc_", "run-"))
    return type(result).__name__, {**data, "id": None} if made_up else data


def _left(stream: Any) -> None:
    for _ in stream:
        break


def _closed(stream: Any) -> None:
    next(stream)
    stream.close()
    stream.close()


def _drained(stream: Any) -> None:
    list(stream)


async def _left_async(stream: Any) -> None:
    async for _ in stream:
        break


async def _closed_async(stream: Any) -> None:
    await anext(stream)
    await stream.aclose()


async def _drained_async(stream: Any) -> None:
    _ = [chunk async for chunk in stream]


class Chat(_Shared):
    """Chat models."""

    model, exchanges, reader = Canned, EXCHANGES, langchain_adapter.Chat()
    abandoned = [(_left, "dropped"), (_closed, "closed"), (_drained, "completed")]
    abandoned_async = [(_left_async, "dropped"), (_closed_async, "closed"), (_drained_async, "completed")]


class Text(_Shared):
    """Text models. What LangChain gives of their streams is texts, which say no more than what they are."""

    model, exchanges, reader = CannedText, TEXT_EXCHANGES, langchain_adapter.Text()
    offers = frozenset({"async"})
    wanted = frozenset({"reply"})
