"""What botocore's clients for Bedrock bring to the scenarios."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.response import StreamingBody
from instrumentation.bedrock_client.bodies import BODIES, HELLO_ANTHROPIC
from instrumentation.bedrock_client.exchanges import EXCHANGES, GENERATE, RETRIEVE
from instrumentation.bedrock_client.transport import Api, event_stream, events, failure, whole
from instrumentation.scenarios import Client, Exchange, Handler
from throughline import names
from throughline.adapters import bedrock
from throughline.adapters.bedrock_bodies import AnthropicBody
from throughline.adapters.bedrock_converse import Converse, Retrieve

from instrumentation import aws_frames, endings


def closed_twice(stream: Any) -> None:
    next(iter(stream))
    stream.close()
    stream.close()


def consumer_raises(stream: Any) -> None:
    with pytest.raises(endings.OurError):
        for _ in stream:
            raise endings.OurError


def drained(stream: Any) -> None:
    assert list(stream)
    assert not list(stream)


VOLATILE = ("authorization", "x-amz-date", "amz-sdk-invocation-id")


class Bedrock(Client):
    """Converse, by botocore."""

    name = "bedrock"
    adapter = bedrock.Bedrock()
    reader = Converse()
    exchanges = EXCHANGES
    offers = frozenset({"stream"})
    abandoned: ClassVar[Any] = [  # its streams are neither iterators nor context managers
        (endings.broken_off, "dropped"), (closed_twice, "closed"), (endings.never_read, "dropped"),
        (consumer_raises, "dropped"), (drained, "completed"),
    ]  # fmt: skip
    untold = frozenset({names.RESPONSE_ID, names.RESPONSE_MODEL})
    overloaded = failure("ThrottlingException", 429), 429
    cannot: ClassVar[Mapping[str, str]] = {
        "test_one_shot_iterators_in_the_request_arrive": "botocore refuses a request that is not of lists and dicts",
    }
    service = "bedrock-runtime"
    calls: ClassVar[Mapping[str, str]] = {"reply": "converse", "stream": "converse_stream"}

    @property
    def refusals(self) -> Mapping[str, tuple[Any, str]]:  # type: ignore[override]
        url = "https://bedrock.example"
        return {
            "wrong": (self.failure("ValidationException", 400), "ValidationException"),
            "too many": (self.failure("ThrottlingException", 429), "ThrottlingException"),
            "overloaded": (self.failure("ServiceUnavailableException", 503), "ServiceUnavailableException"),
            "unknown": (self.failure("OddException", 418), "ClientError"),
            "time-out": (ReadTimeoutError(endpoint_url=url), "ReadTimeoutError"),
            "no connection": (EndpointConnectionError(endpoint_url=url), "EndpointConnectionError"),
        }

    def failure(self, kind: str, status: int) -> Any:
        return failure(kind, status)

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not asynchronous
        return Api(handler, self.service, retries)

    def body(self, reply: Any) -> Any:
        return whole(reply)

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return events(chunks)

    def event_stream(self, blocks: Any) -> Any:
        return event_stream(blocks)

    def refused_midway(self) -> tuple[Any, str]:
        return {"throttlingException": {"message": "no"}}, "EventStreamError"

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return stream_in(getattr(api.ready(), self.calls["stream"])(**request))

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if way == "stream":
            return list(self.stream(api, request))
        return getattr(api.ready(), self.calls["reply"])(**request)

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "messages": [{"role": "user", "content": [{"text": text}]}]}

    def sent(self, request: Any) -> Any:
        own = {key: value for key, value in request.headers.items() if key.lower() not in VOLATILE}
        return request.url, request.body, own

    def lost(self) -> BaseException:
        return ConnectionResetError("lost")

    def unreachable(self) -> BaseException:
        return EndpointConnectionError(endpoint_url="https://bedrock.example")


def stream_in(result: Mapping[str, Any]) -> Any:
    return result["stream"] if "stream" in result else result["body"]


def _by_raw(body: Any) -> bytes:
    with body as raw:
        content: bytes = raw.read()
    return content


def _into(body: Any) -> bytes:
    buffer, content = bytearray(7), b""
    while size := body.readinto(buffer):
        content += buffer[:size]
    return content


READS: dict[str, Callable[[Any], Any]] = {
    "reply": lambda body: body.read(),
    "file reply": json.load,
    "chunked reply": lambda body: b"".join(body.iter_chunks(5)),
    "sized reply": lambda body: b"".join([body.read(9), body.read(10_000)]),
    "line reply": lambda body: list(body.iter_lines()),
    "iterated reply": list,
    "raw reply": _by_raw,
}
if hasattr(StreamingBody, "readinto"):  # older versions have none
    READS["into reply"] = _into


class InvokeModel(Bedrock):
    """Bodies of all the families, by botocore; the first one is Anthropic's."""

    reader = AnthropicBody()
    exchanges: ClassVar[Mapping[str, Exchange]] = {
        **BODIES,
        "reply": replace(BODIES["reply"], ways=(*READS, "stream")),
    }
    wanted = frozenset({"reply", "nova", "titan", "llama", "mistral", "command", "command r", "titan embeddings"})
    untold = frozenset({names.RESPONSE_ID, names.RESPONSE_MODEL, names.REQUEST_ENCODING_FORMATS})
    cannot: ClassVar[Mapping[str, str]] = {}
    calls: ClassVar[Mapping[str, str]] = {"reply": "invoke_model", "stream": "invoke_model_with_response_stream"}

    def body(self, reply: Any) -> Any:
        return whole(reply, x_amzn_bedrock_input_token_count="12", x_amzn_bedrock_output_token_count="8")

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        for chunk in chunks:
            odd = isinstance(chunk, dict) and any(str(key).endswith("Exception") for key in chunk)
            yield from events([chunk]) if odd else [aws_frames.aws_event(chunk)]

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if way == "stream":
            return list(self.stream(api, request))
        body = api.ready().invoke_model(**request)["body"]
        return type(body).__name__, READS[way](body)

    def asking(self, text: str) -> Mapping[str, Any]:
        asked = {**HELLO_ANTHROPIC, "messages": [{"role": "user", "content": text}]}
        return {**self.exchange.request, "body": json.dumps(asked)}

    def one_shot(self) -> tuple[Mapping[str, Any], Any, Any]:
        body = io.BytesIO(str(self.exchange.request["body"]).encode())
        arguments = {**self.exchange.request, "body": body}
        return arguments, lambda request: request.body.read(), body.getvalue()


class KnowledgeBase(Bedrock):
    """Retrieval, by botocore."""

    reader = Retrieve()
    exchanges: ClassVar[Mapping[str, Exchange]] = {"reply": RETRIEVE}
    offers: ClassVar[frozenset[str]] = frozenset()
    wanted = frozenset({"reply"})
    service = "bedrock-agent-runtime"
    asked_in = names.RETRIEVAL_QUERY_TEXT
    calls: ClassVar[Mapping[str, str]] = {"reply": "retrieve"}

    @property
    def refusals(self) -> Mapping[str, tuple[Any, str]]:  # type: ignore[override]
        return {
            **super().refusals,
            "overloaded": (self.failure("InternalServerException", 500), "InternalServerException"),
        }

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "retrievalQuery": {"text": text}}


class Generation(KnowledgeBase):
    """Answers from a knowledge base, by botocore."""

    exchanges: ClassVar[Mapping[str, Exchange]] = {"reply": GENERATE}
    untold = frozenset(
        {*Bedrock.untold, names.RESPONSE_FINISH_REASONS, names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS}
    )
    calls: ClassVar[Mapping[str, str]] = {"reply": "retrieve_and_generate"}
