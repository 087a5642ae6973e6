"""Answers of models that exist nowhere, as LangChain shapes them, and what is to be recorded of each. Data only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "canned-1"
WAYS = ("reply", "stream", "async reply", "async stream", "batch reply", "async batch reply", "bound stream",
        "chain reply", "async chain stream")  # fmt: skip
USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.request.model": MODEL,
    "gen_ai.request.max_tokens": 50,
    "gen_ai.request.temperature": 0.5,
    "gen_ai.response.id": "resp-1",
    "gen_ai.response.model": f"{MODEL}-0",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "canned.test",
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
ASKED = {"input": [("human", "Say hello.")]}
REFERENCE = {"type": "uri", "uri": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "size": 5}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {}}},
}


def reply(content: Any, *, reason: str = "stop", usage: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    meta = {"finish_reason": reason, "model_name": f"{MODEL}-0"}
    return {"content": content, "id": "resp-1", "response_metadata": meta, "usage_metadata": usage or USAGE, **more}


def chunks(
    pieces: Sequence[dict[str, Any]], *, reason: str = "stop", usage: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The pieces, then how it ended, and then the usage: what came in, and what went out, each counted once."""
    whole = usage or USAGE
    came_in = {**whole, "output_tokens": 0, "total_tokens": whole["input_tokens"]}
    came_in.pop("output_token_details", None)
    went_out = {**whole, "input_tokens": 0, "total_tokens": whole["output_tokens"]}
    went_out.pop("input_token_details", None)
    meta = {"finish_reason": reason, "model_name": f"{MODEL}-0"}
    empty: Any = [] if any(isinstance(piece.get("content"), list) for piece in pieces) else ""
    found = [
        {"usage_metadata": came_in},
        *pieces,
        {"response_metadata": meta},
        {"usage_metadata": went_out, "chunk_position": "last"},
    ]
    return [{"content": empty, **chunk, "id": "resp-1"} for chunk in found]


def output(*parts: dict[str, Any], reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": reason}]


HELLO = {"type": "text", "content": "Hello."}
CALLS = [{"name": "weather", "args": {"city": "Oslo"}, "id": "call-1", "type": "tool_call"},
         {"name": "weather", "args": {"city": "Rome"}, "id": "call-2", "type": "tool_call"}]  # fmt: skip


def called(call: dict[str, Any]) -> dict[str, Any]:
    return {"type": "tool_call", "name": call["name"], "arguments": call["args"], "id": call["id"]}


def begun(index: int, call: dict[str, Any]) -> list[dict[str, Any]]:
    """A call of a tool, its arguments in two pieces."""
    one = {"name": call["name"], "id": call["id"], "index": index, "args": '{"city": '}
    two = {"name": None, "id": None, "index": index, "args": f'"{call["args"]["city"]}"}}'}
    return [{"tool_call_chunks": [part]} for part in (one, two)]


def tools(count: int) -> Exchange:
    asked, calls = {**ASKED, "tools": [WEATHER]}, CALLS[:count]
    definition = {"type": "function", **WEATHER["function"]}  # type: ignore[dict-item]
    return Exchange(
        asked,
        reply("", reason="tool_calls", tool_calls=calls),
        chunks([piece for index, call in enumerate(calls) for piece in begun(index, call)], reason="tool_calls"),
        {**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
        {
            names.INPUT_MESSAGES: INPUT,
            names.OUTPUT_MESSAGES: output(*map(called, calls), reason="tool_call"),
            names.TOOL_DEFINITIONS: [definition],
        },
    )


_TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png"},
        {"type": "image", "source_type": "base64", "data": "aGVsbG8=", "mime_type": "image/png"},
        {"type": "image_url", "image_url": {"url": "https://pictures.test/1.png"}},
        {"type": "file", "file_id": "file-1"},
        {"type": "audio", "data": "aGVsbG8=", "source_type": "base64", "mime_type": "audio/wav"},
    ]},
    {"role": "assistant", "content": "", "tool_calls": CALLS[:1]},
    {"role": "tool", "content": "12 degrees", "tool_call_id": "call-1"},
]  # fmt: skip
_SEEN = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [
        {"type": "text", "content": "What is this?"},
        {**REFERENCE, "modality": "image", "mime_type": "image/png"},
        {**REFERENCE, "modality": "image", "mime_type": "image/png"},
        {"type": "uri", "modality": "image", "uri": "https://pictures.test/1.png"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
        {**REFERENCE, "modality": "audio", "mime_type": "audio/wav"},
    ]},
    {"role": "assistant", "parts": [called(CALLS[0])]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "response": "12 degrees", "id": "call-1"}]},
]  # fmt: skip
_DETAILED = {**USAGE, "input_token_details": {"cache_read": 4, "cache_creation": 2}}
_REASONED = {**USAGE, "output_token_details": {"reasoning": 3}}
_THOUGHT = [{"type": "reasoning", "reasoning": "Hm.", "index": 0}, {"type": "text", "text": "Hello.", "index": 1}]

