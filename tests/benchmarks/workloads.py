"""The calls that are measured: the real openai client on a mock transport, with canned replies. No tracer here."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import openai
from subjects import Subject, Workload

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the canned replies; this runs in the rivals' environments, too
from instrumentation.openai_client import wire

CHUNKS = 200
_MODEL = "gpt-4o"
_PARAGRAPH = (
    "The committee met on the second floor to review how the new irrigation scheme had performed over the dry season. "
    "Water levels in the upper reservoir fell by 14 per cent, less than the 20 per cent forecast in spring, "
    "and the pumps at the western station ran without interruption. Two farmers asked why the schedule was changed; "
    "the engineer explained that evaporation is lowest before sunrise, so that most fields are now served at night.\n"
)
PROMPT = (_PARAGRAPH * (32_768 // len(_PARAGRAPH) + 1))[:32_768]
_numbers = itertools.count()


def _messages(content: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


def _small(client: Any) -> Any:
    return client.chat.completions.create(
        model=_MODEL, messages=_messages("Say hello."), temperature=0.1, max_completion_tokens=5
    )


def _large(client: Any) -> Any:
    """A new text each time, as a new question is; a text seen before may cost a tracer less."""
    content = f"{next(_numbers)}. {PROMPT}"
    return client.chat.completions.create(model=_MODEL, messages=_messages(content), temperature=0.1)


def _stream(client: Any) -> Any:
    return client.chat.completions.create(model=_MODEL, messages=_messages("Say hello."), stream=True)


def _responses(client: Any) -> Any:
    return client.responses.create(model=_MODEL, input="Say hello.", temperature=0.1, max_output_tokens=5)


def _embeddings(client: Any) -> Any:
    texts = [f"passage number {number}" for number in range(100)]
    return client.embeddings.create(model="text-embedding-3-small", input=texts, encoding_format="float")


WORKLOADS = (
    Workload("chat small", _small, 5),
    Workload("chat 32 KB", _large, 5),
    Workload("stream 200", _stream, 1, streamed=True),
    Workload("responses", _responses, 5),
    Workload("embeddings 100", _embeddings, 5, operation="embeddings", token_types=("input",)),
)

_VECTOR = [round(0.001 * number, 3) for number in range(8)]  # short: reading numbers would drown what tracing adds
_REPLIES = {
    "/v1/chat/completions": wire.json_response(wire.chat_reply()).content,
    "/v1/responses": wire.json_response(wire.responses_reply()).content,
    "/v1/embeddings": wire.json_response(
        {
            **wire.EMBEDDINGS_REPLY,
            "data": [{"object": "embedding", "index": i, "embedding": _VECTOR} for i in range(100)],
        }
    ).content,
}
_EVENTS = b"".join(wire.event_stream(wire.chat_chunks(*["tok "] * (CHUNKS - 2))))


def _answer(request: Any) -> Any:
    if b'"stream":true' in request.content:
        return wire.http.Response(200, content=_EVENTS, headers={"content-type": "text/event-stream"})
    return wire.http.Response(200, content=_REPLIES[request.url.path], headers={"content-type": "application/json"})


def make_client(*, asynchronous: bool) -> Any:
    """A new client; tracers that look at clients as they are made get one made after them."""
    return wire.client(_answer, openai.AsyncOpenAI if asynchronous else openai.OpenAI)


def subject() -> Subject:
    """OpenAI's client, the one that all tracers know."""
    return Subject(WORKLOADS, make_client, ("openai", "httpx", "httpx2", "httpcore", "httpcore2"))
