"""Exchanges with OpenAI's chat completions, responses and embeddings, and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.openai_client.wire import (
    EMBEDDINGS_REPLY,
    MESSAGES,
    USAGE,
    chat_chunk,
    chat_chunks,
    chat_reply,
)
from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "gpt-4o"
SERVER = {"gen_ai.provider.name": "openai", "server.address": "api.openai.com", "server.port": 443}
COUNTED = {
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "gen_ai.usage.cache_read.input_tokens": 4,
    "gen_ai.usage.reasoning.output_tokens": 3,
}
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
REFERENCE = {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5}
HELLO = [{"type": "text", "content": "Hello."}]
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
TIME = {"type": "tool_call", "id": "call-2", "name": "time", "arguments": {}}
SCHEMA = {"name": "greeting", "schema": {"type": "object"}}
ANSWER = '{"text": "Hello."}'
WAYS = ("reply", "stream", "async reply", "async stream", "raw reply", "async raw reply", "raw stream", "lazy reply",
        "async lazy reply", "lazy stream", "async lazy stream", "helper", "async helper")  # fmt: skip


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


# --- chat completions -------------------------------------------------------------------------------------------------

ASKED = {"model": MODEL, "messages": MESSAGES}
RECORDED = {
    **SERVER,
    **COUNTED,
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": MODEL,
    "openai.api.type": "chat_completions",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ["stop"],
}
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": {"type": "object"}}


def called(call_id: str, name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {**more, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def continued(index: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}


def choosing(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**chat_chunk(), "choices": list(choices), **more}


PLAIN = Exchange(
    request={**ASKED, "temperature": 0.5, "top_p": 0.9, "max_tokens": 50, "seed": 7, "frequency_penalty": 0.1,
             "presence_penalty": 0.2, "stop": "END", "n": 1, "service_tier": "auto",
             "extra_body": {"reasoning_effort": "low"}},
    reply=chat_reply(service_tier="default", system_fingerprint="fp_1"),
    chunks=[{**chunk, "service_tier": "default", "system_fingerprint": "fp_1"} for chunk in chat_chunks("Hel", "lo.")],
    recorded={
        **RECORDED,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 7,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.request.presence_penalty": 0.2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.reasoning.level": "low",
        "openai.request.service_tier": "auto",
        "openai.response.service_tier": "default",
        "openai.response.system_fingerprint": "fp_1",
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(*HELLO)},
    ways=WAYS,
)  # fmt: skip
TOOLS = Exchange(
    request={**ASKED, "tools": [{"type": "function", "function": FUNCTION}]},
    reply=chat_reply(None, finish_reason="tool_calls",
                     message={"tool_calls": [called("call-1", "weather", '{"city": "Oslo"}')]}),
    chunks=[
        chat_chunk({"role": "assistant", "content": None, "tool_calls": [called("call-1", "weather", "", index=0)]}),
        chat_chunk(continued(0, '{"city":')),
        chat_chunk(continued(0, ' "Oslo"}')),
        chat_chunk({}, finish_reason="tool_calls"),
        chat_chunk(usage=USAGE),
    ],
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
             names.TOOL_DEFINITIONS: [{"type": "function", **FUNCTION}]},
    ways=("reply", "stream", "helper"),
)  # fmt: skip
BOTH = [called("call-1", "weather", '{"city": "Oslo"}'), called("call-2", "time", "{}")]
PARALLEL = Exchange(
    request={"model": MODEL, "n": 2, "messages": [
        {"role": "assistant", "content": None, "tool_calls": BOTH[:1]},
        {"role": "tool", "tool_call_id": "call-1", "content": '{"degrees": 21}'},
    ]},
    reply={**chat_reply(), "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None,
                                                                "tool_calls": BOTH}},
        {"index": 1, "finish_reason": "length", "message": {"role": "assistant", "content": "Or so."}},
    ]},
    chunks=[
        chat_chunk({"tool_calls": [called("call-1", "weather", "", index=0)]}),
        chat_chunk(continued(0, '{"city":')),
        chat_chunk({"tool_calls": [called("call-2", "time", "{}", index=1)]}),
        chat_chunk(continued(0, ' "Oslo"}')),
        choosing({"index": 1, "delta": {"content": "Or so."}, "finish_reason": "length"}),
        chat_chunk({}, finish_reason="tool_calls"),
        chat_chunk(usage=USAGE),
    ],
    recorded={**RECORDED, "gen_ai.request.choice.count": 2,
              "gen_ai.response.finish_reasons": ["tool_call", "length"]},
    content={
        names.INPUT_MESSAGES: [
            {"role": "assistant", "parts": [OSLO]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": {"degrees": 21}}]},
        ],
        names.OUTPUT_MESSAGES: [
            *said(OSLO, TIME, finish_reason="tool_call"),
            *said({"type": "text", "content": "Or so."}, finish_reason="length"),
        ],
    },
)  # fmt: skip
STRUCTURED = Exchange(
    request={**ASKED, "response_format": {"type": "json_schema", "json_schema": SCHEMA}},
    reply=chat_reply(ANSWER),
    chunks=chat_chunks('{"text": ', '"Hello."}'),
    recorded={**RECORDED, "gen_ai.output.type": "json"},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said({"type": "text", "content": ANSWER})},
    ways=("reply", "stream", "parse", "async parse", "parse helper"),
)
LOOK = [
    {"type": "text", "text": "Look."},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
    {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
    {"type": "input_audio", "input_audio": {"format": "wav", "data": "aGVsbG8="}},
    {"type": "file", "file": {"file_id": "file-1"}},
]
SPOKEN = {"id": "a1", "data": "aGVsbG8=", "expires_at": 1, "transcript": "Hello."}
MEDIA = Exchange(
    request={"model": MODEL, "messages": [{"role": "system", "content": "Be brief."},
                                          {"role": "user", "content": LOOK}]},
    reply=chat_reply(None, message={"audio": SPOKEN}),
    chunks=[
        chat_chunk({"role": "assistant", "audio": {"id": "a1", "transcript": "Hel"}}),
        chat_chunk({"audio": {"data": "aGVsbG8="}}),
        chat_chunk({"audio": {"transcript": "lo."}}),
        chat_chunk({"audio": {"expires_at": 1}}),
        chat_chunk({}, finish_reason="stop"),
        chat_chunk(usage=USAGE),
    ],
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: [
            {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
            {"role": "user", "parts": [
                {"type": "text", "content": "Look."},
                {**REFERENCE, "modality": "image", "mime_type": "image/png"},
                {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
                {**REFERENCE, "modality": "audio", "mime_type": "audio/wav"},
                {"type": "file", "modality": "document", "file_id": "file-1"},
            ]},
        ],
        names.OUTPUT_MESSAGES: said(*HELLO),
    },
)  # fmt: skip
REASONING = Exchange(
    request=ASKED,
    reply=chat_reply("42", message={"reasoning_content": "Hm. Yes."}),
    chunks=[
        chat_chunk({"role": "assistant", "reasoning_content": "Hm. "}),
        chat_chunk({"reasoning_content": "Yes."}),
        chat_chunk({"content": "42"}),
        chat_chunk({}, finish_reason="stop"),
        chat_chunk(usage=USAGE),
    ],
    recorded=RECORDED,
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(
        {"type": "reasoning", "content": "Hm. Yes."}, {"type": "text", "content": "42"})},
)  # fmt: skip
KEPT = {"prompt_tokens": 2000, "completion_tokens": 7, "total_tokens": 2007,
        "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 512}}  # fmt: skip
CACHED = Exchange(
    request=ASKED,
    reply=chat_reply(usage=KEPT),
    chunks=chat_chunks("Hel", "lo.", usage=KEPT),
    recorded={
        **{name: value for name, value in RECORDED.items() if "reasoning" not in name},
        "gen_ai.usage.input_tokens": 2000,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.cache_creation.input_tokens": 512,
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(*HELLO)},
)
CHAT = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
        "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip

# --- embeddings -------------------------------------------------------------------------------------------------------

EMBEDDINGS = {
    "reply": Exchange(
        request={"model": "text-embedding-3-small", "input": ["one", "two"], "encoding_format": "float"},
        reply=EMBEDDINGS_REPLY,
        chunks=(),
        recorded={
            **SERVER,
            "gen_ai.operation.name": "embeddings",
            "gen_ai.request.model": "text-embedding-3-small",
            "gen_ai.request.encoding_formats": ["float"],
            "gen_ai.embeddings.dimension.count": 3,
            "gen_ai.response.model": "text-embedding-3-small",
            "gen_ai.usage.input_tokens": 5,
        },
        content={names.INPUT_MESSAGES: [
            {"role": "user", "parts": [{"type": "text", "content": "one"}, {"type": "text", "content": "two"}]}]},
        ways=("reply", "async reply", "raw reply", "async raw reply", "lazy reply", "async lazy reply"),
    ),
}  # fmt: skip
