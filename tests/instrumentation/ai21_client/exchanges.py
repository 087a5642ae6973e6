"""Exchanges with AI21's API and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from ai21.models.chat import AssistantMessage, SystemMessage, ToolCall, ToolFunction, ToolMessage, UserMessage
from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "jamba-large"
ASKED: dict[str, Any] = {"model": MODEL, "messages": [UserMessage(content="Say hello.")]}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "ai21",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.id": "chat-1",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "api.ai21.com",
    "server.port": 443,
}
USAGE = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
OSLO = {"type": "tool_call", "id": "call-1", "name": "weather", "arguments": {"city": "Oslo"}}
ROME = {"type": "tool_call", "id": "call-2", "name": "weather", "arguments": {"city": "Rome"}}
FUNCTION = {"name": "weather", "description": "The weather.", "parameters": {"type": "object", "properties": {}}}
WAYS = ("reply", "stream", "async reply", "async stream")


def choice(content: str | None, finish_reason: str = "stop", index: int = 0, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    return {"index": index, "message": message, "finish_reason": finish_reason, "logprobs": None}


def reply(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "chat-1", "choices": list(choices), "usage": USAGE, **more}


def chunk(delta: dict[str, Any], finish_reason: str | None = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choices = [{"index": index, "delta": delta, "finish_reason": finish_reason, "logprobs": None}]
    return {"id": "chat-1", "choices": choices, "usage": None, **more}


def chunks(*words: str, finish_reason: str = "stop") -> list[dict[str, Any]]:
    """A role, the words, and a last chunk that tells the end and the usage."""
    told = chunk({"content": ""}, finish_reason, usage=USAGE)
    return [chunk({"role": "assistant"}), *(chunk({"content": word}) for word in words), told]


def called(call_id: str, city: str, **more: Any) -> dict[str, Any]:
    function = {"name": "weather", "arguments": f'{{"city": "{city}"}}'}
    return {"id": call_id, "type": "function", "function": function, **more}


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> dict[str, Any]:
    return {"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


PLAIN = Exchange(
    request={
        **ASKED,
        "messages": [SystemMessage(content="Be brief."), *ASKED["messages"]],
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 50,
        "stop": "END",
        "n": 1,
        "documents": [{"id": "d1", "content": "How to greet."}],
    },
    reply=reply(choice("Hello.")),
    chunks=[*chunks("Hel", "lo.")[:-1], chunk({"content": ""}), chunks()[-1]],
    recorded={
        **RECORDED,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.stop_sequences": ["END"],
    },
    content={
        names.INPUT_MESSAGES: [
            {"role": "system", "parts": [text("Be brief.")]},
            *INPUT,
            {"role": "user", "parts": [{"type": "document", "document": {"id": "d1", "content": "How to greet."}}]},
        ],
        names.OUTPUT_MESSAGES: [said(text("Hello."))],
    },
    ways=WAYS,
)
TOOLS = Exchange(
    request={**ASKED, "tools": [{"type": "function", "function": FUNCTION}]},
    reply=reply(choice(None, "tool_calls", tool_calls=[called("call-1", "Oslo")])),
    chunks=[
        chunk({"role": "assistant"}),
        chunk({"tool_calls": [called("call-1", "Oslo", index=0)]}),
        chunk({}, "tool_calls", usage=USAGE),
    ],
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: [said(OSLO, finish_reason="tool_call")],
        names.TOOL_DEFINITIONS: [{"type": "function", **FUNCTION}],
    },
)
ASKED_BEFORE = ToolCall(id="call-1", function=ToolFunction(name="weather", arguments='{"city": "Oslo"}'))
PARALLEL = Exchange(
    request={
        "model": MODEL,
        "n": 2,
        "messages": [
            AssistantMessage(content="I look.", tool_calls=[ASKED_BEFORE]),
            ToolMessage(content='{"degrees": 21}', tool_call_id="call-1"),
        ],
    },
    reply=reply(
        choice(None, "tool_calls", tool_calls=[called("call-1", "Oslo"), called("call-2", "Rome")]),
        choice("Or so.", "length", index=1),
    ),
    chunks=[
        chunk({"role": "assistant", "tool_calls": [called("call-1", "Oslo", index=0)]}),
        chunk({"content": "Or so."}, "length", index=1),
        chunk({"tool_calls": [called("call-2", "Rome", index=1)]}),
        chunk({}, "tool_calls", usage=USAGE),
    ],
    recorded={
        **RECORDED,
        "gen_ai.request.choice.count": 2,
        "gen_ai.response.finish_reasons": ["tool_call", "length"],
    },
    content={
        names.INPUT_MESSAGES: [
            {"role": "assistant", "parts": [text("I look."), OSLO]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call-1", "response": {"degrees": 21}}]},
        ],
        names.OUTPUT_MESSAGES: [
            said(OSLO, ROME, finish_reason="tool_call"),
            said(text("Or so."), finish_reason="length"),
        ],
    },
)
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "response_format": {"type": "json_object"}},
    reply=reply(choice(ANSWER)),
    chunks=chunks('{"text": ', '"Hello."}'),
    recorded={**RECORDED, "gen_ai.output.type": "json"},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: [said(text(ANSWER))]},
)
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED}
