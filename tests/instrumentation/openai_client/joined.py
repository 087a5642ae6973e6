"""OpenAI's client in the scenarios that all clients share: a `Client` for each family of endpoints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import openai
import pydantic
from instrumentation.openai_client import exchanges, exchanges_responses
from instrumentation.openai_client.wire import client, http, json_response, stream_response
from instrumentation.scenarios import Client, Handler
from throughline.adapters import openai as openai_adapter
from throughline.adapters import openai_chat, openai_responses

HAS_RESPONSES = hasattr(openai.OpenAI, "responses")


class Greeting(pydantic.BaseModel):
    """What the parse helpers ask for."""

    text: str


def failure(status: int, headers: dict[str, str] | None = None) -> Any:
    return lambda: json_response({"error": {"message": "no"}}, status, headers)


class OpenAI(Client):
    """What all endpoints have in common: the client, its errors, its ways to call."""

    name = "openai"
    adapter = openai_adapter.OpenAI()
    http = http
    overloaded = failure(429, {"retry-after-ms": "1"}), 429
    refusals = {
        "no such model": (failure(404), "NotFoundError"),
        "too many": (failure(429), "RateLimitError"),
        "broken": (failure(500), "InternalServerError"),
        "time-out": (http.ReadTimeout("slow"), "APITimeoutError"),
        "no connection": (http.ConnectError("refused"), "APIConnectionError"),
    }

    def resource(self, api: Any) -> Any:
        """The object whose `create` is called."""
        raise NotImplementedError

    def helped(self, api: Any) -> Any:
        """The object that has the `parse` and `stream` helpers."""
        return self.resource(api)

    parsed_by = "response_format"

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        return client(handler, openai.AsyncOpenAI if asynchronous else openai.OpenAI, max_retries=retries)

    def body(self, reply: Any) -> Any:
        return json_response(reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        for chunk in chunks:
            kind = chunk.get("type") if isinstance(chunk, dict) else None
            name = f"event: {kind}\n" if kind else ""
            yield f"{name}data: {json.dumps(chunk)}\n\n".encode()

    def event_stream(self, blocks: Any) -> Any:
        return stream_response(blocks if isinstance(blocks, http.AsyncByteStream) else self.ended(blocks))

    def ended(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks and what says that no more follow."""
        return chain(blocks, [b"data: [DONE]\n\n"])

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": {"message": "overloaded", "code": "server_error"}}, "APIError"

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return self.resource(api).create(**request, stream=True)

    def parsing(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The request with the class to parse into instead of the format that it makes."""
        own = {key: value for key, value in request.items() if key not in ("response_format", "text")}
        return {**own, self.parsed_by: Greeting}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        how = way.removeprefix("async ")
        if how == "parse helper":
            how, request = "helper", self.parsing(request)
        return await (self._async if way.startswith("async") else self._sync)(how, api, request)

    async def _sync(self, how: str, api: Any, request: Mapping[str, Any]) -> Any:
        resource = self.resource(api)
        match how:
            case "reply":
                return resource.create(**request)
            case "stream":
                return list(resource.create(**request, stream=True))
            case "raw reply":
                return resource.with_raw_response.create(**request).parse()
            case "raw stream":
                return list(resource.with_raw_response.create(**request, stream=True).parse())
            case "lazy reply":
                with resource.with_streaming_response.create(**request) as response:
                    return response.parse()
            case "lazy stream":
                with resource.with_streaming_response.create(**request, stream=True) as response:
                    return list(response.parse())
            case "helper":
                with self.helped(api).stream(**request) as stream:
                    stream.until_done()
                    return self.final(stream)
            case "parse":
                return self.helped(api).parse(**self.parsing(request))
        raise AssertionError(how)

    async def _async(self, how: str, api: Any, request: Mapping[str, Any]) -> Any:
        resource = self.resource(api)
        match how:
            case "reply":
                return await resource.create(**request)
            case "stream":
                return [chunk async for chunk in await resource.create(**request, stream=True)]
            case "raw reply":
                parsed = (await resource.with_raw_response.create(**request)).parse()
                return await parsed if inspect.isawaitable(parsed) else parsed
            case "lazy reply":
                async with resource.with_streaming_response.create(**request) as response:
                    return await response.parse()
            case "lazy stream":
                async with resource.with_streaming_response.create(**request, stream=True) as response:
                    return [chunk async for chunk in await response.parse()]
            case "helper":
                async with self.helped(api).stream(**request) as stream:
                    await stream.until_done()
                    return await self.final(stream)
            case "parse":
                return await self.helped(api).parse(**self.parsing(request))
        raise AssertionError(how)

    def final(self, stream: Any) -> Any:
        """What the stream helper made of all chunks."""
        return stream.get_final_completion()


class Chat(OpenAI):
    """Chat completions."""

    reader = openai_chat.Chat()
    exchanges = exchanges.CHAT

    def resource(self, api: Any) -> Any:
        return api.chat.completions

    def helped(self, api: Any) -> Any:
        chat = api.chat.completions
        return chat if hasattr(chat, "parse") else api.beta.chat.completions  # by version


class Responses(OpenAI):
    """The Responses API."""

    reader = openai_responses.Responses()
    exchanges = exchanges_responses.RESPONSES
    parsed_by = "text_format"

    def resource(self, api: Any) -> Any:
        return api.responses

    def ended(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        return iter(blocks)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}

    def one_shot(self) -> Any:
        tools = [{"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}]
        arguments = {**self.exchange.request, "tools": (tool for tool in tools)}
        return arguments, lambda request: json.loads(request.content)["tools"], tools

    def final(self, stream: Any) -> Any:
        return stream.get_final_response()


class Embeddings(OpenAI):
    """Embeddings: no stream, no helper."""

    reader = openai_adapter.Embeddings()
    exchanges = exchanges.EMBEDDINGS
    offers = frozenset({"async"})
    wanted = frozenset({"reply"})
    cannot = {
        "test_each_token_is_paid_once_by_its_own_price": "there are no output tokens, so that output has to be free"
    }

    def resource(self, api: Any) -> Any:
        return api.embeddings

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}

    def one_shot(self) -> Any:
        tokens = [1, 2, 3]
        arguments = {**self.exchange.request, "input": (token for token in tokens)}
        return arguments, lambda request: json.loads(request.content)["input"], tokens
