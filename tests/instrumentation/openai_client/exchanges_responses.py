"""Exchanges with OpenAI's Responses API, and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.openai_client.exchanges import (
    ANSWER,
    COUNTED,
    HELLO,
    MODEL,
    OSLO,
    REFERENCE,
    SERVER,
    TIME,
    WAYS,
    said,
)
from instrumentation.openai_client.wire import responses_events, responses_reply
from instrumentation.scenarios import Exchange
from throughline import names

ASKED = {"model": MODEL, "input": "Say hello."}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
RECORDED = {
    **SERVER,
    **COUNTED,
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": MODEL,
    "openai.api.type": "responses",
    "gen_ai.response.id": "resp_1",
    "gen_ai.response.model": "gpt-4o-2024-08-06",
    "gen_ai.response.finish_reasons": ["stop"],
}
PNG = "data:image/png;base64,aGVsbG8="


def answered(*output: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A reply of these items."""
    return responses_reply(output=list(output), **more)


def events(reply: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a reply whose items come whole."""
    begun = {**reply, "status": "in_progress", "output": [], "usage": None}
    found: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for index, item in enumerate(reply["output"]):
        found.append({"type": "response.output_item.added", "output_index": index, "item": item})
        found.append({"type": "response.output_item.done", "output_index": index, "item": item})
    found.append({"type": f"response.{reply['status']}", "response": reply})
    return [{**event, "sequence_number": number} for number, event in enumerate(found)]


def message(text: str) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}


def function_call(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "id": f"fc_{call_id}", "call_id": call_id, "name": name, "arguments": arguments}


def exchange(request: dict[str, Any], reply: dict[str, Any], content: dict[str, Any], **recorded: Any) -> Exchange:
    return Exchange(
        request={**ASKED, **request},
        reply=reply,
        chunks=events(reply),
        recorded={**RECORDED, **{name.replace("__", "."): value for name, value in recorded.items()}},
        content={names.INPUT_MESSAGES: INPUT, **content},
    )


PLAIN = Exchange(
    request={
        **ASKED,
        "input": [
            {"role": "user", "content": "Hi."},
            {"type": "function_call", "call_id": "call-1", "name": "weather", "arguments": '{"city": "Oslo"}'},
            {"type": "function_call_output", "call_id": "call-1", "output": '{"degrees": 21}'},
        ],
        "instructions": "Be brief.",
        "max_output_tokens": 40,
        "temperature": 0.3,
        "top_p": 0.9,
        "previous_response_id": "resp_0",
        "reasoning": {"effort": "low"},
        "service_tier": "auto",
    },
    reply=responses_reply(service_tier="default"),
    chunks=responses_events(service_tier="default"),
    recorded={
        **RECORDED,
        "gen_ai.request.max_tokens": 40,
        "gen_ai.request.temperature": 0.3,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.previous_response.id": "resp_0",
        "gen_ai.request.reasoning.level": "low",
        "openai.request.service_tier": "auto",
        "openai.response.service_tier": "default",
    },
    content={
        names.SYSTEM_INSTRUCTIONS: [{"type": "text", "content": "Be brief."}],
        names.INPUT_MESSAGES: [
            {"role": "user", "parts": [{"type": "text", "content": "Hi."}]},
            {"role": "assistant", "parts": [OSLO]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": {"degrees": 21}}]},
        ],
        names.OUTPUT_MESSAGES: said(*HELLO),
    },
    ways=WAYS,
)
FUNCTION = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": True}
TOOLS = exchange(
    {"tools": [FUNCTION, {"type": "web_search"}]},
    answered(function_call("call-1", "weather", '{"city": "Oslo"}')),
    {
        names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [
            {"type": "function", "name": "weather", "parameters": {"type": "object"}},
            {"type": "web_search", "name": "web_search"},
        ],
    },
    gen_ai__response__finish_reasons=["tool_call"],
)
PARALLEL = exchange(
    {},
    answered(message("I look."), function_call("call-1", "weather", '{"city": "Oslo"}'),
             function_call("call-2", "time", "{}")),
    {names.OUTPUT_MESSAGES: said({"type": "text", "content": "I look."}, OSLO, TIME, finish_reason="tool_call")},
    gen_ai__response__finish_reasons=["tool_call"],
)  # fmt: skip
FORM = {"format": {"type": "json_schema", "name": "greeting", "schema": {"type": "object"}}}
STRUCTURED = Exchange(
    request={**ASKED, "text": FORM},
    reply=answered(message(ANSWER)),
    chunks=events(answered(message(ANSWER))),
    recorded={**RECORDED, "gen_ai.output.type": "json"},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said({"type": "text", "content": ANSWER})},
    ways=("reply", "stream", "parse", "async parse", "parse helper"),
)
LOOK = [
    {"type": "input_text", "text": "Look."},
    {"type": "input_image", "detail": "auto", "image_url": PNG},
    {"type": "input_image", "detail": "auto", "image_url": "https://example.org/cat.png"},
    {"type": "input_file", "file_id": "file-1"},
    {"type": "input_file", "filename": "x.pdf", "file_data": "data:application/pdf;base64,aGVsbG8="},
]
DRAWN = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "aGVsbG8="}
MEDIA = exchange(
    {"input": [{"role": "user", "content": LOOK}]},
    answered(DRAWN, message("Hello.")),
    {
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            {"type": "text", "content": "Look."},
            {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            {"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"},
            {"type": "file", "modality": "document", "file_id": "file-1"},
            {**REFERENCE, "modality": "document", "mime_type": "application/pdf"},
        ]}],
        names.OUTPUT_MESSAGES: said({**REFERENCE, "modality": "image"}, *HELLO),
    },
)  # fmt: skip
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm. Yes."}]}
REASONING = exchange(
    {"reasoning": {"effort": "high", "summary": "auto"}},
    answered(THOUGHT, message("42")),
    {names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "Hm. Yes."}, {"type": "text", "content": "42"})},
    gen_ai__request__reasoning__level="high",
)
KEPT = {"input_tokens": 2000, "output_tokens": 7, "total_tokens": 2007,
        "output_tokens_details": {"reasoning_tokens": 0},
        "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 512}}  # fmt: skip
CACHED = exchange(
    {},
    answered(message("Hello."), usage=KEPT),
    {names.OUTPUT_MESSAGES: said(*HELLO)},
    gen_ai__usage__input_tokens=2000,
    gen_ai__usage__cache_read__input_tokens=1024,
    gen_ai__usage__cache_creation__input_tokens=512,
    gen_ai__usage__reasoning__output_tokens=0,
)
RESPONSES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip
