"""Groq's server from memory, and real clients of any supported version that talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import groq
import httpx as http
from instrumentation.groq_client import exchanges
from instrumentation.openai_client import joined
from instrumentation.scenarios import Handler
from throughline.adapters import groq as groq_adapter

from instrumentation import httpx_wire


def failure(status: int, headers: dict[str, str] | None = None) -> Any:
    return lambda: http.Response(status, json={"error": {"message": "no"}}, headers=headers or {})


class Groq(joined.OpenAI):
    """Chat completions."""

    name = "groq"
    adapter = groq_adapter.Groq()
    reader = groq_adapter.Chat()
    exchanges = exchanges.CHAT
    http = http
    overloaded = failure(429, {"retry-after": "0.001"}), 429
    refusals = {
        "no such model": (failure(404), "NotFoundError"),
        "too many": (failure(429), "RateLimitError"),
        "broken": (failure(500), "InternalServerError"),
        "time-out": (http.ReadTimeout("slow"), "APITimeoutError"),
        "no connection": (http.ConnectError("refused"), "APIConnectionError"),
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        own = httpx_wire.http_client(http, handler, asynchronous=asynchronous)
        made = groq.AsyncGroq if asynchronous else groq.Groq
        return made(api_key="key", http_client=own, max_retries=retries)

    def body(self, reply: Any) -> Any:
        return http.Response(200, json=reply)

    def event_stream(self, blocks: Any) -> Any:
        return httpx_wire.event_stream(http, blocks if isinstance(blocks, http.AsyncByteStream) else self.ended(blocks))

    def breaking(self, error: BaseException, *, after: int) -> Any:
        return super().breaking(error, after=after + 1)  # the usage has no chunk of its own

    def resource(self, api: Any) -> Any:
        return api.chat.completions


class Embeddings(Groq):
    """Embeddings."""

    reader = groq_adapter.openai.Embeddings()
    exchanges = {"reply": exchanges.EMBEDDED}
    offers = joined.Embeddings.offers
    wanted = joined.Embeddings.wanted
    cannot = joined.Embeddings.cannot

    def resource(self, api: Any) -> Any:
        return api.embeddings

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}
