"""What aioboto3's clients for Bedrock bring to the scenarios: the exchanges of botocore's, always awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from aiobotocore.response import StreamingBody
from instrumentation.aioboto3_client.transport import Api, event_stream, failure, whole
from instrumentation.bedrock_client import wire
from instrumentation.bedrock_client.bodies import BODIES
from instrumentation.scenarios import Exchange, Handler
from throughline.adapters import bedrock

from instrumentation import endings

_SYNC = "nothing of it is synchronous; test_aioboto3.py holds the same for its streams"


async def closed_twice(stream: Any) -> None:
    await anext(aiter(stream))
    stream.close()
    stream.close()


async def consumer_raises(stream: Any) -> None:
    with pytest.raises(endings.OurError):
        async for _ in stream:
            raise endings.OurError


async def drained(stream: Any) -> None:
    assert [event async for event in stream]
    assert not [event async for event in stream]


class AioBedrock(wire.Bedrock):
    """Converse, by aiobotocore."""

    name = "aiobedrock"
    adapter = bedrock.AioBedrock()
    offers: ClassVar[frozenset[str]] = frozenset({"async", "stream"})
    abandoned: ClassVar[Any] = ()
    abandoned_async: ClassVar[Any] = [  # its streams are neither iterators nor context managers
        (endings.abroken_off, "dropped"), (closed_twice, "closed"), (endings.anever_read, "dropped"),
        (consumer_raises, "dropped"), (drained, "completed"),
    ]  # fmt: skip
    overloaded = failure("ThrottlingException", 429), 429
    cannot: ClassVar[Mapping[str, str]] = {
        **wire.Bedrock.cannot,
        "test_a_stream_ends_once": _SYNC,
        "test_the_callers_context_is_his_own": _SYNC,
        "test_the_callers_own_error_is_his_own": _SYNC,
        "test_an_interrupt_ends_the_operation_too": _SYNC,
    }

    def api(self, handler: Handler, *, asynchronous: bool = True, retries: int = 0) -> Any:
        del asynchronous
        return Api(handler, self.service, retries)

    def body(self, reply: Any) -> Any:
        return whole(reply)

    def event_stream(self, blocks: Any) -> Any:
        return event_stream(blocks)

    def failure(self, kind: str, status: int) -> Any:
        return failure(kind, status)

    async def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        client = await api.ready()
        return wire.stream_in(await getattr(client, self.calls["stream"])(**request))

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if way.endswith("stream"):
            return [event async for event in await self.stream(api, request)]
        return await getattr(await api.ready(), self.calls["reply"])(**request)

    def endless(self, first: Sequence[bytes], asked: asyncio.Event) -> Any:
        async def blocks() -> Any:
            for block in first:
                yield block
            asked.set()
            await asyncio.Event().wait()

        return event_stream(blocks())


async def _by_raw(body: Any) -> Any:
    async with body as raw:
        return await raw.read()


async def _json(body: Any) -> Any:
    async with body as raw:
        return await raw.json()


async def _into(body: Any) -> bytes:
    buffer, content = bytearray(7), b""
    while size := await body.readinto(buffer):
        content += buffer[:size]
    return content


async def _all(blocks: Any) -> bytes:
    return b"".join([block async for block in blocks])


async def _sized(body: Any) -> Any:
    return [await body.read(9), await body.read(10_000)]


READS: dict[str, Any] = {
    "reply": lambda body: body.read(),
    "chunked reply": lambda body: _all(body.iter_chunks(5)),
    "sized reply": _sized,
    "line reply": lambda body: _all(body.iter_lines()),
    "iterated reply": _all,
    "raw reply": _by_raw,
    "json reply": _json,
}
if hasattr(StreamingBody, "readinto"):  # older versions have none
    READS["into reply"] = _into


class AioInvokeModel(AioBedrock, wire.InvokeModel):
    """Bodies of all the families, by aiobotocore."""

    reader = wire.InvokeModel.reader
    cannot: ClassVar[Mapping[str, str]] = {
        name: why for name, why in AioBedrock.cannot.items() if name not in wire.Bedrock.cannot
    }

    exchanges: ClassVar[Mapping[str, Exchange]] = {
        **BODIES,
        "reply": replace(BODIES["reply"], ways=(*READS, "stream")),
    }

    def body(self, reply: Any) -> Any:
        return whole(reply, x_amzn_bedrock_input_token_count="12", x_amzn_bedrock_output_token_count="8")

    def events(self, chunks: Iterable[Any]) -> Iterable[bytes]:
        return wire.InvokeModel.events(self, chunks)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        if way.endswith("stream"):
            return await super().call(way, api, request)
        body = (await (await api.ready()).invoke_model(**request))["body"]
        return type(body).__name__, await READS[way.removeprefix("async ")](body)


class AioKnowledgeBase(AioBedrock, wire.KnowledgeBase):
    """Retrieval, by aiobotocore."""

    offers: ClassVar[frozenset[str]] = frozenset({"async"})
    exchanges = wire.KnowledgeBase.exchanges
    reader = wire.KnowledgeBase.reader
    service, asked_in, calls = "bedrock-agent-runtime", wire.KnowledgeBase.asked_in, wire.KnowledgeBase.calls
