"""Exchanges with a server by Hugging Face's client, and what is to be recorded of each. Data only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from instrumentation.openai_client import exchanges
from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "stream", "async reply", "async stream")
MODEL = "gpt-4o"
SERVER = {"gen_ai.provider.name": "huggingface", "server.address": "models.example.org", "server.port": 443}
GROQ = {"gen_ai.provider.name": "groq", "server.address": "api.groq.com", "server.port": 443}
NOT_SENT = ("service_tier", "extra_body")


def of_hugging_face(exchange: Exchange, *ways: str) -> Exchange:
    """The exchange with a server of one's own instead."""
    recorded = {key: value for key, value in exchange.recorded.items() if not key.startswith("openai.")}
    request = {key: value for key, value in exchange.request.items() if key not in NOT_SENT}
    return replace(exchange, request=request, recorded={**recorded, **GROQ}, ways=ways or ("reply", "stream"))


_PLAIN = of_hugging_face(exchanges.PLAIN, *WAYS)
PLAIN = replace(
    _PLAIN,
    request={**_PLAIN.request, "stop": ["END"]},
    recorded={key: value for key, value in _PLAIN.recorded.items() if key != names.REQUEST_REASONING_LEVEL},
)
NAMES = ("tools", "parallel tools", "structured output", "media", "reasoning", "cached tokens")
CHAT = {"reply": PLAIN, **{name: of_hugging_face(exchanges.CHAT[name]) for name in NAMES}}

DETAILS = {"finish_reason": "eos_token", "generated_tokens": 2, "input_length": 5, "seed": 4, "prefill": []}


def token(word: str, *, special: bool = False, **more: Any) -> dict[str, Any]:
    return {"index": 1, "token": {"id": 1, "text": word, "logprob": -1.0, "special": special}, **more}


GENERATED = Exchange(
    request={"prompt": "Say hello.", "details": True, "max_new_tokens": 50, "temperature": 0.5,
             "top_p": 0.9, "top_k": 40, "seed": 4, "stop": ["END"], "frequency_penalty": 0.5},
    reply=[{"generated_text": "Hello.", "details": {**DETAILS, "tokens": []}}],
    chunks=[token("Hel"), token("lo."), token("</s>", special=True, generated_text="Hello.", details=DETAILS)],
    recorded={
        **SERVER,
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.top_k": 40,
        "gen_ai.request.seed": 4,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.frequency_penalty": 0.5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 5,
        "gen_ai.usage.output_tokens": 2,
    },
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [{"type": "text", "content": "Say hello."}]}],
        names.OUTPUT_MESSAGES: exchanges.said(*exchanges.HELLO),
    },
    ways=WAYS,
)  # fmt: skip
GENERATED_WHOLE = replace(
    GENERATED,
    recorded={key: value for key, value in GENERATED.recorded.items() if key != names.USAGE_INPUT_TOKENS},
    ways=("reply", "async reply"),
)
"""Of a whole answer the client tells no length of the prompt."""
GENERATED_IN_PARTS = replace(GENERATED, ways=("stream", "async stream"))
EMBEDDED = Exchange(
    request={"text": ["Hello.", "Bye."]},
    reply=[[0.25, -0.5, 0.75]] * 2,
    chunks=[],
    recorded={
        **SERVER,
        "gen_ai.operation.name": "embeddings",
        "gen_ai.embeddings.dimension.count": 3,
    },
    content={names.INPUT_MESSAGES: [{"role": "user", "parts": [
        {"type": "text", "content": "Hello."}, {"type": "text", "content": "Bye."}]}]},
    ways=("reply", "async reply"),
)  # fmt: skip
