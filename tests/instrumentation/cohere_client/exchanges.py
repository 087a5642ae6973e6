"""Exchanges with Cohere's second API and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "command-z-2026"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
ASKED = {"model": MODEL, "messages": MESSAGES}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "cohere",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.id": "re-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "api.cohere.com",
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
BILLED = {"input_tokens": 11.0, "output_tokens": 7.0}
USAGE = {"billed_units": BILLED, "tokens": {"input_tokens": 76.0, "output_tokens": 9.0}}


def reply(*content: dict[str, Any], reason: str = "COMPLETE", usage: Any = USAGE, **said: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": list(content), **said}
    return {"id": "re-1", "finish_reason": reason, "message": message, "usage": usage}


def event(kind: str, index: int | None = None, **message: Any) -> dict[str, Any]:
    at = {} if index is None else {"index": index}
    return {"type": kind, **at, "delta": {"message": message}}


def words(*pieces: str, index: int = 0, kind: str = "text") -> list[dict[str, Any]]:
    """A block of content as it comes."""
    begun = event("content-start", index, content={"type": kind, kind: ""})
    deltas = [event("content-delta", index, content={kind: piece}) for piece in pieces]
    return [begun, *deltas, {"type": "content-end", "index": index}]


def chunks(*events: dict[str, Any], reason: str = "COMPLETE", usage: Any = USAGE, **end: Any) -> list[dict[str, Any]]:
    start = {"type": "message-start", "id": "re-1", "delta": {"message": {"role": "assistant"}}}
    return [start, *events, {"type": "message-end", "delta": {"finish_reason": reason, "usage": usage, **end}}]


def called(call_id: str, city: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": f'{{"city": "{city}"}}'}}


def call(call_id: str, *pieces: str, index: int = 0) -> list[dict[str, Any]]:
    """A tool call as it comes."""
    begun = {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": ""}}
    deltas = [event("tool-call-delta", index, tool_calls={"function": {"arguments": piece}}) for piece in pieces]
    return [event("tool-call-start", index, tool_calls=begun), *deltas, {"type": "tool-call-end", "index": index}]


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


WAYS = ("reply", "stream", "async reply", "async stream", "raw reply", "raw stream", "async raw reply",
        "async raw stream", "v2 reply", "v2 stream")  # fmt: skip
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": {"type": "object"}}
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}
HELLO, HELLO_CHUNKS = reply({"type": "text", "text": "Hello."}), chunks(*words("Hel", "lo."))

PLAIN = Exchange(
    request={**ASKED, "max_tokens": 50, "temperature": 1, "p": 0.9, "k": 40, "seed": 4, "stop_sequences": ["END"],
             "frequency_penalty": 0.5, "presence_penalty": 0.25},
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **RECORDED,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.seed": 4,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.request.presence_penalty": 0.25,
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)  # fmt: skip
TOOLS = Exchange(
    request={**ASKED, "tools": [{"type": "function", "function": FUNCTION}]},
    reply=reply(reason="TOOL_CALL", tool_calls=[called("call-1", "Oslo")]),
    chunks=chunks(*call("call-1", '{"city":', ' "Oslo"}'), reason="TOOL_CALL"),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [{"type": "function", **FUNCTION}],
    },
)
ANSWERED: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "assistant", "tool_plan": "I look.", "tool_calls": [called("call-0", "Bern")]},
    {"role": "tool", "tool_call_id": "call-0", "content": '{"degrees": 21}'},
    {"role": "tool", "tool_call_id": "call-9",
     "content": [{"type": "document", "document": {"data": {"degrees": 9}, "id": "d"}}]},
]  # fmt: skip
BOTH = [called("call-1", "Oslo"), called("call-2", "Rome")]
PARALLEL = Exchange(
    request={**ASKED, "messages": ANSWERED},
    reply=reply(reason="TOOL_CALL", tool_plan="I ask.", tool_calls=BOTH),
    chunks=chunks(
        event("tool-plan-delta", tool_plan="I "), event("tool-plan-delta", tool_plan="ask."),
        *call("call-1", '{"city": "Oslo"}'), *call("call-2", '{"city": "Ro', 'me"}', index=1), reason="TOOL_CALL",
    ),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: [
            {"role": "system", "parts": [text("Be brief.")]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "I look."},
                {"type": "tool_call", "id": "call-0", "name": "weather", "arguments": {"city": "Bern"}}]},
            {"role": "tool", "parts": [
                {"type": "tool_call_response", "id": "call-0", "response": {"degrees": 21}}]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-9", "response": [
                {"type": "document", "document": {"data": {"degrees": 9}, "id": "d"}}]}]},
        ],
        names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "I ask."}, OSLO, ROME, finish_reason="tool_call"),
    },
)  # fmt: skip
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "response_format": {"type": "json_object", "json_schema": {"type": "object"}}},
    reply=reply({"type": "text", "text": ANSWER}, reason="MAX_TOKENS"),
    chunks=chunks(*words(ANSWER), reason="MAX_TOKENS"),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)
LOOK = [
    {"type": "text", "text": "Look."},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGVsbG8="}},
    {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}},
]
MEDIA = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": LOOK}],
             "documents": ["Cats are small.", {"data": {"text": "Dogs are not."}, "id": "dogs"}]},
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: [
            {"role": "user", "parts": [
                text("Look."),
                {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5, "modality": "image", "mime_type": "image/png"},
                {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
            ]},
            {"role": "user", "parts": [
                {"type": "document", "document": "Cats are small."},
                {"type": "document", "document": {"data": {"text": "Dogs are not."}, "id": "dogs"}},
            ]},
        ],
        names.OUTPUT_MESSAGES: said(text("Hello.")),
    },
)  # fmt: skip
REASONING = Exchange(
    request={**ASKED, "thinking": {"type": "enabled"}},
    reply=reply({"type": "thinking", "thinking": "Hm. Yes."}, {"type": "text", "text": "42"}),
    chunks=chunks(*words("Hm. ", "Yes.", kind="thinking"), *words("42", index=1)),
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "Hm. Yes."}, text("42")),
    },
)
CACHED = Exchange(
    request=ASKED,
    reply={**HELLO, "usage": {"tokens": USAGE["tokens"], "cached_tokens": 64.0}},
    chunks=chunks(*words("Hello."), usage={"tokens": USAGE["tokens"], "cached_tokens": 64.0}),
    recorded={
        **RECORDED,
        "gen_ai.usage.input_tokens": 76,
        "gen_ai.usage.output_tokens": 9,
        "gen_ai.usage.cache_read.input_tokens": 64,
    },
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("Hello."))},
)
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip

META = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": 11.0}}
EMBEDDED = Exchange(
    request={"model": MODEL, "texts": ["Hello.", "Bye."], "input_type": "search_document",
             "embedding_types": ["float", "int8"]},
    reply={"id": "re-1", "texts": ["Hello.", "Bye."], "response_type": "embeddings_by_type", "meta": META,
           "embeddings": {"float": [[0.1, 0.2, 0.3]] * 2, "int8": [[1, 2, 3]] * 2}},
    chunks=[],
    recorded={
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "cohere",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.encoding_formats": ["float", "int8"],
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.usage.input_tokens": 11,
        "server.address": "api.cohere.com",
        "server.port": 443,
    },
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Hello."), text("Bye.")]}]},
    ways=("reply", "async reply", "raw reply", "v1 reply", "async v1 reply"),
)  # fmt: skip


class Retrieval(Exchange):
    """One that is named by what it searches, and not by its model; this one searches what it is given."""

    @property
    def span_name(self) -> str:
        return "retrieval"


RERANKED = Retrieval(
    request={"model": "rerank-z", "query": "Which is small?", "documents": ["A dog.", "A cat."], "top_n": 2},
    reply={"id": "re-1", "meta": {"billed_units": {"search_units": 1.0}},
           "results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.25}]},
    chunks=[],
    recorded={
        "gen_ai.operation.name": "retrieval",
        "gen_ai.provider.name": "cohere",
        "gen_ai.request.model": "rerank-z",
        "gen_ai.retrieval.top_k": 2,
        names.RETRIEVAL_QUERY_TEXT: "Which is small?",  # content, too, but no JSON
        "server.address": "api.cohere.com",
        "server.port": 443,
    },
    content={
        names.RETRIEVAL_DOCUMENTS: [{"id": "1", "score": 0.9}, {"id": "0", "score": 0.25}],
    },
    ways=("reply", "async reply", "raw reply", "v1 reply", "async v1 reply"),
)  # fmt: skip
