"""Exchanges with an Ollama server and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.scenarios import Exchange
from throughline import names

MODEL = "llama9:8b"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "Say hello."}]
ASKED = {"model": MODEL, "messages": MESSAGES}
RECORDED = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "ollama",
    "gen_ai.request.model": MODEL,
    "gen_ai.response.model": f"{MODEL}-q4",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 11,
    "gen_ai.usage.output_tokens": 7,
    "server.address": "models.example.org",
    "server.port": 11434,
}
INPUT = [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}]
DIGEST = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"  # of "hello", base64 "aGVsbG8="
PICTURE = {"type": "uri", "modality": "image", "uri": f"sha256:{DIGEST}", "size": 5}
HEAD = {"model": f"{MODEL}-q4", "created_at": "2026-11-25T00:00:00Z"}
DONE = {"done": True, "done_reason": "stop", "total_duration": 9, "prompt_eval_count": 11, "eval_count": 7}


def reply(content: str, reason: str = "stop", **said: Any) -> dict[str, Any]:
    return {**HEAD, **DONE, "done_reason": reason, "message": {"role": "assistant", "content": content, **said}}


def chunks(*said: dict[str, Any], reason: str = "stop") -> list[dict[str, Any]]:
    found = [{**HEAD, "done": False, "message": {"role": "assistant", "content": "", **each}} for each in said]
    return [*found, reply("", reason)]


def words(*pieces: str) -> list[dict[str, Any]]:
    return [{"content": piece} for piece in pieces]


def called(city: str) -> dict[str, Any]:
    return {"function": {"name": "weather", "arguments": {"city": city}}}


def said(*parts: dict[str, Any], finish_reason: str = "stop") -> list[dict[str, Any]]:
    return [{"role": "assistant", "parts": list(parts), "finish_reason": finish_reason}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


def asked_for(city: str) -> dict[str, Any]:
    return {"type": "tool_call", "name": "weather", "arguments": {"city": city}}


WAYS = ("reply", "stream", "async reply", "async stream")
FUNCTION = {"name": "weather", "description": "The weather.",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}  # fmt: skip
HELLO, HELLO_CHUNKS = reply("Hello."), chunks(*words("Hel", "lo.", ""))

PLAIN = Exchange(
    request={**ASKED, "options": {"temperature": 1, "top_p": 0.9, "top_k": 40, "num_predict": 50, "seed": 4,
                                  "stop": ["END"], "frequency_penalty": 0.5, "presence_penalty": 0.25}},
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
    reply=reply("", tool_calls=[called("Oslo")]),
    chunks=chunks({"tool_calls": [called("Oslo")]}),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said(asked_for("Oslo"), finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [{"type": "function", **FUNCTION}],
    },
)
ANSWERED: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "assistant", "content": "", "tool_calls": [called("Bern")]},
    {"role": "tool", "content": '{"degrees": 21}'},
]
PARALLEL = Exchange(
    request={**ASKED, "messages": ANSWERED},
    reply=reply("I look.", tool_calls=[called("Oslo"), called("Rome")]),
    chunks=chunks(*words("I ", "look."), {"tool_calls": [called("Oslo")]}, {"tool_calls": [called("Rome")]}),
    recorded={**RECORDED, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.INPUT_MESSAGES: [
            {"role": "system", "parts": [text("Be brief.")]},
            {"role": "assistant", "parts": [asked_for("Bern")]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"degrees": 21}}]},
        ],
        names.OUTPUT_MESSAGES: said(text("I look."), asked_for("Oslo"), asked_for("Rome"), finish_reason="tool_call"),
    },
)
ANSWER = '{"text": "Hello."}'
STRUCTURED = Exchange(
    request={**ASKED, "format": "json"},
    reply=reply(ANSWER, "length"),
    chunks=chunks(*words(ANSWER), reason="length"),
    recorded={**RECORDED, "gen_ai.output.type": "json", "gen_ai.response.finish_reasons": ["length"]},
    content={names.INPUT_MESSAGES: INPUT, names.OUTPUT_MESSAGES: said(text(ANSWER), finish_reason="length")},
)
MEDIA = Exchange(
    request={**ASKED, "messages": [{"role": "user", "content": "Look.", "images": ["aGVsbG8=", b"hello"]}]},
    reply=HELLO,
    chunks=HELLO_CHUNKS,
    recorded=RECORDED,
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Look."), PICTURE, PICTURE]}],
        names.OUTPUT_MESSAGES: said(text("Hello.")),
    },
)
REASONING = Exchange(
    request={**ASKED, "think": "high"},
    reply=reply("42", thinking="Hm. Yes."),
    chunks=chunks({"thinking": "Hm. "}, {"thinking": "Yes."}, *words("42")),
    recorded={**RECORDED, "gen_ai.request.reasoning.level": "high"},
    content={
        names.INPUT_MESSAGES: INPUT,
        names.OUTPUT_MESSAGES: said({"type": "reasoning", "content": "Hm. Yes."}, text("42")),
    },
)
EXCHANGES = {"reply": PLAIN, "tools": TOOLS, "parallel tools": PARALLEL, "structured output": STRUCTURED,
             "media": MEDIA, "reasoning": REASONING}  # fmt: skip

GENERATED = Exchange(
    request={"model": MODEL, "prompt": "def add(", "suffix": "return a + b", "system": "Be brief.",
             "images": [b"hello"], "options": {"num_predict": -1, "stop": ["END"]}},
    reply={**HEAD, **DONE, "response": "a, b):"},
    chunks=[{**HEAD, "done": False, "response": "a, "}, {**HEAD, "done": False, "response": "b):"},
            {**HEAD, **DONE, "response": ""}],
    recorded={**RECORDED, "gen_ai.operation.name": "text_completion", "gen_ai.request.stop_sequences": ["END"]},
    content={
        names.SYSTEM_INSTRUCTIONS: [text("Be brief.")],
        names.INPUT_MESSAGES: [{"role": "user", "parts": [text("def add("), text("return a + b"), PICTURE]}],
        names.OUTPUT_MESSAGES: said(text("a, b):")),
    },
    ways=WAYS,
)  # fmt: skip
EMBEDDED = Exchange(
    request={"model": MODEL, "input": ["Hello.", "Bye."]},
    reply={"model": f"{MODEL}-q4", "embeddings": [[0.1, 0.2, 0.3]] * 2, "total_duration": 9, "prompt_eval_count": 11},
    chunks=[],
    recorded={
        "gen_ai.operation.name": "embeddings",
        "gen_ai.provider.name": "ollama",
        "gen_ai.request.model": MODEL,
        "gen_ai.response.model": f"{MODEL}-q4",
        "gen_ai.embeddings.dimension.count": 3,
        "gen_ai.usage.input_tokens": 11,
        "server.address": "models.example.org",
        "server.port": 11434,
    },
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Hello."), text("Bye.")]}]},
    ways=("reply", "async reply"),
)
