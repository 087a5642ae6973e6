"""Models without an agent, and embedders: recorded only where no client below records the same call."""

from __future__ import annotations

from typing import Any

import openai
import pytest
from instrumentation.openai_client.wire import EMBEDDINGS_REPLY, client, json_response
from instrumentation.pydantic_ai_client.subjects import BOTH, CANARY, canned, openai_run
from instrumentation.scenarios import answering, content_of, without_time
from instrumentation.steps import check_everything, ending, tree
from instrumentation.telemetry import Telemetry
from pydantic_ai import Agent, Embedder, ImageUrl
from pydantic_ai.direct import model_request, model_request_stream
from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
from pydantic_ai.embeddings.test import TestEmbeddingModel as CannedEmbeddings
from pydantic_ai.messages import (
    BinaryContent,
    ModelRequest,
    ModelResponse,
    SystemPromptPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model
from pydantic_ai.models.wrapper import WrapperModel
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.settings import ModelSettings
from throughline import names

ANSWERED = ToolReturnPart("weather", "12", tool_call_id="call-1")
REFERENCE = {"type": "uri", "modality": "image", "size": 5, "mime_type": "image/png",
             "uri": "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}  # fmt: skip
TURNS: list[Any] = [
    ModelRequest([SystemPromptPart("Be brief."), UserPromptPart([
        "What is this?", ImageUrl("https://pictures.test/1.png"), BinaryContent(b"hello", media_type="image/png"),
    ])]),
    ModelResponse([ThinkingPart("Hm."), ToolCallPart("weather", '{"city": "Oslo"}', tool_call_id="call-1")]),
    ModelRequest([ANSWERED, UserPromptPart("Well?")]),
]  # fmt: skip
SAID = [
    {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
    {"role": "user", "parts": [
        {"type": "text", "content": "What is this?"},
        {"type": "uri", "modality": "image", "uri": "https://pictures.test/1.png", "mime_type": "image/png"},
        REFERENCE,
    ]},
    {"role": "assistant", "parts": [
        {"type": "reasoning", "content": "Hm."},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Oslo"}, "id": "call-1"},
    ]},
    {"role": "tool", "parts": [{"type": "tool_call_response", "response": "12", "id": "call-1"}]},
    {"role": "user", "parts": [{"type": "text", "content": "Well?"}]},
]  # fmt: skip
SETTINGS = ModelSettings(temperature=0.5, max_tokens=50, top_p=0.9, seed=7, stop_sequences=["END"])
ASKED = {
    names.OPERATION_NAME: "chat",
    names.PROVIDER_NAME: "function",
    names.REQUEST_MODEL: "canned-1",
    names.REQUEST_TEMPERATURE: 0.5,
    names.REQUEST_MAX_TOKENS: 50,
    names.REQUEST_TOP_P: 0.9,
    names.REQUEST_SEED: 7,
    names.REQUEST_STOP_SEQUENCES: ["END"],
    names.RESPONSE_MODEL: "canned-1",
    names.USAGE_ESTIMATED: True,
    names.END_REASON: "completed",
}


async def test_a_whole_request(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    await model_request(canned(), TURNS, model_settings=SETTINGS)
    shown = without_time(telemetry.attributes(), chunks=False)
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": "Cold."}], "finish_reason": "stop"}]
    assert content_of(shown) == {names.INPUT_MESSAGES: SAID, names.OUTPUT_MESSAGES: answered}
    assert shown == {
        **ASKED,
        names.RESPONSE_ID: "resp-1",
        names.RESPONSE_FINISH_REASONS: ["stop"],
        names.USAGE_INPUT_TOKENS: 11,
        names.USAGE_OUTPUT_TOKENS: 7,
        names.USAGE_CACHE_READ_INPUT_TOKENS: 4,
    }
    check_everything(telemetry)


async def test_a_whole_stream(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    async with model_request_stream(canned(), TURNS, model_settings=SETTINGS) as events:
        assert [event async for event in events]
    shown = telemetry.attributes()
    said = content_of(shown)
    assert said[names.INPUT_MESSAGES] == SAID
    assert said[names.OUTPUT_MESSAGES][0]["parts"] == [{"type": "text", "content": "Cold."}]
    assert shown.pop(names.USAGE_OUTPUT_TOKENS) > 0
    shown.pop(names.USAGE_INPUT_TOKENS, None)
    assert shown == {**ASKED, names.REQUEST_STREAM: True}
    check_everything(telemetry)


async def test_a_stream_that_is_left_is_closed(telemetry: Telemetry) -> None:
    telemetry.instrument()
    async with model_request_stream(canned(), TURNS) as events:
        async for _event in events:
            break
    assert ending(telemetry.span()) == ("closed", None)


async def test_an_error_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(ConnectionError):
        await model_request(canned(error=ConnectionError(CANARY)), TURNS)
    with pytest.raises(ConnectionError):
        async with model_request_stream(canned(error=ConnectionError(CANARY)), TURNS) as events:
            assert [event async for event in events]
    assert [ending(span) for span in telemetry.spans()] == [("error", "ConnectionError")] * 2
    assert CANARY not in telemetry.everything()


async def test_one_over_a_recorded_client_gives_way(telemetry: Telemetry) -> None:
    telemetry.instrument()
    await model_request(openai_run(streamed=False), TURNS)
    async with model_request_stream(openai_run(streamed=True), TURNS) as events:
        assert [event async for event in events]
    assert tree(telemetry) == ["chat gpt-4o"] * 2


class Own(WrapperModel):
    """A model of the application's own."""

    request, request_stream = WrapperModel.request, WrapperModel.request_stream  # type: ignore[assignment]


@pytest.mark.parametrize("wrap", [WrapperModel, Own])
async def test_a_model_around_another_is_no_second_call(telemetry: Telemetry, wrap: type[WrapperModel]) -> None:
    model: Model = wrap(wrap(canned()))
    telemetry.instrument()
    await Agent(model, name="forecaster").run("hi", message_history=TURNS)
    assert tree(telemetry) == [("invoke_agent forecaster", ["chat canned-1"])]


async def test_a_model_of_ones_own_class_is_recorded_inside_an_agent(telemetry: Telemetry) -> None:
    class Bare(Model):
        model_name, system = "bare-1", "bare"

        async def request(self, *_args: Any) -> ModelResponse:
            return ModelResponse([TextPart("Cold.")])

    telemetry.instrument(content=BOTH)
    await Agent(Bare(), name="forecaster").run("hi")
    assert tree(telemetry) == [("invoke_agent forecaster", ["chat bare-1"])]
    (call,) = [span for span in telemetry.spans() if span.name == "chat bare-1"]
    assert names.USAGE_INPUT_TOKENS not in (call.attributes or {})
    check_everything(telemetry)


async def test_embeddings(telemetry: Telemetry) -> None:
    telemetry.instrument(content=BOTH)
    result = await Embedder(CannedEmbeddings("canned-2", dimensions=3)).embed_query(["one", "two"])
    shown = telemetry.attributes()
    assert shown.pop(names.USAGE_INPUT_TOKENS) == result.usage.input_tokens
    assert shown == {
        names.OPERATION_NAME: "embeddings",
        names.PROVIDER_NAME: "test",
        names.REQUEST_MODEL: "canned-2",
        names.RESPONSE_MODEL: result.model_name,
        names.EMBEDDINGS_DIMENSION_COUNT: 3,
        **({names.RESPONSE_ID: result.provider_response_id} if result.provider_response_id else {}),
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


async def test_embeddings_over_a_recorded_client(telemetry: Telemetry) -> None:
    own = client(answering(json_response(EMBEDDINGS_REPLY)), openai.AsyncOpenAI)
    model = OpenAIEmbeddingModel("text-embedding-3-small", provider=OpenAIProvider(openai_client=own))
    telemetry.instrument()
    await Embedder(model).embed_documents("one")
    assert tree(telemetry) == ["embeddings text-embedding-3-small"]
    assert telemetry.attributes()[names.SERVER_ADDRESS] == "api.openai.com"
