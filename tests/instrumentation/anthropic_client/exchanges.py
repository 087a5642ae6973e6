"""Exchanges with Anthropic's API and what is to be recorded of each. Data only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "claude-sonnet-9"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
ASKED = {"model": MODEL, "max_tokens": 50, "messages": MESSAGES}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": MODEL,
    "gen_ai.request.max_tokens": 50,
    "gen_ai.response.id": "msg_1",
    "gen_ai.response.model": f"{MODEL}-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "api.anthropic.com",
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
PNG = {"type": "base64", "media_type": "image/png", "data": "aGVsbG8="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": "aGVsbG8="}
REFERENCE = {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5}


def reply(*blocks: dict[str, Any], stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{MODEL}-1",
        "content": list(blocks),
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 7, **usage},
    }


def chunks(whole: dict[str, Any], pieces: Iterable[list[dict[str, Any]]], final: Any = None) -> list[dict[str, Any]]:
    """The events of a reply whose blocks come in these pieces: first a block as it starts, then its deltas.

    The message begins with its input counted and one token written; `message_delta` tells the totals, as the API does.
    """
    usage = {**whole["usage"], "output_tokens": 1}
    begun = {**whole, "content": [], "stop_reason": None, "usage": usage}
    found: list[dict[str, Any]] = [{"type": "message_start", "message": begun}]
    for index, (block, *deltas) in enumerate(pieces):
        found.append({"type": "content_block_start", "index": index, "content_block": block})
        found += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        found.append({"type": "content_block_stop", "index": index})
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    told = {"output_tokens": whole["usage"]["output_tokens"], **(final or {})}
    return [*found, {"type": "message_delta", "delta": delta, "usage": told}, {"type": "message_stop"}]


def words(*pieces: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces)]


def called(name: str, call_id: str, *pieces: str, kind: str = "tool_use") -> list[dict[str, Any]]:
    start = {"type": kind, "id": call_id, "name": name, "input": {}}
    return [start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces)]


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


HELLO = reply({"type": "text", "text": "Hello."})
HELLO_CHUNKS = chunks(HELLO, [words("Hel", "lo.")])
WAYS = ("reply", "stream", "async reply", "async stream", "raw reply", "async raw reply", "raw stream", "lazy reply",
        "async lazy reply", "lazy stream", "async lazy stream", "helper", "async helper", "text helper",
        "async text helper")  # fmt: skip
TOOL = {"name": "weather", "description": "The weather.", "input_schema": {"type": "object"}}
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}
FORMAT = {"type": "json_schema", "schema": {"type": "object"}}

PLAIN = Exchange(
    request={
        **ASKED,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "stop_sequences": ["END"],
        "extra_body": {"temperature": 1, "top_p": 0.9, "top_k": 40},  # 2.x takes them in no other way
    },
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **RECORDED,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
    },
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.INPUT_MESSAGES: INPUT,
             names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)  # fmt: skip
CALLED = reply(
    {"type": "tool_use", "id": "call-1", "name": "weather", "input": {"city": "Oslo"}}, stop_reason="tool_use"
)
TOOLS = Exchange(
    request={**ASKED, "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
    reply=CALLED,
    chunks=chunks(CALLED, [called("weather", "call-1", '{"city":', ' "Oslo"}')]),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [
            {"type": "function", "name": "weather", "description": "The weather.", "parameters": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
    },
    ways=("reply", "stream", "helper"),
)
BOTH = reply(
    {"type": "text", "text": "I look."},
    {"type": "tool_use", "id": "call-1", "name": "weather", "input": {"city": "Oslo"}},
    {"type": "tool_use", "id": "call-2", "name": "weather", "input": {"city": "Rome"}},
    stop_reason="tool_use",
)
ANSWERS = [
    {"type": "tool_result", "tool_use_id": "call-0", "content": '{"degrees": 21}'},
    {"type": "tool_result", "tool_use_id": "call-9", "is_error": True,
     "content": [{"type": "text", "text": "Broken."}, {"type": "image", "source": PNG}]},
]  # fmt: skip
PARALLEL = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": ANSWERS}]},
    reply=BOTH,
    chunks=chunks(BOTH, [words("I look."), called("weather", "call-1", '{"city": "Oslo"}'),
                         called("weather", "call-2", '{"city": "Ro', 'me"}')]),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            {"type": "tool_call_response", "id": "call-0", "response": {"degrees": 21}},
            {"type": "tool_call_response", "id": "call-9", "is_error": True, "response": [
                text("Broken."), {**REFERENCE, "modality": "image", "mime_type": "image/png"}]},
        ]}],
        names.OUTPUT_MESSAGES: said(text("I look."), OSLO, ROME, finish_reason="tool_call"),
    },
)  # fmt: skip
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "extra_body": {"output_config": {"format": FORMAT, "effort": "low"}}},
    reply=reply({"type": "text", "text": ANSWER}, stop_reason="max_tokens"),
    chunks=chunks(reply(stop_reason="max_tokens"), [words(ANSWER)]),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.request.reasoning.level": "low",
              "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)  # fmt: skip
LOOK = [
    {"type": "text", "text": "Look."},
    {"type": "image", "source": PNG},
    {"type": "image", "source": {"type": "url", "url": "https://example.org/cat.png"}},
    {"type": "document", "source": PDF},
    {"type": "document", "source": {"type": "file", "file_id": "file-1"}},
    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Minutes."}},
]
FETCHED = {"type": "web_fetch_result", "url": "https://example.org", "content": {"type": "document", "source": PDF}}
FETCH = {"type": "web_fetch_tool_result", "tool_use_id": "srv-1", "content": FETCHED}
SHOWN = reply({"type": "server_tool_use", "id": "srv-1", "name": "web_fetch", "input": {"url": "https://example.org"}},
              FETCH, {"type": "container_upload", "file_id": "file-2"})  # fmt: skip
MEDIA = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": LOOK}]},
    reply=SHOWN,
    chunks=chunks(SHOWN, [called("web_fetch", "srv-1", '{"url": "https://example.org"}', kind="server_tool_use"),
                          [FETCH], [{"type": "container_upload", "file_id": "file-2"}]]),
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            text("Look."),
            {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
            {**REFERENCE, "modality": "document", "mime_type": "application/pdf"},
            {"type": "file", "modality": "document", "file_id": "file-1"},
            text("Minutes."),
        ]}],
        names.OUTPUT_MESSAGES: said(
            {"type": "server_tool_call", "id": "srv-1", "name": "web_fetch",
             "server_tool_call": {"type": "web_fetch", "arguments": {"url": "https://example.org"}}},
            {"type": "server_tool_call_response", "id": "srv-1", "server_tool_call_response": {
                "type": "web_fetch_tool_result", "content": {
                    "type": "web_fetch_result", "url": "https://example.org",
                    "content": {**REFERENCE, "modality": "document", "mime_type": "application/pdf"}}}},
            {"type": "file", "modality": "document", "file_id": "file-2"},
        ),
    },
)  # fmt: skip
THOUGHT = reply({"type": "thinking", "thinking": "Hm. Yes.", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "c2VjcmV0"}, {"type": "text", "text": "42"})  # fmt: skip
THOUGHT["usage"]["output_tokens_details"] = {"thinking_tokens": 3}
REASONING = Exchange(
    request={**ASKED, "extra_body": {"thinking": {"type": "adaptive"}}},
    reply=THOUGHT,
    chunks=chunks(THOUGHT, [
        [{"type": "thinking", "thinking": "", "signature": ""}, {"type": "thinking_delta", "thinking": "Hm. "},
         {"type": "thinking_delta", "thinking": "Yes."}, {"type": "signature_delta", "signature": "c2ln"}],
        [{"type": "redacted_thinking", "data": "c2VjcmV0"}],
        words("42"),
    ]),
    recorded={**RECORDED, "gen_ai.usage.reasoning.output_tokens": 3},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(
        {"type": "reasoning", "content": "Hm. Yes."}, {"type": "redacted_thinking"}, text("42"))},
)  # fmt: skip
CITATION = {"type": "char_location", "cited_text": "4", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
CACHED_REPLY = reply({"type": "text", "text": "4", "citations": [CITATION]},
                     cache_read_input_tokens=100, cache_creation_input_tokens=20)  # fmt: skip
CACHED = Exchange(
    request=ASKED,
    reply=CACHED_REPLY,
    chunks=chunks(
        {**CACHED_REPLY, "usage": {"input_tokens": 1, "output_tokens": 7, "cache_read_input_tokens": 100}},
        [[*words("4"), {"type": "citations_delta", "citation": CITATION}]],
        {"input_tokens": 11, "cache_creation_input_tokens": 20},
    ),
    recorded={**RECORDED, "gen_ai.usage.input_tokens": 131, "gen_ai.usage.cache_read.input_tokens": 100,
              "gen_ai.usage.cache_creation.input_tokens": 20},
    content={names.INPUT_MESSAGES: INPUT,
             names.OUTPUT_MESSAGES: said({**text("4"), "citations": [CITATION]})},
)  # fmt: skip
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip
