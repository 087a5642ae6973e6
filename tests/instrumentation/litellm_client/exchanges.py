"""Exchanges with OpenAI and Anthropic by LiteLLM, and what is to be recorded of each. Data only."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from typing import Any

from instrumentation.litellm_client.imported import litellm
from instrumentation.openai_client import exchanges, exchanges_media
from instrumentation.openai_client.wire import chat_chunks, chat_reply
from instrumentation.scenarios import Exchange
from throughline import names

WAYS = ("reply", "stream", "async reply", "async stream")
OWN = (names.OPENAI_API_TYPE,)
TELLS = "provider_response_model" in inspect.getsource(litellm.litellm_core_utils.streaming_handler)
"""Whether a stream tells which model answered; in older versions it says the name that was asked for."""


def told(value: Any) -> Any:
    return value if TELLS else json.loads(json.dumps(value).replace("gpt-4o-2024-08-06", "gpt-4o"))


def asked(exchange: Exchange, *ways: str, **request: Any) -> Exchange:
    """OpenAI's exchange as LiteLLM makes it: who it is asked of is part of the model's name."""
    model = f"openai/{exchange.request['model']}"
    recorded = {key: value for key, value in exchange.recorded.items() if key not in OWN}
    given = {**exchange.request, **request, "model": model}
    return replace(
        exchange,
        request=given,
        reply=told(exchange.reply),
        chunks=told(exchange.chunks),
        recorded=told(recorded),
        ways=ways or ("reply", "stream"),
    )


PLAIN = asked(
    replace(
        exchanges.PLAIN,
        request={k: v for k, v in exchanges.PLAIN.request.items() if k != "extra_body"},
        reply=chat_reply(),
        chunks=chat_chunks("Hel", "lo."),
        recorded={k: v for k, v in exchanges.PLAIN.recorded.items()
                  if k not in (names.OPENAI_RESPONSE_SYSTEM_FINGERPRINT, names.OPENAI_RESPONSE_SERVICE_TIER,
                               names.REQUEST_REASONING_LEVEL)},
    ),
    *WAYS,
)  # fmt: skip
CACHED = exchanges.CHAT["cached tokens"]
KEPT = {**CACHED.reply["usage"], "completion_tokens_details": {"reasoning_tokens": 0}}
CHAT = {
    "reply": PLAIN,
    "tools": asked(exchanges.TOOLS),
    "parallel tools": asked(exchanges.PARALLEL, "reply"),
    "structured output": asked(exchanges.STRUCTURED),
    "media": asked(exchanges.MEDIA, "reply"),
    "reasoning": asked(
        replace(exchanges.REASONING, recorded={**exchanges.REASONING.recorded, names.REQUEST_REASONING_LEVEL: "high"}),
        reasoning_effort="high",
        allowed_openai_params=["reasoning_effort"],
    ),
    "cached tokens": asked(
        replace(
            CACHED,
            reply={**CACHED.reply, "usage": KEPT},
            chunks=chat_chunks("Hel", "lo.", usage=KEPT),
            recorded={**CACHED.recorded, names.USAGE_REASONING_OUTPUT_TOKENS: 0},
        )
    ),
}
EMBEDDED = asked(next(iter(exchanges.EMBEDDINGS.values())), "reply", "async reply")
_CONTINUED = exchanges_media.CONTINUED
CONTINUED = asked(_CONTINUED, "reply", "async reply")
CONTINUED_IN_PARTS = asked(
    replace(
        _CONTINUED,
        chunks=_CONTINUED.chunks[:-1],
        recorded={key: value for key, value in _CONTINUED.recorded.items() if not key.startswith("gen_ai.usage.")},
    ),
    "stream",
    "async stream",
)
"""Nobody asks for the usage of this one's stream, so that the provider sends none."""
