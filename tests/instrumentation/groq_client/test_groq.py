"""What only Groq's client has: sound by its own paths, and what is no operation of a model."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx as http
from instrumentation.groq_client.wire import Groq
from instrumentation.scenarios import structured
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names

WIRE = Groq()


def test_a_transcription_tells_what_was_said_and_not_the_sound(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = WIRE.api(lambda _request: http.Response(200, json={"text": "Hello."}))
    heard = api.audio.transcriptions.create(model="whisper-large-v3", file=("a.wav", b"hello"))
    assert heard.text == "Hello."
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.PROVIDER_NAME]) == ("generate_content", "groq")
    assert structured(found[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Hello."}]
    (given,) = structured(found[names.INPUT_MESSAGES])[0]["parts"]
    assert (given["modality"], given["size"]) == ("audio", 5)


def test_speech(telemetry: Telemetry) -> None:
    telemetry.instrument()

    async def spoken() -> Any:
        api = WIRE.api(lambda _request: http.Response(200, content=b"hello"), asynchronous=True)
        reply = await api.audio.speech.create(model="playai-tts", input="Hello.", voice="Fritz-PlayAI")
        return await reply.read()

    assert asyncio.run(spoken()) == b"hello"
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.OUTPUT_TYPE]) == ("generate_content", "speech")


def test_a_list_of_models_is_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert WIRE.api(lambda _request: http.Response(200, json={"object": "list", "data": []})).models.list().data == []
    assert not telemetry.spans()


def test_nothing_is_said_in_openais_name(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = WIRE.api(lambda _request: http.Response(200, json={**WIRE.exchange.reply, "service_tier": "flex"}))
    api.chat.completions.create(**{**WIRE.exchange.request, "service_tier": "flex"})
    assert not [name for name in telemetry.attributes() if name.startswith("openai.")]