EXCHANGES = {
    "reply": Exchange(
        ASKED,
        reply("Hello."),
        chunks([{"content": "Hel"}, {"content": "lo."}]),
        RECORDED,
        {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: output(HELLO)},
        WAYS,
    ),
    "tools": tools(1),
    "parallel tools": tools(2),
    "structured output": Exchange(
        {**ASKED, "response_format": {"type": "json_schema", "json_schema": {"name": "greeting"}}},
        reply('{"greeting": "hello"}'),
        chunks([{"content": '{"greeting": '}, {"content": '"hello"}'}]),
        {**RECORDED, "gen_ai.output.type": "json"},
        {
            names.INPUT_MESSAGES: INPUT,
            names.OUTPUT_MESSAGES: output({"type": "text", "content": '{"greeting": "hello"}'}),
        },
    ),
    "media": Exchange(
        {"input": _TURNS},
        reply([{"type": "text", "text": "Hello."}, {"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png"}]),
        chunks(
            [
                {"content": [{"type": "text", "text": "Hello.", "index": 0}]},
                {"content": [{"type": "image", "base64": "aGVsbG8=", "mime_type": "image/png", "index": 1}]},
            ]
        ),
        RECORDED,
        {
            names.INPUT_MESSAGES: _SEEN,
            names.OUTPUT_MESSAGES: output(HELLO, {**REFERENCE, "modality": "image", "mime_type": "image/png"}),
        },
    ),
    "reasoning": Exchange(
        {**ASKED, "reasoning_effort": "high", "stop": ["END"], "top_p": 0.9, "seed": 7},
        reply(_THOUGHT, reason="max_tokens", usage=_REASONED),
        chunks([{"content": [block]} for block in _THOUGHT], reason="max_tokens", usage=_REASONED),
        {
            **RECORDED,
            "gen_ai.request.reasoning.level": "high",
            "gen_ai.request.stop_sequences": ["END"],
            "gen_ai.request.top_p": 0.9,
            "gen_ai.request.seed": 7,
            "gen_ai.response.finish_reasons": ["length"],
            "gen_ai.usage.reasoning.output_tokens": 3,
        },
        {
            names.INPUT_MESSAGES: INPUT,
            names.OUTPUT_MESSAGES: output({"type": "reasoning", "content": "Hm."}, HELLO, reason="length"),
        },
    ),
    "cached tokens": Exchange(
        ASKED,
        reply("Hello.", usage=_DETAILED),
        chunks([{"content": "Hello."}], usage=_DETAILED),
        {
            **RECORDED,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.cache_creation.input_tokens": 2,
        },
        {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: output(HELLO)},
    ),
}

TEXT_EXCHANGES = {
    "reply": Exchange(
        {"input": "Say hello."},
        {
            "generations": [[{"text": "Hello.", "generation_info": {"finish_reason": "stop"}}]],
            "llm_output": {
                "id": "resp-1",
                "model_name": f"{MODEL}-0",
                "token_usage": {"prompt_tokens": 11, "completion_tokens": 7},
            },
        },
        [],
        {**RECORDED, "gen_ai.operation.name": "text_completion"},
        {names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: output(HELLO)},
        ("reply", "async reply", "batch reply", "async batch reply", "chain reply"),
    ),
}
