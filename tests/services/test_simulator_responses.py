"""The simulator's responses and embeddings, judged by the real openai client."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI
from pydantic import BaseModel

INSTRUCTIONS = """Answer from the passages.

[1] How long a claim takes
Most claims are settled within ten working days."""
QUESTION = "How long does a claim take?"
WEATHER: list[Any] = [
    {
        "type": "function",
        "name": "weather",
        "strict": True,
        "parameters": {"type": "object", "properties": {"unit": {"enum": ["celsius", "kelvin"]}}},
    }
]


@pytest.fixture
async def client(simulator: Any) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="k", max_retries=0) as made:
        yield made


async def test_reply_holds_text_usage_and_what_was_asked(client: AsyncOpenAI) -> None:
    reply = await client.responses.create(model="sim-small", instructions=INSTRUCTIONS, input=QUESTION, temperature=0.3)
    assert reply.output_text == "Most claims are settled within ten working days. [1]"
    assert reply.status == "completed"
    assert (reply.instructions, reply.temperature) == (INSTRUCTIONS, 0.3)
    assert reply.usage is not None
    assert reply.usage.total_tokens == reply.usage.input_tokens + reply.usage.output_tokens


async def test_stream_announces_delivers_and_completes_in_numbered_order(client: AsyncOpenAI) -> None:
    events = [
        event
        async for event in await client.responses.create(
            model="m", instructions=INSTRUCTIONS, input=[{"role": "user", "content": QUESTION}], stream=True
        )
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    kinds = [event.type for event in events if event.type != "response.output_text.delta"]
    assert kinds == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    final = events[-1]
    assert final.type == "response.completed"
    assert final.response.output_text == text != ""
    assert final.response.usage is not None


async def test_stream_helper_rebuilds_the_response(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model="m", instructions=INSTRUCTIONS, input=QUESTION) as stream:
        async for _ in stream:
            pass
        final = await stream.get_final_response()
    assert final.output_text.startswith("Most claims")


async def test_function_is_called_whole_and_streamed_until_its_output_is_there(client: AsyncOpenAI) -> None:
    called = await client.responses.create(model="m", input=QUESTION, tools=WEATHER)
    (call,) = called.output
    assert call.type == "function_call"
    assert json.loads(call.arguments) == {"unit": "celsius"}
    async with client.responses.stream(model="m", input=QUESTION, tools=WEATHER) as stream:
        final = await stream.get_final_response()
    assert [item.type for item in final.output] == ["function_call"]
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "warm"}
    answered = await client.responses.create(
        model="m", input=[{"role": "user", "content": QUESTION}, output], tools=WEATHER
    )
    assert [item.type for item in answered.output] == ["message"]


class Verdict(BaseModel):
    answer: str


async def test_parse_helper_gets_an_instance_of_its_schema(client: AsyncOpenAI) -> None:
    reply = await client.responses.parse(model="m", instructions=INSTRUCTIONS, input=QUESTION, text_format=Verdict)
    assert reply.output_parsed is not None
    assert reply.output_parsed.answer.startswith("Most claims")


async def test_cut_answer_is_incomplete_and_says_why(client: AsyncOpenAI) -> None:
    reply = await client.responses.create(model="m", instructions=INSTRUCTIONS, input=QUESTION, max_output_tokens=16)
    assert reply.status == "completed"
    reply = await client.responses.create(model="m", instructions=INSTRUCTIONS, input=QUESTION, max_output_tokens=3)
    assert reply.status == "incomplete"
    assert reply.incomplete_details is not None
    assert reply.incomplete_details.reason == "max_output_tokens"


async def test_azure_path_is_served(simulator: Any) -> None:
    async with AsyncAzureOpenAI(azure_endpoint=simulator.url, api_key="k", api_version="2025-04-01-preview") as azure:
        reply = await azure.responses.create(model="d", instructions=INSTRUCTIONS, input=QUESTION)
    assert reply.output_text.startswith("Most claims")


async def test_embeddings_have_the_asked_dimensions_and_unit_length(client: AsyncOpenAI) -> None:
    reply = await client.embeddings.create(model="sim-embedding", input=["a claim", "a card"], dimensions=64)
    assert [item.index for item in reply.data] == [0, 1]
    for item in reply.data:
        assert len(item.embedding) == 64
        assert sum(value * value for value in item.embedding) == pytest.approx(1, abs=1e-5)
    assert reply.usage.prompt_tokens == 4


async def test_embeddings_are_the_same_in_either_encoding_and_near_for_like_texts(client: AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model="m", input="settle my claim")
    floats = await client.embeddings.create(model="m", input="settle my claim", encoding_format="float")
    assert packed.data[0].embedding == pytest.approx(floats.data[0].embedding, abs=1e-6)
    reply = await client.embeddings.create(
        model="m", input=["settle my claim", "settle a claim today", "vaccinations abroad"]
    )
    asked, like, unlike = (item.embedding for item in reply.data)
    assert _cosine(asked, like) > _cosine(asked, unlike)


async def test_embeddings_take_token_lists(client: AsyncOpenAI) -> None:
    assert len((await client.embeddings.create(model="m", input=[1, 2, 3])).data) == 1
    assert len((await client.embeddings.create(model="m", input=[[1, 2], [3]])).data) == 2


def _cosine(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
