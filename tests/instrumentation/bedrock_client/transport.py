"""Bedrock's answers from memory, as urllib3 gives them, and botocore's own clients that get them. No exchange."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from http.client import HTTPResponse as PlainResponse
from types import SimpleNamespace
from typing import Any, ClassVar

import botocore.endpoint
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from instrumentation.scenarios import Handler
from urllib3 import HTTPResponse

from instrumentation import aws_frames

botocore.endpoint.time = SimpleNamespace(sleep=lambda _seconds: None)  # type: ignore[attr-defined] # between attempts
HEADERS = {"x-amzn-requestid": "r-1", "content-type": "application/json"}
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
    """A client and who answers it; a plain client is shared, because making one takes longer than a call."""

    shared: ClassVar[dict[str, Any]] = {}

    def __init__(
        self, handler: Handler, service: str, retries: int = 0, mode: str = "standard", **options: Any
    ) -> None:
        self.handler, self.client = handler, None if retries or options else self.shared.get(service)
        if self.client is None:
            self.client = SESSION.create_client(service, "eu-west-1", **settings(retries, mode), **options)
            self.client.meta.events.register("before-send", answered)
            if not retries and not options:
                self.shared[service] = self.client

    def ready(self) -> Any:
        """The client, answered by this one's handler."""
        ANSWERING.set(self.handler)
        return self.client


ANSWERING: ContextVar[Handler] = ContextVar("answering")


def settings(retries: int, mode: str) -> Mapping[str, Any]:
    config = Config(retries={"total_max_attempts": retries + 1, "mode": mode})
    return {"aws_access_key_id": "a", "aws_secret_access_key": "s", "config": config}


def answered(request: Any, **_: Any) -> Any:
    """What a client's own events call before it would send a request: what this gives is the response."""
    return ANSWERING.get()(request)
