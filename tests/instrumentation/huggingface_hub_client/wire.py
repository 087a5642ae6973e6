"""A server from memory, and real clients of Hugging Face's that talk to it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from itertools import chain
from typing import Any

from huggingface_hub import AsyncInferenceClient, InferenceClient, set_async_client_factory, set_client_factory
from huggingface_hub.hf_api import InferenceProviderMapping
from huggingface_hub.inference._providers._common import HARDCODED_MODEL_INFERENCE_MAPPING
from huggingface_hub.utils import _http
from instrumentation.endings import anever_read, never_read
from instrumentation.generators import LEFT, LEFT_ASYNC
from instrumentation.huggingface_hub_client import exchanges
from instrumentation.huggingface_hub_client.exchanges import MODEL
from instrumentation.scenarios import Client, Handler, read, streamed
from throughline import names
from throughline.adapters import huggingface as huggingface_adapter

from instrumentation import httpx_wire

http = httpx_wire.library_in(_http)
SERVER = {"base_url": "https://models.example.org"}
GROQ = {"provider": "groq"}
_KEPT: list[Any] = []
"""The last client: with it, the streams that it made would be closed."""
HARDCODED_MODEL_INFERENCE_MAPPING["groq"] = {
    MODEL: InferenceProviderMapping(
        provider="groq", hf_model_id=MODEL, providerId=MODEL, status="live", task="conversational"
    )
}  # or the client asks the hub
KNOWS_TIMEOUTS = "TimeoutException" in inspect.getsource(InferenceClient._inner_post)
_NO_RETRIES = "the client tries nothing again"


def failure(status: int) -> Any:
    return lambda: http.Response(status, json={"error": "no"})


def client(handler: Handler, *, asynchronous: bool = False, **options: Any) -> Any:
    """A client; all of the process have their HTTP client from the same factory, and sync ones share it."""
    make = set_async_client_factory if asynchronous else set_client_factory
    make(lambda: httpx_wire.http_client(http, handler, asynchronous=asynchronous))
    made = (AsyncInferenceClient if asynchronous else InferenceClient)(**(options or SERVER), api_key="key")
    _KEPT[:] = [made]
    return made


class HuggingFace(Client):
    """Chat."""

    name = "huggingface_hub"
    adapter = huggingface_adapter.HuggingFace()
    reader = huggingface_adapter.Chat()
    exchanges = exchanges.CHAT
    http = http
    refusals = {
        "no such model": (failure(404), "404"),
        "too many": (failure(429), "429"),
        "time-out": (http.ReadTimeout("slow"), "InferenceTimeoutError" if KNOWS_TIMEOUTS else "ReadTimeout"),
        "no connection": (http.ConnectError("refused"), "ConnectError"),
    }
    abandoned = [*LEFT, (never_read, "dropped")]
    abandoned_async = [*LEFT_ASYNC, (anever_read, "dropped")]
    cannot = {
        "test_retries_are_seen": _NO_RETRIES,
        "test_a_connection_that_failed_is_an_attempt_too": _NO_RETRIES,
        "test_one_shot_iterators_in_the_request_arrive": "the client sends what it is given as JSON, iterators never",
    }
    not_called = frozenset({(huggingface_adapter.HuggingFace, "amend")})  # where it goes is told only afterwards
    method = "chat_completion"
    options: Mapping[str, str] = GROQ

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        assert not retries
        return client(handler, asynchronous=asynchronous, **self.options)

    def event_stream(self, blocks: Any) -> Any:
        whole = blocks if isinstance(blocks, http.AsyncByteStream) else chain(blocks, [b"data: [DONE]\n\n"])
        return super().event_stream(whole)

    def refused_midway(self) -> tuple[Any, str]:
        return {"error": "no", "error_type": "overloaded"}, "OverloadedError"

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return getattr(api, self.method)(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        begun = self.stream(api, request) if streamed(way) else getattr(api, self.method)(**request)
        return comparable(await read(way, begun))


def comparable(reply: Any) -> Any:
    return reply.tolist() if hasattr(reply, "tolist") else reply


class Generation(HuggingFace):
    """Texts without turns."""

    reader = huggingface_adapter.Generation()
    exchanges = {"reply": exchanges.GENERATED_WHOLE, "stream": exchanges.GENERATED_IN_PARTS}
    wanted = frozenset({"reply"})
    untold = frozenset({names.REQUEST_MODEL, names.RESPONSE_ID, names.RESPONSE_MODEL, names.USAGE_INPUT_TOKENS})
    cannot = {
        **HuggingFace.cannot,
        "test_each_token_is_paid_once_by_its_own_price": "a server of one's own names no model, which has no price so",
    }
    method = "text_generation"
    options = SERVER
    not_called = frozenset()


class Features(HuggingFace):
    """Vectors of texts."""

    reader = huggingface_adapter.Features()
    exchanges = {"reply": exchanges.EMBEDDED}
    wanted = frozenset({"reply"})
    offers = frozenset({"async"})
    untold = frozenset(
        {names.REQUEST_MODEL, names.REQUEST_ENCODING_FORMATS, names.RESPONSE_MODEL, names.USAGE_INPUT_TOKENS}
    )
    method = "feature_extraction"
    options = SERVER
