"""The simulator's chat completions, judged by the real openai clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, OpenAI
from pydantic import BaseModel

PASSAGES = """Answer from the passages.

[1] How long a claim takes
Most claims are settled within ten working days. The portal shows the state of every claim.

[2] Lost member card
Block a lost card at once in the app."""
ASKED: list[Any] = [
    {"role": "system", "content": PASSAGES},
    {"role": "user", "content": "How long does a claim take?"},
]
WEATHER: list[Any] = [
    {
        "type": "function",
        "function": {
            "name": "weather",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 3}},
                "required": ["city"],
            },
        },
    }
]


@pytest.fixture
async def client(simulator: Any) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="k", max_retries=0) as made:
        yield made


async def test_answer_is_made_of_the_passages_that_fit_and_cites_them(client: AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="sim-small", messages=ASKED)
    assert reply.choices[0].message.content == (
        "Most claims are settled within ten working days. [1] The portal shows the state of every claim. [1]"
    )
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "sim-small"


async def test_question_beyond_the_passages_is_declined(client: AsyncOpenAI) -> None:
    asked = [ASKED[0], {"role": "user", "content": "Who won yesterday's football match?"}]
    reply = await client.chat.completions.create(model="sim-small", messages=asked)
    assert "could not find" in (reply.choices[0].message.content or "")


async def test_usage_counts_cached_in_input_and_reasoning_in_output(client: AsyncOpenAI) -> None:
    long = [{"role": "system", "content": PASSAGES * 20}, ASKED[1]]
    replies = [
        await client.chat.completions.create(model="sim-reasoning", messages=long, seed=number)  # type: ignore[arg-type]
        for number in range(12)
    ]
    usages = [reply.usage for reply in replies if reply.usage]
    assert len(usages) == 12
    for usage in usages:
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        assert usage.completion_tokens_details is not None
        assert usage.prompt_tokens_details is not None
        assert 0 < (usage.completion_tokens_details.reasoning_tokens or 0) < usage.completion_tokens
        assert (usage.prompt_tokens_details.cached_tokens or 0) <= usage.prompt_tokens
    assert {bool(usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) for usage in usages} == {
        True,
        False,
    }


async def test_stream_adds_up_to_the_reply_and_ends_with_usage_only_when_asked(client: AsyncOpenAI) -> None:
    whole = await client.chat.completions.create(model="sim-small", messages=ASKED)
    chunks = [
        chunk
        async for chunk in await client.chat.completions.create(
            model="sim-small", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    ]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1].choices == []
    assert whole.usage is not None
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    plain = [c async for c in await client.chat.completions.create(model="m", messages=ASKED, stream=True)]
    assert all(chunk.usage is None and chunk.choices for chunk in plain)
    assert plain[-1].choices[0].finish_reason == "stop"


async def test_stream_helper_rebuilds_the_message(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="sim-small", messages=ASKED) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_completion()
    assert "content.done" in kinds
    assert (final.choices[0].message.content or "").startswith("Most claims are settled")


async def test_tools_are_called_with_arguments_that_fit_until_their_result_is_there(client: AsyncOpenAI) -> None:
    called = await client.chat.completions.create(model="m", messages=ASKED, tools=WEATHER)
    (call,) = called.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "How long does a claim take?", "days": 3}
    assert called.choices[0].finish_reason == "tool_calls"
    answered = [
        *ASKED,
        called.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny"},
    ]
    reply = await client.chat.completions.create(model="m", messages=answered, tools=WEATHER)
    assert reply.choices[0].finish_reason == "stop"


async def test_streamed_tool_call_adds_up(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="m", messages=ASKED, tools=WEATHER) as stream:
        final = await stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments)["days"] == 3


@pytest.mark.parametrize(("choice", "reason"), [("none", "stop"), ("required", "tool_calls")])
async def test_tool_choice_is_honoured(client: AsyncOpenAI, choice: Any, reason: str) -> None:
    reply = await client.chat.completions.create(model="m", messages=ASKED, tools=WEATHER, tool_choice=choice)
    assert reply.choices[0].finish_reason == reason


class Verdict(BaseModel):
    answer: str
    certain: bool
    sources: list[int]


async def test_parse_helper_gets_an_instance_of_its_schema(client: AsyncOpenAI) -> None:
    reply = await client.chat.completions.parse(model="m", messages=ASKED, response_format=Verdict)
    parsed = reply.choices[0].message.parsed
    assert parsed is not None
    assert parsed.answer.startswith("Most claims")
    assert parsed.sources == [1]


async def test_json_mode_answers_with_json(client: AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="m", messages=ASKED, response_format={"type": "json_object"})
    assert json.loads(reply.choices[0].message.content or "")["answer"].startswith("Most claims")


async def test_several_choices_differ_and_stream_by_their_index(client: AsyncOpenAI) -> None:
    reply = await client.chat.completions.create(model="sim-large", messages=ASKED, n=2)
    assert [choice.index for choice in reply.choices] == [0, 1]
    chunks = [c async for c in await client.chat.completions.create(model="m", messages=ASKED, n=2, stream=True)]
    finished = [choice.index for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert finished == [0, 1]


async def test_token_limit_and_stop_sequence_cut_the_answer(client: AsyncOpenAI) -> None:
    cut = await client.chat.completions.create(model="m", messages=ASKED, max_completion_tokens=5)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 5
    stopped = await client.chat.completions.create(model="m", messages=ASKED, stop="working")
    assert stopped.choices[0].message.content == "Most claims are settled within ten "


async def test_azure_client_is_answered_with_filter_results_and_an_empty_first_chunk(simulator: Any) -> None:
    async with AsyncAzureOpenAI(azure_endpoint=simulator.url, api_key="k", api_version="2025-04-01-preview") as azure:
        reply = await azure.chat.completions.create(model="my-deployment", messages=ASKED)
        chunks = [c async for c in await azure.chat.completions.create(model="d", messages=ASKED, stream=True)]
        vectors = await azure.embeddings.create(model="e", input="claim")
    assert reply.model == "my-deployment"
    assert reply.choices[0].to_dict()["content_filter_results"]
    assert chunks[0].choices == []
    assert len(vectors.data[0].embedding) == 256


async def test_synchronous_client_is_served_alike(simulator: Any) -> None:
    def ask() -> str:
        with OpenAI(base_url=f"{simulator.url}/v1", api_key="k") as client:
            models = [model.id for model in client.models.list()]
            assert "sim-small" in models
            with client.chat.completions.create(model="m", messages=ASKED, stream=True) as stream:
                return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert (await asyncio.to_thread(ask)).startswith("Most claims")


async def test_missing_or_wrong_parameters_are_named(simulator: Any, client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="messages"):
        await client.chat.completions.create(model="m", messages=[])
    with pytest.raises(openai.BadRequestError, match="messages"):
        await client.chat.completions.create(model="m", messages="text")  # type: ignore[call-overload]
    with pytest.raises(openai.AuthenticationError):
        await client.with_options(api_key="invalid").chat.completions.create(model="m", messages=ASKED)
    assert await simulator.seen() == {"200": 1}, "only the well-formed envelope counts as a request"
