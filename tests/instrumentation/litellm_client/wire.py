"""LiteLLM over real clients that answer from memory: OpenAI's below it, or its own HTTP library."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

import openai
from instrumentation.litellm_client import exchanges
from instrumentation.litellm_client.imported import litellm
from instrumentation.openai_client import joined
from instrumentation.openai_client.wire import client
from instrumentation.scenarios import Handler
from throughline import names
from throughline.adapters import litellm as litellm_adapter

from instrumentation import endings, generators

executor = importlib.import_module("litellm.litellm_core_utils.thread_pool_executor").executor
_together = threading.Barrier(33)
for _ in range(32):  # a thread that is begun inside an operation keeps the context of that for ever
    executor.submit(_together.wait)
_together.wait()
CLOSES = hasattr(litellm.CustomStreamWrapper, "__exit__")
ACLOSES = hasattr(litellm.CustomStreamWrapper, "aclose")
NOISE = (
    "ignore:unclosed event loop:ResourceWarning",
    "ignore:Item:UserWarning",
    "ignore:Pydantic serializer warnings:UserWarning",
    "ignore::DeprecationWarning",
    "ignore:coroutine 'Logging:RuntimeWarning",
    "ignore:Exception ignored in. <coroutine object Logging:pytest.PytestUnraisableExceptionWarning",
)
"""What it warns of by itself, and when it imports late."""


class LiteLLM(joined.OpenAI):
    """Its `completion`, of a model of OpenAI's."""

    name = "litellm"
    adapter = litellm_adapter.LiteLLM()
    reader = litellm_adapter.Chat()
    exchanges = exchanges.CHAT
    overloaded = joined.failure(503), 503
    refusals = {
        "no such model": (joined.failure(404), "NotFoundError"),
        "too many": (joined.failure(429), "RateLimitError"),
        "broken": (joined.failure(500), "InternalServerError"),
        "time-out": (joined.http.ReadTimeout("slow"), "Timeout"),
        "no connection": (joined.http.ConnectError("refused"), "InternalServerError"),
    }
    function = "completion"
    abandoned = [
        *(way for way in generators.LEFT if CLOSES or way[1] != "closed"),
        *(
            (way for way in endings.ABANDONED if way[0] in (endings.with_block, endings.consumer_raises))
            if CLOSES
            else ()
        ),
        (endings.never_read, "dropped"),
    ]
    abandoned_async = [
        *(way for way in generators.LEFT_ASYNC if ACLOSES or way[1] != "closed"),
        *(way for way in endings.ABANDONED_ASYNC if CLOSES and way[0] is endings.awith_block),
        (endings.anever_read, "dropped"),
    ]
    cannot = {
        "test_one_shot_iterators_in_the_request_arrive": "LiteLLM copies what it is given, which no iterator survives",
        "test_the_callers_own_error_is_his_own": "LiteLLM makes an error of its own of each, twice over",
    }

    def api(self, handler: Handler, *, asynchronous: bool = False, retries: int = 0) -> Any:
        own = client(handler, openai.AsyncOpenAI if asynchronous else openai.OpenAI, max_retries=0)
        also = {"num_retries": retries} if retries else {}

        def call(**request: Any) -> Any:
            return getattr(litellm, f"a{self.function}" if asynchronous else self.function)(
                **request, client=own, max_retries=0, **also
            )

        return call

    def stream(self, api: Any, request: Mapping[str, Any]) -> Any:
        return api(**request, stream=True)

    async def call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        try:
            return await self._call(way, api, request)
        finally:
            settle()

    async def _call(self, way: str, api: Any, request: Mapping[str, Any]) -> Any:
        match way:
            case "reply":
                return timeless(api(**request))
            case "stream":
                return [timeless(chunk) for chunk in api(**request, stream=True)]
            case "async reply":
                return timeless(await api(**request))
            case "async stream":
                return [timeless(chunk) async for chunk in await api(**request, stream=True)]
        raise AssertionError(way)

    def refused_midway(self) -> tuple[Any, str]:
        chunk, error = super().refused_midway()
        return chunk, "MidStreamFallbackError" if hasattr(litellm.exceptions, "MidStreamFallbackError") else error


def settle() -> None:
    """Wait for the threads in which LiteLLM logs, and which hold what they log; give up without a word."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and (
        executor._work_queue.qsize() or executor._idle_semaphore._value < len(executor._threads)
    ):
        os.sched_yield()


def timeless(reply: Any) -> Any:
    """Without the time, which LiteLLM notes by itself."""
    if hasattr(reply, "created"):
        reply.created = 1
    return reply


class Embeddings(LiteLLM):
    """Its `embedding`."""

    reader = litellm_adapter.Embeddings()
    exchanges = {"reply": exchanges.EMBEDDED}
    offers = joined.Embeddings.offers
    wanted = joined.Embeddings.wanted
    cannot = joined.Embeddings.cannot
    function = "embedding"

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "input": text}


class Texts(LiteLLM):
    """Its `text_completion`."""

    reader = litellm_adapter.Texts()
    exchanges = {"reply": exchanges.CONTINUED, "stream": exchanges.CONTINUED_IN_PARTS}
    untold = frozenset({names.USAGE_INPUT_TOKENS, names.USAGE_OUTPUT_TOKENS})
    wanted = frozenset({"reply"})
    function = "text_completion"

    def asking(self, text: str) -> Mapping[str, Any]:
        return {**self.exchange.request, "prompt": text}
