"""Exchanges with Groq, which are OpenAI's but for what only that one has. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from instrumentation.openai_client import exchanges
from instrumentation.openai_client.wire import USAGE
from instrumentation.scenarios import Exchange

WAYS = ("reply", "stream", "async reply", "async stream", "raw reply", "async raw reply", "raw stream", "lazy reply",
        "async lazy reply", "lazy stream", "async lazy stream")  # fmt: skip
SERVER = {"gen_ai.provider.name": "groq", "server.address": "api.groq.com"}


def of_groq(exchange: Exchange, *ways: str) -> Exchange:
    """The exchange with Groq instead, which sends the usage of a stream in its last chunk, unasked."""
    chunks = [chunk for chunk in exchange.chunks if not (isinstance(chunk, Mapping) and not chunk["choices"])]
    usage = exchange.reply.get("usage", USAGE)
    chunks = [*chunks[:-1], {**chunks[-1], "x_groq": {"id": "req_1", "usage": usage}}] if chunks else []
    recorded = {key: value for key, value in exchange.recorded.items() if not key.startswith("openai.")}
    return replace(exchange, chunks=chunks, recorded={**recorded, **SERVER}, ways=ways or ("reply", "stream"))


CHAT = {name: of_groq(each) for name, each in exchanges.CHAT.items() if name in (
    "tools", "parallel tools", "structured output", "media", "reasoning", "cached tokens")}  # fmt: skip
CHAT = {"reply": of_groq(exchanges.PLAIN, *WAYS), **CHAT}
EMBEDDED: Any = of_groq(next(iter(exchanges.EMBEDDINGS.values())), "reply", "async reply", "raw reply")
