"""Delivers an exchange as its fate has it: delayed, streamed, refused, hung or broken off; knows no protocol."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Protocol

from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response

from throughline_services.runtime.http import Abandoned, Push, PushedStream, completed_before_reader_left
from throughline_services.simulator.behaviour import Fate, Outcome
from throughline_services.simulator.generation import Generated, Identifiers, Request
from throughline_services.simulator.models import profile


class Exchange(Protocol):
    """What a protocol makes of a request."""

    request: Request
    choices: list[Generated]

    @property
    def opening(self) -> int:
        """How many events come before the first that carries text; they all come with it."""
        ...

    def reply(self) -> dict[str, Any]: ...

    def events(self) -> Iterator[dict[str, Any]]: ...


def headers(fate: Fate) -> dict[str, str]:
    """As providers send them with every answer."""
    refused = fate.outcome is Outcome.RATE_LIMIT
    return {"x-request-id": Identifiers(fate.random).make("req_"), **fate.left.headers(refused=refused)}


def error(status: int, kind: str, code: str, message: str, extra: dict[str, str] | None = None) -> JSONResponse:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return JSONResponse(body, status_code=status, headers=extra)


async def refused(fate: Fate, http: HttpRequest) -> Response | None:
    """The answer to a request that is not to be served; None when it is."""
    match fate.outcome:
        case Outcome.RATE_LIMIT:
            extra = {**headers(fate), "retry-after": "1", "retry-after-ms": "200"}
            return error(429, "requests", "rate_limit_exceeded", "Rate limit reached: retry later.", extra)
        case Outcome.SERVER_ERROR:
            return error(500, "server_error", "server_error", "The simulated server failed.", headers(fate))
        case Outcome.TIMEOUT:
            await completed_before_reader_left(asyncio.sleep(fate.behaviour.hang), http.receive)
            return error(504, "server_error", "timeout", "The simulated server hung.", headers(fate))
    return None


async def whole(exchange: Exchange, fate: Fate) -> Response:
    """At once, after the time that a stream of it would have taken."""
    behaviour, model = fate.behaviour, exchange.request.model
    writing = behaviour.inter_chunk * sum(len(choice.pieces()) for choice in exchange.choices)
    beginning = fate.until_it_begins(behaviour.latency + behaviour.first_chunk, model)
    await asyncio.sleep(beginning + fate.seconds(writing, profile(model).speed))
    if fate.outcome is Outcome.DISCONNECT:
        return PushedStream(_broken_off, headers(fate), media_type="application/json")
    return JSONResponse(exchange.reply(), headers=headers(fate))


async def _broken_off(push: Push) -> None:
    await push('{"id": "')
    raise Abandoned


async def streamed(exchange: Exchange, fate: Fate, named_events: bool) -> Response:
    """Server-sent events; the responses protocol names them, chat ends them by a mark."""
    texts = [_event(event, named_events) for event in exchange.events()]
    if not named_events:
        texts.append("data: [DONE]\n\n")

    async def produce(push: Push) -> None:
        try:
            await _write(texts, exchange, fate, push)
        except asyncio.CancelledError:
            fate.seen["left"] += 1
            raise

    await asyncio.sleep(fate.until_it_begins(fate.behaviour.latency, exchange.request.model))
    return PushedStream(produce, headers(fate))


async def _write(texts: list[str], exchange: Exchange, fate: Fate, push: Push) -> None:
    model = exchange.request.model
    await asyncio.sleep(fate.until_it_begins(fate.behaviour.first_chunk, model))
    for number, text in enumerate(texts):
        if fate.outcome is Outcome.DISCONNECT and number == len(texts) // 2:
            raise Abandoned
        if number > exchange.opening:
            await asyncio.sleep(fate.seconds(fate.behaviour.inter_chunk, profile(model).speed))
        await push(text)


def _event(event: dict[str, Any], named: bool) -> str:
    name = f"event: {event['type']}\n" if named else ""
    return f"{name}data: {json.dumps(event, ensure_ascii=False)}\n\n"
