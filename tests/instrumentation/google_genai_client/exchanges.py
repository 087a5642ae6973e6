"""Exchanges with the Gemini API and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "gemini-9-flash"
ASKED: dict[str, Any] = {"model": MODEL, "contents": "Say hello."}
RECORDED = {
    "gen_ai.operation.name": "generate_content",
    "gen_ai.provider.name": "gcp.gemini",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.id": "reply-1",
    "gen_ai.response.model": f"{MODEL}-001",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "generativelanguage.googleapis.com",
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
REFERENCE = {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5}


def reply(*parts: dict[str, Any], reason: str = "STOP", grounds: Any = None, **usage: int) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": reason, "index": 0}
    return {
        "candidates": [candidate | ({"groundingMetadata": grounds} if grounds else {})],
        "usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18, **usage},
        "modelVersion": f"{MODEL}-001",
        "responseId": "reply-1",
    }


def chunks(whole: dict[str, Any], *pieces: dict[str, Any]) -> list[dict[str, Any]]:
    """A reply whose parts come one a chunk, each of which tells the usage so far; the last ones carry an empty text."""
    told = {key: whole[key] for key in ("modelVersion", "responseId")}
    counted = {"promptTokenCount": 11, "totalTokenCount": 11}
    found = [
        {"candidates": [{"content": {"role": "model", "parts": [piece]}, "index": 0}], "usageMetadata": counted, **told}
        for piece in (*pieces, {"text": ""})
    ]
    (candidate,) = whole["candidates"]
    last = {**candidate, "content": {"role": "model", "parts": [{"text": "", "thoughtSignature": "c2ln"}]}}
    return [*found, {"candidates": [last], "usageMetadata": whole["usageMetadata"], **told}]


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


WAYS = ("reply", "stream", "async reply", "async stream", "chat reply", "chat stream", "async chat reply",
        "async chat stream")  # fmt: skip
HELLO = reply({"text": "Hello."})
HELLO_CHUNKS = chunks(HELLO, {"text": "Hel"}, {"text": "lo."})
PLAIN = Exchange(
    request={
        **ASKED,
        "config": {
            "system_instruction": "Be brief.",
            "temperature": 1,
            "top_p": 0.9,
            "top_k": 40,
            "max_output_tokens": 50,
            "candidate_count": 1,
            "stop_sequences": ["END"],
            "seed": 3,
            "presence_penalty": 0.5,
            "frequency_penalty": 0.25,
            "response_modalities": ["TEXT"],
        },
    },
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **RECORDED,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.seed": 3,
        "gen_ai.request.presence_penalty": 0.5,
        "gen_ai.request.frequency_penalty": 0.25,
        "gen_ai.output.type": "text",
    },
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.INPUT_MESSAGES: INPUT,
             names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)  # fmt: skip
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
OSLO_CALL = {"functionCall": {"id": "call-1", "name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2ln"}
ROME_CALL = {"functionCall": {"name": "weather", "args": {"city": "Rome"}}}
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "name": "weather", "arguments": {"city": "Rome"}}
DECLARED = {"name": "weather", "description": "The weather.", "parameters_json_schema": SCHEMA}
RAN = (
    {"executableCode": {"language": "PYTHON", "code": "print(6 * 7)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "42"}},
)
GROUNDS = {
    "webSearchQueries": ["weather in Oslo"],
    "groundingChunks": [{"web": {"uri": "https://example.org/oslo", "title": "Oslo"}}],
}
CALLED = reply(*RAN, OSLO_CALL, grounds=GROUNDS, toolUsePromptTokenCount=5)
TOOLS = Exchange(
    request={**ASKED, "config": {"tools": [{"google_search": {}}, {"code_execution": {}},
                                           {"function_declarations": [DECLARED]}]}},
    reply=CALLED,
    chunks=chunks(CALLED, *RAN, OSLO_CALL),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"], "gen_ai.usage.input_tokens": 16},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(
            {"type": "server_tool_call", "name": "google_search",
             "server_tool_call": {"type": "google_search", "queries": ["weather in Oslo"]}},
            {"type": "server_tool_call_response", "server_tool_call_response": {
                "type": "google_search", "sources": [{"uri": "https://example.org/oslo", "title": "Oslo"}]}},
            {"type": "server_tool_call", "name": "code_execution",
             "server_tool_call": {"type": "code_execution", "language": "PYTHON", "code": "print(6 * 7)"}},
            {"type": "server_tool_call_response", "server_tool_call_response": {
                "type": "code_execution", "outcome": "OUTCOME_OK", "output": "42"}},
            OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [
            {"type": "google_search", "name": "google_search"},
            {"type": "code_execution", "name": "code_execution"},
            {"type": "function", "name": "weather", "description": "The weather.", "parameters": SCHEMA},
        ],
    },
)  # fmt: skip
BOTH = reply({"text": "I look."}, OSLO_CALL, ROME_CALL)
PARALLEL = Exchange(
    request={"model": f"models/{MODEL}", "contents": [
        {"role": "model", "parts": [{"function_call": {"id": "call-0", "name": "weather", "args": {"city": "Bonn"}}}]},
        {"role": "user", "parts": [
            {"function_response": {"id": "call-0", "name": "weather", "response": {"degrees": 21}}},
            {"function_response": {"name": "map", "response": {"error": "none"}}}]},
    ]},
    reply=BOTH,
    chunks=chunks(BOTH, {"text": "I look."}, OSLO_CALL, ROME_CALL),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: [
            {"role": "assistant", "parts": [
                {"type": "tool_call", "id": "call-0", "name": "weather", "arguments": {"city": "Bonn"}}]},
            {"role": "user", "parts": [
                {"type": "tool_call_response", "id": "call-0", "name": "weather", "response": {"degrees": 21}},
                {"type": "tool_call_response", "name": "map", "response": {"error": "none"}}]},
        ],
        names.OUTPUT_MESSAGES: said(text("I look."), OSLO, ROME, finish_reason="tool_call"),
    },
)  # fmt: skip
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "config": {"response_mime_type": "application/json", "response_json_schema": SCHEMA}},
    reply=reply({"text": ANSWER}, reason="MAX_TOKENS"),
    chunks=chunks(reply(reason="MAX_TOKENS"), {"text": ANSWER}),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)
PICTURE = {"inlineData": {"mimeType": "image/png", "data": "aGVsbG8="}}
SHOWN = reply({"text": "Here."}, PICTURE)
MEDIA = Exchange(
    request={"model": MODEL, "config": {"response_modalities": ["TEXT", "IMAGE"]}, "contents": [
        {"role": "user", "parts": [
            {"text": "Look."},
            {"inline_data": {"mime_type": "image/png", "data": b"hello"}},
            {"inline_data": {"mime_type": "application/pdf", "data": b"hello"}},
            {"file_data": {"mime_type": "video/mp4", "file_uri": "gs://bucket/cat.mp4"}},
            {"file_data": {"mime_type": "audio/wav", "file_uri": "files/abc"}},
        ]},
    ]},
    reply=SHOWN,
    chunks=chunks(SHOWN, {"text": "Here."}, PICTURE),
    recorded={**RECORDED, "gen_ai.output.type": "image"},
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            text("Look."),
            {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            {**REFERENCE, "modality": "document", "mime_type": "application/pdf"},
            {"type": "uri", "modality": "video", "uri": "gs://bucket/cat.mp4", "mime_type": "video/mp4"},
            {"type": "file", "modality": "audio", "file_id": "files/abc", "mime_type": "audio/wav"},
        ]}],
        names.OUTPUT_MESSAGES: said(text("Here."), {**REFERENCE, "modality": "image", "mime_type": "image/png"}),
    },
)  # fmt: skip
THOUGHT = reply({"text": "Hm. Yes.", "thought": True}, {"text": "42", "thoughtSignature": "c2ln"}, thoughtsTokenCount=3)
REASONING = Exchange(
    request={**ASKED, "config": {"thinking_config": {"include_thoughts": True, "thinking_budget": 100}}},
    reply=THOUGHT,
    chunks=chunks(THOUGHT, {"text": "Hm. ", "thought": True}, {"text": "Yes.", "thought": True}, {"text": "42"}),
    recorded={**RECORDED, "gen_ai.usage.output_tokens": 10, "gen_ai.usage.reasoning.output_tokens": 3},
    content={names.INPUT_MESSAGES: INPUT,
             names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "Hm. Yes."}, text("42"))},
)  # fmt: skip
CACHED_REPLY = reply({"text": "4"}, cachedContentTokenCount=9)
CACHED = Exchange(
    request={**ASKED, "config": {"cached_content": "cachedContents/1"}},
    reply=CACHED_REPLY,
    chunks=chunks(CACHED_REPLY, {"text": "4"}),
    recorded={**RECORDED, "gen_ai.usage.cache_read.input_tokens": 9},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("4"))},
)
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip

EMBEDDED = Exchange(
    request={"model": "gemini-embedding-001", "contents": ["Hello.", "Twice."], "config": {"output_dimensionality": 2}},
    reply={"embeddings": [{"values": [0.5, 0.25]}, {"values": [0.5, 0.5]}], "usageMetadata": {"promptTokenCount": 5}},
    chunks=[],
    recorded={
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-embedding-001",
        "gen_ai.embeddings.dimension.count": 2,
        "gen_ai.usage.input_tokens": 5,
        "server.address": "generativelanguage.googleapis.com",
        "server.port": 443,
    },
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Hello.")]},
                                    {"role": "user", "parts": [text("Twice.")]}]},
    ways=("reply", "async reply"),
)  # fmt: skip
EMBEDDINGS = {"reply": EMBEDDED}
