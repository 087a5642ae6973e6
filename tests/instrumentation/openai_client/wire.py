"""Canned replies of an OpenAI-compatible server, and clients of any supported version that get them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import openai
from instrumentation.httpx_wire import Handler

from instrumentation import httpx_wire

http = httpx_wire.library_in(openai._base_client)
answering = httpx_wire.answering
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
USAGE = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def chat_reply(content: str | None = "Hello.", *, finish_reason: str = "stop", **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": USAGE,
        **more,
    }


def chat_chunk(delta: dict[str, Any] | None = None, *, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-08-06"}
    return {**head, "choices": choices, **more}


def chat_chunks(*words: str, usage: dict[str, Any] | None = USAGE) -> list[dict[str, Any]]:
    """A role, the words, a finish and, as asked for with `include_usage`, the usage."""
    said = [chat_chunk({"role": "assistant", "content": ""}), *(chat_chunk({"content": word}) for word in words)]
    end = [chat_chunk({}, finish_reason="stop")]
    return said + end + ([chat_chunk(usage=usage)] if usage else [])


EMBEDDINGS_REPLY = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.25, -0.5, 0.75]}],
    "usage": {"prompt_tokens": 5, "total_tokens": 5},
}


def responses_reply(**more: Any) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": "gpt-4o-2024-08-06",
        "output": [
            {
                "type": "message",
                "id": "msg_1",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello.", "annotations": []}],
            }
        ],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 11,
            "output_tokens": 7,
            "total_tokens": 18,
            "input_tokens_details": {"cached_tokens": 4},
            "output_tokens_details": {"reasoning_tokens": 3},
        },
        **more,
    }


def responses_events(**more: Any) -> list[dict[str, Any]]:
    started = responses_reply(status="in_progress", output=[], usage=None)
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0, "logprobs": []}
    done = responses_reply()["output"][0]
    item = {"type": "message", "id": "msg_1", "status": "in_progress", "role": "assistant", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    return [
        {"type": "response.created", "sequence_number": 0, "response": started},
        {"type": "response.output_item.added", "sequence_number": 1, "output_index": 0, "item": item},
        {"type": "response.content_part.added", "sequence_number": 2, **where, "part": part},
        {"type": "response.output_text.delta", "sequence_number": 3, **where, "delta": "Hel"},
        {"type": "response.output_text.delta", "sequence_number": 4, **where, "delta": "lo."},
        {"type": "response.output_text.done", "sequence_number": 5, **where, "text": "Hello."},
        {"type": "response.content_part.done", "sequence_number": 6, **where, "part": done["content"][0]},
        {"type": "response.output_item.done", "sequence_number": 7, "output_index": 0, "item": done},
        {"type": "response.completed", "sequence_number": 8, "response": responses_reply(**more)},
    ]


def event_stream(chunks: Iterable[dict[str, Any]], *, named: bool = False, done: bool = True) -> Iterator[bytes]:
    """Server-sent events, one block of bytes each, as a server would send them."""
    for chunk in chunks:
        name = f"event: {chunk['type']}\n".encode() if named else b""
        yield name + b"data: " + json.dumps(chunk).encode() + b"\n\n"
    if done:
        yield b"data: [DONE]\n\n"


def json_response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Any:
    return http.Response(status, json=body, headers={"x-request-id": "req-1", **(headers or {})})


def stream_response(blocks: Any) -> Any:
    return httpx_wire.event_stream(http, blocks)


def client(handler: Handler, cls: type = openai.OpenAI, **options: Any) -> Any:
    """A client of class `cls`, sync or async, whose requests `handler` answers."""
    http_client = httpx_wire.http_client(http, handler, asynchronous="Async" in cls.__name__)
    options = {"base_url": "https://api.openai.com/v1", **options} if "Azure" not in cls.__name__ else options
    return cls(api_key="sk-test", http_client=http_client, **options)
