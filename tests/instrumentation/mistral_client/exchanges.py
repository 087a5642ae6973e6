"""Exchanges with Mistral's API and what is to be recorded of each. Data only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "mistral-large-9"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
ASKED = {"model": MODEL, "messages": MESSAGES}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "mistral_ai",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.id": "cmpl-1",
    "gen_ai.response.model": f"{MODEL}-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "api.mistral.ai",
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
REFERENCE = {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}


def reply(content: Any, *calls: dict[str, Any], reason: str = "stop", **usage: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": content, "tool_calls": list(calls) or None}
    return {
        "id": "cmpl-1",
        "object": "chat.completion",
        "model": f"{MODEL}-1",
        "created": 1,
        "choices": [{"index": 0, "message": said, "finish_reason": reason}],
        "usage": {**USAGE, **usage},
    }


def chunks(*deltas: dict[str, Any], reason: str = "stop", **usage: Any) -> list[dict[str, Any]]:
    """What comes of a stream: the last chunk tells how it ended and what it used."""
    head = {"id": "cmpl-1", "object": "chat.completion.chunk", "model": f"{MODEL}-1", "created": 1}
    found: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in ({"role": "assistant", "content": ""}, *deltas)
    ]
    last = {"index": 0, "delta": {"content": ""}, "finish_reason": reason}
    return [*found, {**head, "choices": [last], "usage": {**USAGE, **usage}}]


def words(*pieces: str) -> Iterable[dict[str, Any]]:
    return [{"content": piece} for piece in pieces]


def called(call_id: str, city: str, index: int = 0) -> dict[str, Any]:
    function = {"name": "weather", "arguments": f'{{"city": "{city}"}}'}
    return {"id": call_id, "type": "function", "function": function, "index": index}


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


WAYS = ("reply", "stream", "async reply", "async stream")
TOOL = {"type": "function", "function": {"name": "weather", "description": "The weather.",
                                         "parameters": {"type": "object"}}}  # fmt: skip
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}
HELLO, HELLO_CHUNKS = reply("Hello."), chunks(*words("Hel", "lo.", ""))

PLAIN = Exchange(
    request={
        **ASKED,
        "max_tokens": 50,
        "temperature": 1,
        "top_p": 0.9,
        "random_seed": 4,
        "stop": "END",
        "frequency_penalty": 0.5,
        "presence_penalty": 0.25,
    },
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **RECORDED,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 4,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": 0.25,
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)
TOOLS = Exchange(
    request={**ASKED, "tools": [TOOL]},
    reply=reply("", called("call-1", "Oslo"), reason="tool_calls"),
    chunks=chunks(
        {"tool_calls": [{"id": "call-1", "function": {"name": "weather", "arguments": '{"city":'}, "index": 0}]},
        {"tool_calls": [{"function": {"name": "", "arguments": ' "Oslo"}'}, "index": 0}]},
        reason="tool_calls",
    ),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [{"type": "function", "name": "weather", "description": "The weather.",
                                  "parameters": {"type": "object"}}],
    },
)  # fmt: skip
BOTH = called("call-1", "Oslo"), called("call-2", "Rome", 1)
ANSWERED: list[dict[str, Any]] = [
    *MESSAGES,
    {"role": "assistant", "content": "", "tool_calls": [called("call-0", "Bern")]},
    {"role": "tool", "tool_call_id": "call-0", "name": "weather", "content": '{"degrees": 21}'},
]
PARALLEL = Exchange(
    request={**ASKED, "messages": ANSWERED, "n": 2},
    reply=reply("I look.", *BOTH, reason="tool_calls"),
    chunks=chunks(*words("I look."), {"tool_calls": [called("call-1", "Oslo")]},
                  {"tool_calls": [called("call-2", "Rome")]}, reason="tool_calls"),  # without counting them
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"], "gen_ai.request.choice.count": 2},
    content={
        names.INPUT_MESSAGES: [
            *INPUT,
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "call-0", "name": "weather", "arguments": {"city": "Bern"}}]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "call-0", "response": {"degrees": 21}}]},
        ],
        names.OUTPUT_MESSAGES: said(text("I look."), OSLO, ROME, finish_reason="tool_call"),
    },
)  # fmt: skip
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "response_format": {"type": "json_object"}},
    reply=reply(ANSWER, reason="model_length"),
    chunks=chunks(*words(ANSWER), reason="length"),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)
LOOK = [
    {"type": "text", "text": "Look."},
    {"type": "image_url", "image_url": "data:image/png;base64,aGVsbG8="},
    {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
    {"type": "document_url", "document_url": "https://example.org/minutes.pdf"},
    {"type": "input_audio", "input_audio": "aGVsbG8="},
    {"type": "file", "file_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6"},
]
CITED = [{"type": "text", "text": "A cat."}, {"type": "reference", "reference_ids": [1, 2]}]
MEDIA = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": LOOK}]},
    reply=reply(CITED),
    chunks=chunks({"content": "A "}, {"content": [{"type": "text", "text": "cat."}]}, {"content": CITED[1:]}),
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            text("Look."),
            {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
            {"type": "uri", "modality": "document", "uri": "https://example.org/minutes.pdf"},
            {**REFERENCE, "modality": "audio"},
            {"type": "file", "modality": "document", "file_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6"},
        ]}],
        names.OUTPUT_MESSAGES: said(text("A cat."), {"type": "reference", "reference_ids": ["1", "2"]}),
    },
)  # fmt: skip


def thought(*pieces: str) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": piece} for piece in pieces]}


REASONING = Exchange(
    request={**ASKED, "prompt_mode": "reasoning"},
    reply=reply([thought("Hm. ", "Yes."), {"type": "text", "text": "42"}]),
    chunks=chunks({"content": [thought("Hm. ")]}, {"content": [thought("Yes.")]}, {"content": "42"}),
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "Hm. Yes."}, text("42")),
    },
)
CACHED = Exchange(
    request=ASKED,
    reply=reply("Hello.", prompt_tokens_details={"cached_tokens": 5}),
    chunks=chunks(*words("Hello."), prompt_tokens_details={"cached_tokens": 5}),
    recorded={**RECORDED, "gen_ai.usage.cache_read.input_tokens": 5},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))},
)
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip

FILL_IN = Exchange(
    request={"model": MODEL, "prompt": "def add(", "suffix": "return a + b", "max_tokens": 50, "stop": ["END"]},
    reply=reply("a, b):"),
    chunks=chunks(*words("a, ", "b):")),
    recorded={**RECORDED, "gen_ai.operation.name": "text_completion", "gen_ai.request.max_tokens": 50,
              "gen_ai.request.stop_sequences": ["END"]},
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [text("def add("), text("return a + b")]}],
             names.OUTPUT_MESSAGES: said(text("a, b):"))},
    ways=WAYS,
)  # fmt: skip
AGENT = Exchange(
    request={"agent_id": "ag-1", "messages": MESSAGES},
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **{key: value for key, value in RECORDED.items() if key != "gen_ai.request.model"},
        "gen_ai.agent.id": "ag-1",
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)
EMBEDDED = Exchange(
    request={"model": MODEL, "inputs": ["Hello.", "Bye."], "output_dimension": 3, "encoding_format": "float"},
    reply={
        "id": "emb-1",
        "object": "list",
        "model": f"{MODEL}-1",
        "data": [{"object": "embedding", "embedding": [0.1, 0.2, 0.3], "index": index} for index in (0, 1)],
        "usage": {"prompt_tokens": 11, "total_tokens": 11, "completion_tokens": 0},
    },
    chunks=[],
    recorded={
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.encoding_formats": ["float"],
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.response.model": f"{MODEL}-1",
        "gen_ai.usage.input_tokens": 11,
        "server.address": "api.mistral.ai",
        "server.port": 443,
    },
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Hello."), text("Bye.")]}]},
    ways=("reply", "async reply"),
)
