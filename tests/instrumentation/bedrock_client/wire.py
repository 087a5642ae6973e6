"""Bedrock from memory, and real clients of botocore that talk to it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPResponse as PlainResponse
from types import SimpleNamespace
from typing import Any, ClassVar

import botocore.endpoint
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from instrumentation.bedrock_client.bodies import BODIES, HELLO_ANTHROPIC
from instrumentation.bedrock_client.exchanges import EXCHANGES, GENERATE, RETRIEVE
from instrumentation.scenarios import Client, Exchange, Handler
from throughline import names
from throughline.adapters import bedrock
from throughline.adapters.bedrock_bodies import AnthropicBody
from throughline.adapters.bedrock_converse import Converse, Retrieve
from urllib3 import HTTPResponse

from instrumentation import aws_frames, endings

botocore.endpoint.time = SimpleNamespace(sleep=lambda _seconds: None)  # type: ignore[attr-defined] # between attempts
HEADERS = {"x-amzn-requestid": "r-1", "content-type": "application/json"}
VOLATILE = ("authorization", "x-amz-date", "amz-sdk-invocation-id")
SESSION = botocore.session.Session()


class Blocks(io.RawIOBase):
    """What a socket receives, block by block; an iterator that raises breaks the connection."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self._rest = iter(blocks), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._rest = self._rest or next(self._blocks, b"")
        size = min(len(buffer), len(self._rest))
        buffer[:size], self._rest = self._rest[:size], self._rest[size:]
        return size


def response(blocks: Iterable[bytes], headers: Mapping[str, str], status: int = 200) -> AWSResponse:
    """A response as urllib3 gives it, which reads from its socket when it is read itself."""
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    received = Blocks(_all(head, status, blocks))
    plain = PlainResponse(SimpleNamespace(makefile=lambda _mode: io.BufferedReader(received)), method="POST")  # type: ignore[arg-type]
    plain.begin()
    raw = HTTPResponse(body=plain, headers=dict(headers), status=status, preload_content=False, original_response=plain)
    return AWSResponse("https://bedrock.example", status, dict(headers), raw)


def _all(head: str, status: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield f"HTTP/1.1 {status} .\r\n{head}\r\n".encode()
    yield from blocks


def whole(content: Any, status: int = 200, **headers: str) -> AWSResponse:
    body = content if isinstance(content, bytes) else json.dumps(content, default=encoded).encode()
    sent = {**HEADERS, "content-length": str(len(body)), **{key.replace("_", "-"): v for key, v in headers.items()}}
    return response([body], sent, status)


def event_stream(frames: Any) -> AWSResponse:
    chunked = (f"{len(block):x}\r\n".encode() + block + b"\r\n" for block in frames)
    sent = {**HEADERS, "content-type": "application/vnd.amazon.eventstream", "transfer-encoding": "chunked"}
    return response(_ended(chunked), sent)


def _ended(chunked: Iterable[bytes]) -> Iterator[bytes]:
    yield from chunked
    yield b"0\r\n\r\n"


def encoded(value: bytes) -> str:
    """Bytes as Bedrock sends them in JSON."""
    return base64.b64encode(value).decode()


def events(chunks: Iterable[Any]) -> Iterator[bytes]:
    for chunk in chunks:
        kind, payload = next(iter(chunk.items())) if isinstance(chunk, dict) and chunk else ("odd", chunk)
        yield aws_frames.event(kind, json.loads(json.dumps(payload, default=encoded)))


def failure(kind: str, status: int) -> Any:
    return lambda: whole({"message": "no"}, status, x_amzn_errortype=kind)


class Api:
    """A client and who answers it; the clients are shared, because making one takes longer than a call."""

    _shared: ClassVar[dict[tuple[str, str], Any]] = {}

    def __init__(
        self, handler: Handler, service: str, retries: int = 0, mode: str = "standard", **options: Any
    ) -> None:
        self.handler = handler
        fresh = retries or mode != "standard" or options
        self.client = self.made(service, retries, mode, options) if fresh else self.shared(service)

    def shared(self, service: str) -> Any:
        key = type(self).__name__, service
        if key not in self._shared:
            self._shared[key] = self.made(service, 0, "standard", {})
        client, answering = self._shared[key]
        answering.handler = self.handler
        return client, answering

    def made(self, service: str, retries: int, mode: str, options: Mapping[str, Any]) -> Any:
        client = SESSION.create_client(
            service, "eu-west-1", aws_access_key_id="a", aws_secret_access_key="s",
            config=Config(retries={"total_max_attempts": retries + 1, "mode": mode}), **options,
        )  # fmt: skip
        answering = SimpleNamespace(handler=self.handler)
        client.meta.events.register("before-send", lambda request, **_: answering.handler(request))
        return client, answering

    def ready(self) -> Any:
        """The client, answered by this one's handler."""
        client, answering = self.client
        answering.handler = self.handler
        return client


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
            "wrong": (failure("ValidationException", 400), "ValidationException"),
            "too many": (failure("ThrottlingException", 429), "ThrottlingException"),
            "overloaded": (failure("ServiceUnavailableException", 503), "ServiceUnavailableException"),
            "unknown": (failure("OddException", 418), "ClientError"),
            "time-out": (ReadTimeoutError(endpoint_url=url), "ReadTimeoutError"),
            "no connection": (EndpointConnectionError(endpoint_url=url), "EndpointConnectionError"),
        }

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


class InvokeModel(Bedrock):
    """Bodies of all the families, by botocore; the first one is Anthropic's."""

    reader = AnthropicBody()
    exchanges = BODIES
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


def _by_raw(body: Any) -> bytes:
    with body as raw:
        content: bytes = raw.read()
    return content


def _into(body: Any) -> bytes:
    buffer, content = bytearray(7), b""
    while size := body.readinto(buffer):
        content += buffer[:size]
    return content


READS = {
    "reply": lambda body: body.read(),
    "file reply": json.load,
    "chunked reply": lambda body: b"".join(body.iter_chunks(5)),
    "sized reply": lambda body: b"".join([body.read(9), body.read(10_000)]),
    "line reply": lambda body: list(body.iter_lines()),
    "iterated reply": list,
    "raw reply": _by_raw,
    "into reply": _into,
}


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
        return {**super().refusals, "overloaded": (failure("InternalServerException", 500), "InternalServerException")}

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "retrievalQuery": {"text": text}}


class Generation(KnowledgeBase):
    """Answers from a knowledge base, by botocore."""

    exchanges: ClassVar[Mapping[str, Exchange]] = {"reply": GENERATE}
    untold = frozenset(
        {*Bedrock.untold, names.RESPONSE_FINISH_REASONS, names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS}
    )
    calls: ClassVar[Mapping[str, str]] = {"reply": "retrieve_and_generate"}
