"""Exchanges with Bedrock's Converse and its knowledge bases, and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "eu.anthropic.claude-sonnet-9-v1:0"
HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "Say hello."}]}]
ASKED = {"modelId": MODEL, "messages": MESSAGES}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "aws.bedrock",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "aws.request_id": "r-1",
    "server.address": HOST,
    "server.port": 443,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello"
REFERENCE = {"type": "uri", "uri": f"sha256:{DIGEST}", "size": 5}
PNG = {"format": "png", "source": {"bytes": b"hello"}}


def reply(*blocks: dict[str, Any], stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": list(blocks)}},
        "stopReason": stop_reason,
        "usage": {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18, **usage},
        "metrics": {"latencyMs": 300},
    }


def chunks(whole: dict[str, Any], *pieces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a reply whose blocks come in these pieces: how a block starts, if it says so, then its deltas."""
    found: list[dict[str, Any]] = [{"messageStart": {"role": "assistant"}}]
    for index, deltas in enumerate(pieces):
        for delta in deltas:
            kind, key = ("contentBlockStart", "start") if "start" in delta else ("contentBlockDelta", "delta")
            found.append({kind: {key: delta.get("start", delta), "contentBlockIndex": index}})
        found.append({"contentBlockStop": {"contentBlockIndex": index}})
    told = {key: whole[key] for key in ("usage", "metrics", "trace") if key in whole}
    return [*found, {"messageStop": {"stopReason": whole["stopReason"]}}, {"metadata": told}]


def called(call_id: str, *pieces: str) -> list[dict[str, Any]]:
    start = {"start": {"toolUse": {"toolUseId": call_id, "name": "weather"}}}
    return [start, *({"toolUse": {"input": piece}} for piece in pieces)]


def tool_use(call_id: str, city: str) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": call_id, "name": "weather", "input": {"city": city}}}


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


HELLO = reply({"text": "Hello."})
HELLO_CHUNKS = chunks(HELLO, [{"text": "Hel"}, {"text": "lo."}])
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}
TOOL = {"name": "weather", "description": "The weather.", "inputSchema": {"json": {"type": "object"}}}

PLAIN = Exchange(
    request={
        **ASKED,
        "system": [{"text": "Be brief."}],
        "inferenceConfig": {"maxTokens": 50, "temperature": 1, "topP": 0.9, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 40},
        "guardrailConfig": {"guardrailIdentifier": "guard-1", "guardrailVersion": "1"},
    },
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded={
        **RECORDED,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.stop_sequences": ["END"],
        "aws.bedrock.guardrail.id": "guard-1",
    },
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.INPUT_MESSAGES: INPUT,
             names.OUTPUT_MESSAGES: said(text("Hello."))},
)  # fmt: skip
CALLED = reply(tool_use("call-1", "Oslo"), stop_reason="tool_use")
TOOLS = Exchange(
    request={**ASKED, "toolConfig": {"tools": [{"toolSpec": TOOL}]}},
    reply=CALLED,
    chunks=chunks(CALLED, called("call-1", '{"city":', ' "Oslo"}')),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(OSLO, finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [
            {"type": "function", "name": "weather", "description": "The weather.", "parameters": {"type": "object"}}
        ],
    },
)
BOTH = reply({"text": "I look."}, tool_use("call-1", "Oslo"), tool_use("call-2", "Rome"), stop_reason="tool_use")
ANSWERS = [
    {"toolResult": {"toolUseId": "call-0", "content": [{"json": {"degrees": 21}}]}},
    {"toolResult": {"toolUseId": "call-9", "status": "error", "content": [{"text": "Broken."}, {"image": PNG}]}},
]
PARALLEL = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": ANSWERS}]},
    reply=BOTH,
    chunks=chunks(BOTH, [{"text": "I look."}], called("call-1", '{"city": "Oslo"}'),
                  called("call-2", '{"city": "Ro', 'me"}')),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            {"type": "tool_call_response", "id": "call-0", "response": {"degrees": 21}},
            {"type": "tool_call_response", "id": "call-9", "is_error": True, "response": [
                "Broken.", {**REFERENCE, "modality": "image", "mime_type": "image/png"}]},
        ]}],
        names.OUTPUT_MESSAGES: said(text("I look."), OSLO, ROME, finish_reason="tool_call"),
    },
)  # fmt: skip
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "additionalModelRequestFields": {  # newer versions name them `outputConfig`
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}, "effort": "low"}}},
    reply=reply({"text": ANSWER}, stop_reason="max_tokens"),
    chunks=chunks(reply(stop_reason="max_tokens"), [{"text": ANSWER}]),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.request.reasoning.level": "low",
              "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)  # fmt: skip
