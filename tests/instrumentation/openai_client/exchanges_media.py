"""Exchanges with OpenAI's other endpoints: pictures, sound, moderation, legacy completions, fetches. Data only."""

from __future__ import annotations

import base64
from typing import Any

from instrumentation.openai_client.exchanges import HELLO, REFERENCE, SERVER, said
from instrumentation.openai_client.wire import USAGE, responses_events, responses_reply
from instrumentation.scenarios import Exchange
from throughline import names

GENERATED = {**SERVER, "gen_ai.operation.name": "generate_content"}
COUNTED = {"gen_ai.usage.input_tokens": 11, "gen_ai.usage.output_tokens": 7}
TOKENS = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18,
          "input_tokens_details": {"text_tokens": 11, "image_tokens": 0}}  # fmt: skip
NOT_STREAMED = ("reply", "async reply", "raw reply", "async raw reply", "lazy reply", "async lazy reply")
BOTH = (*NOT_STREAMED, "stream", "async stream", "raw stream", "lazy stream", "async lazy stream")
HELLO_BYTES = b"hello"
HELLO_BASE64 = base64.b64encode(HELLO_BYTES).decode()


def asked(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": list(parts)}]


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "content": content}


# --- pictures ---------------------------------------------------------------------------------------------------------

PNG = {**REFERENCE, "modality": "image", "mime_type": "image/png"}
SKETCH = base64.b64encode(b"sketch").decode()
IMAGES_REPLY = {"created": 1, "output_format": "png", "data": [{"b64_json": HELLO_BASE64}], "usage": TOKENS}


def drawing(kind: str) -> list[dict[str, Any]]:
    drawn = {"created_at": 1, "output_format": "png", "size": "1024x1024", "quality": "low", "background": "auto"}
    sketches = [
        {"type": f"{kind}.partial_image", **drawn, "partial_image_index": index, "b64_json": SKETCH} for index in (0, 1)
    ]
    return [*sketches, {"type": f"{kind}.completed", **drawn, "b64_json": HELLO_BASE64, "usage": TOKENS}]


DRAWN = Exchange(
    request={"model": "gpt-image-1", "prompt": "A cat.", "n": 2},
    reply=IMAGES_REPLY,
    chunks=drawing("image_generation"),
    recorded={**GENERATED, **COUNTED, "gen_ai.request.model": "gpt-image-1", "gen_ai.output.type": "image",
              "gen_ai.request.choice.count": 2},
    content={names.INPUT_MESSAGES: asked(text("A cat.")), names.OUTPUT_MESSAGES: said(PNG)},
    ways=BOTH,
)  # fmt: skip
LINKED = Exchange(
    request={"model": "dall-e-3", "prompt": "A cat.", "response_format": "url"},
    reply={"created": 1, "data": [{"url": "https://example.org/cat.png", "revised_prompt": "A grey cat."}]},
    chunks=(),
    recorded={**GENERATED, "gen_ai.request.model": "dall-e-3", "gen_ai.output.type": "image"},
    content={
        names.INPUT_MESSAGES: asked(text("A cat.")),
        names.OUTPUT_MESSAGES: said({"type": "uri", "modality": "image", "uri": "https://example.org/cat.png"}),
    },
    ways=("reply",),
)
GENERATIONS = {"reply": DRAWN, "linked": LINKED}
EDITED = Exchange(
    request={"model": "gpt-image-1", "prompt": "A hat.", "image": ("cat.png", HELLO_BYTES, "image/png"),
             "mask": HELLO_BYTES},
    reply=IMAGES_REPLY,
    chunks=drawing("image_edit"),
    recorded={**GENERATED, **COUNTED, "gen_ai.request.model": "gpt-image-1", "gen_ai.output.type": "image"},
    content={
        names.INPUT_MESSAGES: asked(text("A hat."), PNG, {**REFERENCE, "modality": "image"}),
        names.OUTPUT_MESSAGES: said(PNG),
    },
    ways=("reply", "async reply", "stream", "async stream"),
)  # fmt: skip

# --- sound ------------------------------------------------------------------------------------------------------------

