"""Exchanges with Cohere's first API and what is to be recorded of each. Data only."""

from __future__ import annotations

from typing import Any

from instrumentation.cohere_client.exchanges import MODEL, RECORDED, said, text
from instrumentation.scenarios import Exchange
from throughline import names

META = {"billed_units": {"input_tokens": 11.0, "output_tokens": 7.0},
        "tokens": {"input_tokens": 76.0, "output_tokens": 9.0}}  # fmt: skip
SAID = {"text": "Hello.", "generation_id": "gen-1", "response_id": "re-1", "finish_reason": "COMPLETE", "meta": META}
START = {"event_type": "stream-start", "is_finished": False, "generation_id": "gen-1"}
ASKED: dict[str, Any] = {
    "model": MODEL,
    "message": "Say hello.",
    "preamble": "Be brief.",
    "chat_history": [{"role": "USER", "message": "Hi."}, {"role": "CHATBOT", "message": "Hm."}],
    "conversation_id": "talk-1",
    "temperature": 1,
    "p": 0.9,
    "k": 40,
}
HISTORY = [{"role": "user", "parts": [text("Hi.")]}, {"role": "assistant", "parts": [text("Hm.")]},
           {"role": "user", "parts": [text("Say hello.")]}]  # fmt: skip
KNOWN = {**RECORDED, "gen_ai.conversation.id": "talk-1", "gen_ai.request.temperature": 1.0,
         "gen_ai.request.top_p": 0.9, "gen_ai.request.top_k": 40}  # fmt: skip


def words(*pieces: str) -> list[dict[str, Any]]:
    return [{"event_type": "text-generation", "is_finished": False, "text": piece} for piece in pieces]


def end(response: Any, reason: str = "COMPLETE") -> dict[str, Any]:
    return {"event_type": "stream-end", "is_finished": True, "finish_reason": reason, "response": response}


WAYS = ("reply", "stream", "async reply", "async stream", "raw stream")
PLAIN = Exchange(
    request=ASKED,
    reply=SAID,
    chunks=[START, *words("Hel", "lo.", ""), end(SAID)],
    recorded=KNOWN,
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.INPUT_MESSAGES: HISTORY,
             names.OUTPUT_MESSAGES: said(text("Hello."))},
    ways=WAYS,
)  # fmt: skip
WEATHER = {"name": "weather", "description": "The weather.",
           "parameter_definitions": {"city": {"type": "str", "required": True}}}  # fmt: skip
CALLS = [{"name": "weather", "parameters": {"city": "Oslo"}}]
RESULTS = [{"call": {"name": "weather", "parameters": {"city": "Bern"}}, "outputs": [{"degrees": 21}]}]
TOOLS = Exchange(
    request={**ASKED, "tools": [WEATHER], "tool_results": RESULTS},
    reply={**SAID, "text": "", "tool_calls": CALLS},
    chunks=[START, {"event_type": "tool-calls-generation", "is_finished": False, "tool_calls": CALLS}, end(SAID)],
    recorded={**KNOWN, "gen_ai.response.finish_reasons": ["tool_call"]},
    content={
        names.SYSTEM_INSTRUCTIONS: [text("Be brief.")],
        names.INPUT_MESSAGES: [*HISTORY, {"role": "tool", "parts": [
            {"type": "tool_call_response", "response": [{"degrees": 21}]}]}],
        names.OUTPUT_MESSAGES: said({"type": "tool_call", "name": "weather", "arguments": {"city": "Oslo"}},
                                    finish_reason="tool_call"),
        names.TOOL_DEFINITIONS: [{"type": "function", "name": "weather", "description": "The weather.",
                                  "parameters": WEATHER["parameter_definitions"]}],
    },
)  # fmt: skip
EXCHANGES = {"reply": PLAIN, "tools": TOOLS}

WRITTEN = [{"id": "g-1", "text": "Hello.", "index": 0, "finish_reason": "COMPLETE"},
           {"id": "g-2", "text": "Bye.", "index": 1, "finish_reason": "MAX_TOKENS"}]  # fmt: skip
GENERATED = Exchange(
    request={"model": MODEL, "prompt": "Say it.", "num_generations": 2, "end_sequences": ["END"], "max_tokens": 50},
    reply={"id": "re-1", "prompt": "Say it.", "generations": WRITTEN, "meta": META},
    chunks=[*({**chunk, "index": index} for index, chunk in ((0, words("Hel")[0]), (1, words("Bye.")[0]),
                                                             (0, words("lo.")[0]))),
            end({"id": "re-1", "generations": WRITTEN, "meta": META})],
    recorded={
        **RECORDED,
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.finish_reasons": ["stop", "length"],
    },
    content={
        names.INPUT_MESSAGES: [{"role": "user", "parts": [text("Say it.")]}],
        names.OUTPUT_MESSAGES: [*said(text("Hello.")), *said(text("Bye."), finish_reason="length")],
    },
    ways=WAYS,
)  # fmt: skip