LOOK = [
    {"text": "Look."},
    {"image": PNG},
    {"document": {"format": "pdf", "name": "minutes", "source": {"bytes": b"hello"}}},
    {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://films/cat.mp4"}}}},
    {"guardContent": {"text": {"text": "Beware."}}},
]
SHOWN = reply({"text": "Seen."}, {"image": PNG}, stop_reason="guardrail_intervened")
MEDIA = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": LOOK}]},
    reply=SHOWN,
    chunks=(),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["content_filter"]},
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [
            text("Look."),
            {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            {**REFERENCE, "modality": "document", "mime_type": "application/pdf"},
            {"type": "uri", "modality": "video", "uri": "s3://films/cat.mp4", "mime_type": "video/mp4"},
            text("Beware."),
        ]}],
        names.OUTPUT_MESSAGES: said(
            text("Seen."), {**REFERENCE, "modality": "image", "mime_type": "image/png"},
            finish_reason="content_filter",
        ),
    },
    ways=("reply",),
)  # fmt: skip
THOUGHT = reply(
    {"reasoningContent": {"reasoningText": {"text": "Hm. Yes.", "signature": "c2ln"}}},
    {"reasoningContent": {"redactedContent": b"secret"}},
    {"text": "42"},
)
REASONING = Exchange(
    request={**ASKED, "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    reply=THOUGHT,
    chunks=chunks(
        THOUGHT,
        [{"reasoningContent": {"text": "Hm. "}}, {"reasoningContent": {"text": "Yes."}},
         {"reasoningContent": {"signature": "c2ln"}}],
        [{"reasoningContent": {"redactedContent": b"secret"}}],
        [{"text": "42"}],
    ),
    recorded=RECORDED,
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(
        {"type": "reasoning", "content": "Hm. Yes."}, {"type": "redacted_thinking"}, text("42"))},
)  # fmt: skip
CACHED_REPLY = {
    **reply({"text": "4"}, cacheReadInputTokens=100, cacheWriteInputTokens=20),
    "trace": {"promptRouter": {"invokedModelId": "anthropic.claude-haiku-9-v1:0"}},
}
CACHED = Exchange(
    request=ASKED,
    reply=CACHED_REPLY,
    chunks=chunks(CACHED_REPLY, [{"text": "4"}]),
    recorded={**RECORDED, "gen_ai.usage.input_tokens": 131, "gen_ai.usage.cache_read.input_tokens": 100,
              "gen_ai.usage.cache_creation.input_tokens": 20,
              "gen_ai.response.model": "anthropic.claude-haiku-9-v1:0"},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text("4"))},
)  # fmt: skip
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING, "cached tokens": CACHED}  # fmt: skip

BASE = "KB12345678"
FOUND = {
    "retrievalResults": [
        {"content": {"text": "Oslo is wet."}, "score": 0.9, "location": {
            "type": "S3", "s3Location": {"uri": "s3://notes/oslo.txt"}}},
        {"content": {"text": "Rome is dry."}, "score": 0.5, "location": {
            "type": "CUSTOM", "customDocumentLocation": {"id": "note-2"}}},
        {"content": {"text": "Nobody knows."}},
    ]
}  # fmt: skip
RETRIEVE = Exchange(
    request={
        "knowledgeBaseId": BASE,
        "retrievalQuery": {"text": "How is Oslo?"},
        "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 3}},
    },
    reply=FOUND,
    chunks=(),
    recorded={
        "gen_ai.operation.name": "retrieval",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.data_source.id": BASE,
        "aws.bedrock.knowledge_base.id": BASE,
        "gen_ai.retrieval.top_k": 3,
        names.RETRIEVAL_QUERY_TEXT: "How is Oslo?",  # content, but no JSON
        "aws.request_id": "r-1",
        "server.address": "bedrock-agent-runtime.eu-west-1.amazonaws.com",
        "server.port": 443,
    },
    content={
        names.RETRIEVAL_DOCUMENTS: [{"id": "s3://notes/oslo.txt", "score": 0.9}, {"id": "note-2", "score": 0.5}, {}]
    },
    ways=("reply",),
)
ANSWERED = {"sessionId": "session-2", "output": {"text": "Wet."}, "guardrailAction": "NONE"}
ARN = "arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0"
GENERATE_REQUEST = {
    "sessionId": "session-1",
    "input": {"text": "How is Oslo?"},
    "retrieveAndGenerateConfiguration": {
        "type": "KNOWLEDGE_BASE",
        "knowledgeBaseConfiguration": {
            "knowledgeBaseId": BASE,
            "modelArn": ARN,
            "generationConfiguration": {
                "guardrailConfiguration": {"guardrailId": "guard-1", "guardrailVersion": "1"},
                "inferenceConfig": {"textInferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.5}},
            },
        },
    },
}
GENERATE = Exchange(
    request=GENERATE_REQUEST,
    reply=ANSWERED,
    chunks=[{"output": {"text": "W"}}, {"output": {"text": "et."}}, {"guardrail": {"action": "INTERVENED"}}],
    recorded={
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "aws.bedrock",
        "gen_ai.request.model": ARN,
        "gen_ai.conversation.id": "session-1",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.5,
        "aws.bedrock.guardrail.id": "guard-1",
        "aws.bedrock.knowledge_base.id": BASE,
        "aws.request_id": "r-1",
        "server.address": "bedrock-agent-runtime.eu-west-1.amazonaws.com",
        "server.port": 443,
    },
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [text("How is Oslo?")]}],
        names.OUTPUT_MESSAGES: said(text("Wet."), finish_reason="completed"),
    },
    ways=("reply",),
)
