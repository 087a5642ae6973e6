"""What only Hugging Face's client has: OpenAI's names for it, plain texts, servers of one's own, partners."""

from __future__ import annotations

from typing import Any

import pytest
from instrumentation.huggingface_hub_client.exchanges import CHAT, DETAILS, MODEL, token
from instrumentation.huggingface_hub_client.wire import GROQ, SERVER, HuggingFace, client, http
from instrumentation.scenarios import answering, structured
from instrumentation.telemetry import Telemetry
from throughline import ContentMode, names
from throughline.adapters.huggingface import HuggingFace as Adapter

WIRE = HuggingFace()
PLAIN = CHAT["reply"]
MESSAGES = [{"role": "user", "content": "Say hello."}]


def replying(body: Any) -> Any:
    return answering(lambda: http.Response(200, json=body))


@pytest.mark.parametrize("streamed", [False, True])
def test_openais_names_are_the_same_call(telemetry: Telemetry, streamed: bool) -> None:
    telemetry.instrument()
    api = client(answering(WIRE.answer(PLAIN, streamed=streamed)), **GROQ)
    result = api.chat.completions.create(**PLAIN.request, stream=streamed)
    assert not streamed or list(result)
    found = telemetry.attributes()
    assert (found[names.OPERATION_NAME], found[names.REQUEST_MODEL], found[names.USAGE_OUTPUT_TOKENS]) == (
        "chat", MODEL, 7,
    )  # fmt: skip


def test_a_plain_text_is_the_answer(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert client(replying([{"generated_text": "Hello."}]), **SERVER).text_generation("Say hello.") == "Hello."
    said = structured(telemetry.attributes()[names.OUTPUT_MESSAGES])
    assert said == [{"role": "assistant", "parts": [{"type": "text", "content": "Hello."}], "finish_reason": "stop"}]


def test_a_stream_of_plain_texts(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    chunks = [token("Hel"), token("lo."), token("</s>", special=True, generated_text="Hello.", details=DETAILS)]
    api = client(answering(lambda: WIRE.event_stream(WIRE.events(chunks))), **SERVER)
    heard = "".join(api.text_generation("Say hello.", stream=True))
    assert heard.startswith("Hello.")
    said = structured(telemetry.attributes()[names.OUTPUT_MESSAGES])
    assert said[0]["parts"] == [{"type": "text", "content": heard}]


def test_a_server_of_ones_own_names_the_model_that_it_was_sent(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying(PLAIN.reply), base_url="http://localhost:8080/v1").chat_completion(MESSAGES)
    found = telemetry.attributes()
    assert (found[names.SERVER_ADDRESS], found[names.SERVER_PORT]) == ("localhost", 8080)
    assert (found[names.PROVIDER_NAME], found[names.REQUEST_MODEL]) == ("huggingface", "dummy")
    assert telemetry.span().name == "chat"


def test_the_reason_of_its_own_server_is_told_in_the_conventions_words(telemetry: Telemetry) -> None:
    telemetry.instrument()
    (choice,) = PLAIN.reply["choices"]
    client(replying({**PLAIN.reply, "choices": [{**choice, "finish_reason": "eos_token"}]})).chat_completion(MESSAGES)
    assert telemetry.attributes()[names.RESPONSE_FINISH_REASONS] == ["stop"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [(None, "huggingface"), ("auto", "huggingface"), ("hf-inference", "huggingface"), ("fireworks-ai", "fireworks"),
     ("together", "together"), ("groq", "groq")],
)  # fmt: skip
def test_who_serves_has_the_name_that_dashboards_know(told: str | None, expected: str) -> None:
    assert Adapter().provider(type("Client", (), {"provider": told}), "") == expected


def test_other_tasks_are_no_operation(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(replying([[{"label": "good", "score": 0.9}]]), **SERVER).text_classification("Hello.")
    assert not telemetry.spans()
