"""The simulator's seeded draws, faults and control; each fault as the real openai client meets it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from throughline_services.simulator.behaviour import Behaviour, Oracle, Outcome
from throughline_services.simulator.limits import Limit, Limiter

ASKED: list[Any] = [{"role": "user", "content": "How long does a claim take? canary-7431"}]


@pytest.fixture
async def client(simulator: Any) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{simulator.url}/v1", api_key="k", max_retries=0) as made:
        yield made


async def test_rate_limit_tells_when_to_retry_and_what_is_left(simulator: Any, client: AsyncOpenAI) -> None:
    await simulator.control(next=["429"])
    with pytest.raises(openai.RateLimitError) as refused:
        await client.chat.completions.create(model="m", messages=ASKED)
    headers = refused.value.response.headers
    assert headers["retry-after"] == "1"
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert refused.value.code == "rate_limit_exceeded"


async def test_forced_outcomes_are_used_up_in_order(simulator: Any, client: AsyncOpenAI) -> None:
    await simulator.control(next=["429", 429, "200", "server_error"])
    reply = await client.with_options(max_retries=2).chat.completions.create(model="m", messages=ASKED)
    assert reply.choices
    with pytest.raises(openai.InternalServerError):
        await client.chat.completions.create(model="m", messages=ASKED)
    await client.chat.completions.create(model="m", messages=ASKED)
    assert await simulator.seen() == {"429": 2, "200": 2, "500": 1}


async def test_headers_of_a_good_reply_name_the_request_and_the_limits(client: AsyncOpenAI) -> None:
    raw = await client.chat.completions.with_raw_response.create(model="m", messages=ASKED)
    assert raw.headers["x-request-id"].startswith("req_")
    assert 0 < int(raw.headers["x-ratelimit-remaining-requests"]) < int(raw.headers["x-ratelimit-limit-requests"])
    assert 0 < int(raw.headers["x-ratelimit-remaining-tokens"]) < int(raw.headers["x-ratelimit-limit-tokens"])


@pytest.mark.parametrize(("refuses", "then"), [(True, openai.RateLimitError), (False, None)])
async def test_a_limit_is_set_while_it_runs_and_a_model_that_reaches_it_has_nothing_left(
    simulator: Any, client: AsyncOpenAI, refuses: bool, then: type[Exception] | None
) -> None:
    await simulator.control(limit={"requests": 2, "tokens": 10_000, "seconds": 3600, "refuses": refuses})
    create = client.chat.completions.with_raw_response.create
    left = [(await create(model="m", messages=ASKED)).headers["x-ratelimit-remaining-requests"] for _ in range(2)]
    assert left == ["1", "0"]
    if then is None:
        assert (await create(model="m", messages=ASKED)).headers["x-ratelimit-remaining-requests"] == "0"
    else:
        with pytest.raises(then) as refused:
            await create(model="m", messages=ASKED)
        assert refused.value.response.headers["x-ratelimit-remaining-requests"] == "0"  # type: ignore[attr-defined]
    other = await create(model="another", messages=ASKED)
    assert other.headers["x-ratelimit-remaining-requests"] == "1"


def test_what_was_used_comes_back_evenly_and_what_was_refused_uses_nothing() -> None:
    now = [0.0]
    limiter, limit = Limiter(lambda: now[0]), Limit(requests=10, tokens=1_000, seconds=60, refuses=True)

    def take(tokens: int) -> tuple[int, int, bool]:
        left = limiter.take("m", tokens, limit)
        return left.requests, left.tokens, left.exceeded

    assert [take(300), take(300)] == [(9, 700, False), (8, 400, False)]
    assert take(500) == (8, 400, True)
    now[0] = 12.0  # a fifth of all is back: two requests and 200 tokens
    assert take(100) == (9, 500, False)
    now[0] = 600.0
    assert take(0) == (9, 1_000, False)


def test_a_slow_model_takes_so_many_times_as_long_to_begin_and_no_other_does() -> None:
    usual, slow = Behaviour(), Behaviour(slow={"sim-large": 8})

    def begins(behaviour: Behaviour, model: str) -> float:
        return Oracle(behaviour).draw(b"the same").until_it_begins(0.1, model)

    assert begins(slow, "sim-large") == pytest.approx(8 * begins(usual, "sim-large"))
    assert begins(slow, "sim-small") == begins(usual, "sim-small")
    with pytest.raises(ValueError, match="greater than 0"):
        Behaviour(slow={"sim-large": 0})


@pytest.mark.parametrize("stream", [False, True])
async def test_both_ways_of_answering_wait_for_a_slow_model(simulator: Any, client: AsyncOpenAI, stream: bool) -> None:
    await simulator.control(latency=0.01, first_chunk=0.01, inter_chunk=0, slow={"m": 20})
    began = monotonic()
    if stream:
        await _receive(client, True, [])
    else:
        await client.chat.completions.create(model="m", messages=ASKED)
    assert monotonic() - began > 0.2  # 0.4 by the median, and by this seed near it


async def test_timeout_hangs_until_the_client_gives_up(simulator: Any, client: AsyncOpenAI) -> None:
    await simulator.control(next=["timeout"])
    with pytest.raises(openai.APITimeoutError):
        await client.chat.completions.create(model="m", messages=ASKED, timeout=0.2)


@pytest.mark.parametrize("stream", [True, False])
async def test_content_filter_cuts_the_answer_and_says_so(simulator: Any, client: AsyncOpenAI, stream: bool) -> None:
    await simulator.control(next=["content_filter"])
    if not stream:
        reply = await client.chat.completions.create(model="m", messages=ASKED)
        assert reply.choices[0].finish_reason == "content_filter"
        return
    chunks = [c async for c in await client.chat.completions.create(model="m", messages=ASKED, stream=True)]
    assert chunks[-1].choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize("stream", [True, False])
async def test_disconnect_breaks_the_reply_off(simulator: Any, client: AsyncOpenAI, stream: bool) -> None:
    await simulator.control(next=["disconnect"])
    received: list[Any] = []
    with pytest.raises(openai.APIConnectionError):
        await _receive(client, stream, received)
    assert received or not stream, "a stream breaks off in its middle, not before it began"


async def _receive(client: AsyncOpenAI, stream: bool, received: list[Any]) -> None:
    async for chunk in await client.chat.completions.create(model="m", messages=ASKED, stream=stream):
        received += [chunk]


async def test_reader_who_leaves_a_stream_ends_it(simulator: Any, client: AsyncOpenAI) -> None:
    await simulator.control(inter_chunk=30)
    stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
    async with stream:
        async for _ in stream:
            break
    await simulator.until_seen("left")


async def test_control_refuses_what_it_does_not_know_and_keeps_the_rest(simulator: Any) -> None:
    await simulator.control(latency=0.25, fault={"rate_limit": 0.5})
    for wrong in ({"fault": {"flood": 1}}, {"latency": -1}, {"speed": 3}, {"next": ["418"]}):
        refused = await simulator.http.put(f"{simulator.url}/control", json=wrong)
        assert refused.status_code == 400
        assert refused.json()["error"]
    assert (await simulator.http.put(f"{simulator.url}/control", content="[")).status_code == 400
    behaviour = (await simulator.http.get(f"{simulator.url}/control")).json()["behaviour"]
    assert (behaviour["latency"], behaviour["fault"]) == (0.25, {"rate_limit": 0.5})


def test_fates_depend_on_seed_and_body_and_not_on_the_order() -> None:
    bodies = [f"body {number}".encode() for number in range(40)]

    def drawn(seed: int, order: list[bytes]) -> dict[bytes, tuple[Outcome, float]]:
        oracle = Oracle(Behaviour(seed=seed, fault={"rate_limit": 0.3, "server_error": 0.3}))
        return {body: (fate.outcome, fate.seconds(1, 1)) for body in order if (fate := oracle.draw(body))}

    assert drawn(7, bodies) == drawn(7, bodies[::-1])
    assert drawn(7, bodies) != drawn(8, bodies)


def test_same_body_again_has_another_fate_so_that_a_retry_can_succeed() -> None:
    oracle = Oracle(Behaviour(fault={"rate_limit": 0.5}))
    assert {oracle.draw(b"the same").outcome for _ in range(40)} == {Outcome.OK, Outcome.RATE_LIMIT}


def test_faults_come_in_their_shares() -> None:
    oracle = Oracle(Behaviour.model_validate({"fault": "rate_limit=0.2, server_error=0.1,content_filter=0.05"}))
    drawn = Counter(oracle.draw(str(number).encode()).outcome for number in range(4000))
    assert drawn[Outcome.RATE_LIMIT] == pytest.approx(800, rel=0.2)
    assert drawn[Outcome.SERVER_ERROR] == pytest.approx(400, rel=0.2)
    assert drawn[Outcome.CONTENT_FILTER] == pytest.approx(200, rel=0.3)
    assert Outcome.TIMEOUT not in drawn


async def test_same_seed_gives_the_same_replies_after_a_reset(simulator: Any, client: AsyncOpenAI) -> None:
    await simulator.control(seed=3)
    first = await client.chat.completions.create(model="m", messages=ASKED)
    await simulator.control(seed=3)
    assert await client.chat.completions.create(model="m", messages=ASKED) == first
    assert (await client.chat.completions.create(model="m", messages=ASKED)).id != first.id


async def test_prompts_are_never_logged(simulator: Any, client: AsyncOpenAI, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG, logger="throughline_services"),
        caplog.at_level(logging.DEBUG, logger="uvicorn"),
    ):
        await simulator.control(next=["200", "500", "content_filter", "disconnect"])
        for _ in range(4):
            try:
                await client.chat.completions.create(model="m", messages=ASKED)
            except openai.APIError:
                continue
    assert "canary-7431" not in caplog.text
