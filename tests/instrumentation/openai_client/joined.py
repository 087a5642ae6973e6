"""OpenAI's client in the scenarios that all clients share: a `Client` for each family of endpoints."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

import openai
import pydantic
from instrumentation.openai_client import exchanges, exchanges_media, exchanges_responses
from instrumentation.openai_client.wire import client, http, json_response, stream_response
from instrumentation.scenarios import Client, Handler
from throughline import names
from throughline.adapters import openai as openai_adapter
from throughline.adapters import openai_chat, openai_media, openai_responses

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
        """The object whose `method` is called."""
        raise NotImplementedError

    def helped(self, api: Any) -> Any:
        """The object that has the `parse` and `stream` helpers."""
        return self.resource(api)

    method = "create"
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
        return getattr(self.resource(api), self.method)(**request, stream=True)

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
        resource, name = self.resource(api), self.method
        call, raw, lazy = (getattr(one, name) for one in (resource, resource.with_raw_response,
                                                          resource.with_streaming_response))  # fmt: skip
        match how:
            case "reply":
                return call(**request)
            case "stream":
                return list(call(**request, stream=True))
            case "raw reply":
                return raw(**request).parse()
            case "raw stream":
                return list(raw(**request, stream=True).parse())
            case "lazy reply":
                with lazy(**request) as response:
                    return response.parse()
            case "lazy stream":
                with lazy(**request, stream=True) as response:
                    return list(response.parse())
            case "helper":
                with self.helped(api).stream(**request) as stream:
                    stream.until_done()
                    return self.final(stream)
            case "parse":
                return self.helped(api).parse(**self.parsing(request))
        raise AssertionError(how)

    async def _async(self, how: str, api: Any, request: Mapping[str, Any]) -> Any:
        resource, name = self.resource(api), self.method
        call, raw, lazy = (getattr(one, name) for one in (resource, resource.with_raw_response,
                                                          resource.with_streaming_response))  # fmt: skip
        match how:
            case "reply":
                return await call(**request)
            case "stream":
                return [chunk async for chunk in await call(**request, stream=True)]
            case "raw reply":
                parsed = (await raw(**request)).parse()
                return await parsed if inspect.isawaitable(parsed) else parsed
            case "lazy reply":
                async with lazy(**request) as response:
                    return await response.parse()
            case "lazy stream":
                async with lazy(**request, stream=True) as response:
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


def streaming(method: Any) -> frozenset[str]:
    """What an endpoint offers in this version of the client."""
    return frozenset({"async", "stream"} if "stream" in inspect.signature(method).parameters else {"async"})


class Completions(OpenAI):
    """Legacy completions."""

    reader = openai_chat.Completions()
    exchanges = {"reply": exchanges_media.CONTINUED}
    wanted = frozenset({"reply"})

    def resource(self, api: Any) -> Any:
        return api.completions

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "prompt": text}

    def one_shot(self) -> Any:
        tokens = [1, 2, 3]
        arguments = {**self.exchange.request, "prompt": (token for token in tokens)}
        return arguments, lambda request: json.loads(request.content)["prompt"], tokens


class Generated(OpenAI):
    """What makes pictures, sound or verdicts."""

    wanted = frozenset({"reply"})
    untold = frozenset({names.RESPONSE_ID, names.RESPONSE_MODEL, names.RESPONSE_FINISH_REASONS,
                        names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS})  # fmt: skip
    cannot = {"test_one_shot_iterators_in_the_request_arrive": "nothing in the request may be an iterator"}

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "prompt": text}


class Images(Generated):
    """Pictures from a prompt."""

    reader = openai_media.Images()
    exchanges = exchanges_media.GENERATIONS
    offers = streaming(openai.resources.Images.generate)
    method = "generate"
    cannot = {**Generated.cannot, "test_a_stream_that_breaks_keeps_what_came": "it is no text: see test_media.py"}

    def resource(self, api: Any) -> Any:
        return api.images


class Edits(Images):
    """Pictures from pictures."""

    exchanges = {"reply": exchanges_media.EDITED}
    offers = streaming(openai.resources.Images.edit)
    method = "edit"

    def sent(self, request: Any) -> Any:
        return sent_without_boundary(request)


class Transcriptions(Generated):
    """Text from speech."""

    reader = openai_media.Transcriptions()
    exchanges = exchanges_media.TRANSCRIPTIONS
    offers = streaming(openai.resources.audio.Transcriptions.create)

    def resource(self, api: Any) -> Any:
        return api.audio.transcriptions

    def sent(self, request: Any) -> Any:
        return sent_without_boundary(request)


class Speech(Generated):
    """Speech from text: bytes, which are read whole or as they come."""

    reader = openai_media.Speech()
    exchanges = {"reply": exchanges_media.SPOKEN}
    offers = frozenset({"async"})
    cannot = {**Generated.cannot, "test_malformed_replies_pass_as_they_are": "bytes of sound have no form"}

    def resource(self, api: Any) -> Any:
        return api.audio.speech

    def body(self, reply: Any) -> Any:
        return http.Response(200, content=reply, headers={"content-type": "audio/mpeg"})

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        return (await super().call(way, api, request)).content


class Moderations(Generated):
    """Verdicts."""

    reader = openai_media.Moderations()
    exchanges = {"reply": exchanges_media.JUDGED}
    offers = frozenset({"async"})

    def resource(self, api: Any) -> Any:
        return api.moderations

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}


class Fetches(Responses):
    """Responses that were made before."""

    reader = openai_responses.Fetch()
    exchanges = {"reply": exchanges_media.FETCHED}
    wanted = frozenset({"reply"})
    method = "retrieve"
    cannot = {
        "test_one_shot_iterators_in_the_request_arrive": "the request has only an id",
        "test_content_goes_where_the_mode_says": "nothing is asked",
        "test_large_content_arrives_whole": "nothing is asked",
    }


def sent_without_boundary(request: Any) -> Any:
    """A request of several parts, whose boundary is drawn anew each time."""
    kind = request.headers["content-type"]
    boundary = kind.partition("boundary=")[2]
    own = {key: value.replace(boundary, "") for key, value in request.headers.items() if key != "idempotency-key"}
    return str(request.url), request.read().replace(boundary.encode(), b""), own