SPOKEN = Exchange(
    request={"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hi.",
             "extra_body": {"instructions": "Be brief."}},
    reply=HELLO_BYTES,
    chunks=(),
    recorded={**GENERATED, "gen_ai.request.model": "gpt-4o-mini-tts", "gen_ai.output.type": "speech"},
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.INPUT_MESSAGES: asked(text("Hi.")),
             names.OUTPUT_MESSAGES: said({**REFERENCE, "modality": "audio", "mime_type": "audio/mpeg"})},
    ways=("reply", "async reply"),
)  # fmt: skip
HEARD_USAGE = {"type": "tokens", "input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
HEARD = Exchange(
    request={"model": "gpt-4o-transcribe", "file": ("hello.wav", HELLO_BYTES, "audio/wav"), "temperature": 0.5,
             "prompt": "A greeting."},
    reply={"text": "Hello.", "usage": HEARD_USAGE},
    chunks=[
        {"type": "transcript.text.delta", "delta": "Hel"},
        {"type": "transcript.text.delta", "delta": "lo."},
        {"type": "transcript.text.delta", "delta": ""},
        {"type": "transcript.text.done", "text": "Hello.", "usage": HEARD_USAGE},
    ],
    recorded={**GENERATED, **COUNTED, "gen_ai.request.model": "gpt-4o-transcribe", "gen_ai.output.type": "text",
              "gen_ai.request.temperature": 0.5},
    content={
        names.INPUT_MESSAGES: asked(text("A greeting."), {**REFERENCE, "modality": "audio", "mime_type": "audio/wav"}),
        names.OUTPUT_MESSAGES: said(*HELLO),
    },
    ways=BOTH,
)  # fmt: skip
TIMED = Exchange(
    request={"model": "whisper-1", "file": HELLO_BYTES, "response_format": "verbose_json"},
    reply={"text": "Hello.", "language": "english", "duration": 1.5, "usage": {"type": "duration", "seconds": 2},
           "segments": []},
    chunks=(),
    recorded={**GENERATED, "gen_ai.request.model": "whisper-1", "gen_ai.output.type": "text"},
    content={names.INPUT_MESSAGES: asked({**REFERENCE, "modality": "audio"}), names.OUTPUT_MESSAGES: said(*HELLO)},
    ways=("reply",),
)  # fmt: skip
TRANSCRIPTIONS = {"reply": HEARD, "timed": TIMED}

# --- moderation -------------------------------------------------------------------------------------------------------

JUDGED = Exchange(
    request={"model": "omni-moderation-latest", "input": ["one", "two"]},
    reply={
        "id": "modr-1",
        "model": "omni-moderation-1",
        "results": [
            {"flagged": True, "categories": {"hate": False, "self-harm/intent": True}, "category_scores": {},
             "category_applied_input_types": {}},
            {"flagged": False, "categories": {"hate": False}, "category_scores": {},
             "category_applied_input_types": {}},
        ],
    },
    chunks=(),
    recorded={**GENERATED, "gen_ai.request.model": "omni-moderation-latest", "gen_ai.output.type": "json",
              "gen_ai.response.id": "modr-1", "gen_ai.response.model": "omni-moderation-1"},
    content={
        names.INPUT_MESSAGES: asked(text("one"), text("two")),
        names.OUTPUT_MESSAGES: said(
            {"type": "moderation", "flagged": True, "categories": ["self_harm_intent"]},
            {"type": "moderation", "flagged": False, "categories": []},
        ),
    },
    ways=NOT_STREAMED,
)  # fmt: skip

# --- legacy completions -----------------------------------------------------------------------------------------------

HEAD = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}


def continuing(text: str, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "text": text, "finish_reason": reason, "logprobs": None}], **more}


CONTINUED = Exchange(
    request={"model": "gpt-3.5-turbo-instruct", "prompt": "Say hello.", "max_tokens": 50, "stop": ["END"]},
    reply=continuing("Hello.", "stop", usage=USAGE),
    chunks=[continuing("Hel"), continuing("lo."), continuing("", "stop"), {**HEAD, "choices": [], "usage": USAGE}],
    recorded={
        **SERVER,
        **COUNTED,
        "gen_ai.operation.name": "text_completion",
        "gen_ai.request.model": "gpt-3.5-turbo-instruct",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.id": "cmpl-1",
        "gen_ai.response.model": "gpt-3.5-turbo-instruct",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.reasoning.output_tokens": 3,
    },
    content={names.INPUT_MESSAGES: asked(text("Say hello.")), names.OUTPUT_MESSAGES: said(*HELLO)},
    ways=BOTH,
)

# --- fetches ----------------------------------------------------------------------------------------------------------

MADE: dict[str, Any] = {"instructions": "Be brief.", "service_tier": "default"}
FETCHED = Exchange(
    request={"response_id": "resp_1"},
    reply=responses_reply(**MADE),
    chunks=responses_events(**MADE),
    recorded={
        **SERVER,
        "gen_ai.operation.name": "fetch_response",
        "openai.api.type": "responses",
        "gen_ai.response.id": "resp_1",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.status": "completed",
        "gen_ai.response.finish_reasons": ["stop"],
        "openai.response.service_tier": "default",
    },
    content={names.SYSTEM_INSTRUCTIONS: [text("Be brief.")], names.OUTPUT_MESSAGES: said(*HELLO)},
    ways=BOTH,
)
