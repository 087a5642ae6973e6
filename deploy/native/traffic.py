"""What the demo asks of the gateway: over a hundred people, their questions, slips and ratings; judges nothing."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import httpx

from native import planted

SEED: Final = 34  # of some whose draw of moods comes near what is planted
PEOPLE: Final = 130
AT_ONCE: Final = 32  # most of the time an answer is waited for
STREAMED: Final = 0.5
PERSONAL: Final = 0.12
ABOUT_A_CLAIM: Final = 0.1
CLAIMS: Final = range(4711, 4719)
"""Numbers of claims that are asked for: two of these the desk's tool cannot read, one there is not."""
FAULTS: Final = {"rate_limit": 0.04, "server_error": 0.02, "content_filter": 0.03, "disconnect": 0.01}
FORCED_FAILURES: Final = len(planted.REFUSALS) * planted.REFUSED_OF_EACH
ATTEMPTS: Final = 3  # of the LLM caller's client, so many refusals in a row make a failed request

MODELS: Final = {"sim-small": 0.74, "sim-large": 0.18, "sim-reasoning": 0.08}
QUESTIONS: Final = (
    "How do I send in a claim?",
    "How long does a claim take?",
    "What is the deadline for claims?",
    "My invoice shows no diagnosis. What happens now?",
    "How do I object to a decision?",
    "I lost my member card. What should I do?",
    "When does a new card come?",
    "Can I use the card abroad?",
    "Is a second opinion covered?",
    "What does the dental plan pay for a crown?",
    "How do I add my newborn to the policy?",
    "Do you pay for glasses, and how often?",
    "How can I change my bank account with you?",
    "How do I cancel my policy, and by when?",
    "What may you do with my health data?",
    "Who may see my documents in the portal?",
    "How do I get a hospital stay approved?",
    "Which costs of a psychotherapist do you pay?",
    "Is there a lower premium for students?",
    "What is the weather on Mars?",
    planted.UNANSWERABLE,
)
SLIPS: Final = (
    "You can reach me at {first}.{last}@example.org.",
    "My card is 4111 1111 1111 1111, if you need it.",
    "Please call me on +44 20 7946 0958.",
    "My IBAN is DE89 3704 0044 0532 0130 00.",
)
CANARIES: Final = ("@example.org", "4111 1111 1111 1111", "7946 0958", "DE89 3704")
"""What must be found nowhere in the stores: a piece of each slip."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to the gateway."""

    question: str
    user_id: str
    session_id: str
    conversation_id: str
    model: str
    streamed: bool
    mood: float | None = None
    """In which the answer is rated; None: it is not."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one request: its trace, the reason that the gateway gave for a failure, or the answer."""

    ask: Ask
    trace_id: str
    reason: str | None = None
    answer: str = ""
    prompt: Mapping[str, str] = field(default_factory=dict)
    """Its name, version and variant, as the answer tells them."""

    @property
    def is_rated(self) -> bool:
        """Whether somebody says what he thinks of it."""
        return self.ask.mood is not None and bool(self.answer)


def plan(count: int, run_id: str, seed: int = SEED) -> list[Ask]:
    """The same requests for the same seed; `run_id` starts every session id, so that they can be counted later."""
    dice = random.Random(seed)  # noqa: S311 - traffic, not secrets
    return [_ask(dice, number, run_id) for number in range(count)]


def _ask(dice: random.Random, number: int, run_id: str) -> Ask:
    person = dice.randrange(PEOPLE)
    user = planted.LEAVER if number < planted.LEAVER_ASKS else f"member-{person:03}"
    session = f"{run_id}-{user}"
    question = dice.choice(QUESTIONS)
    if dice.random() < ABOUT_A_CLAIM:
        question = f"Where is my claim {dice.choice(CLAIMS)}?"
    if dice.random() < PERSONAL:
        question += " " + dice.choice(SLIPS).format(first="ada", last=f"user{person}")
    return Ask(
        question,
        user,
        session,
        conversation_id=f"{session}-{number}",
        model=dice.choices(list(MODELS), list(MODELS.values()))[0],
        streamed=dice.random() < STREAMED,
        mood=mood / planted.RATED if (mood := dice.random()) < planted.RATED else None,
    )


async def drive(gateway: str, simulator: str, asks: Sequence[Ask], done: Callable[[Outcome], None]) -> list[Outcome]:
    """Send all, some dozens at once, then some that the model refuses for sure; `done` is told of each."""
    limits, timeout = httpx.Limits(max_connections=AT_ONCE), httpx.Timeout(120)
    async with httpx.AsyncClient(base_url=gateway, limits=limits, timeout=timeout, trust_env=False) as client:
        slow = {"inter_chunk": planted.INTER_CHUNK, "slow": {planted.SLOW_MODEL: planted.SLOW_BY}}
        await _control(client, simulator, {"fault": FAULTS, "seed": SEED, "next": [], **slow})
        places = asyncio.Semaphore(AT_ONCE)

        async def send(ask: Ask) -> Outcome:
            async with places:
                outcome = await _send(client, ask)
                if outcome.is_rated:
                    await _rate(client, outcome)
            done(outcome)
            return outcome

        outcomes = await asyncio.gather(*(send(ask) for ask in asks[:-FORCED_FAILURES]))
        refused = iter(asks[-FORCED_FAILURES:])
        for refusal in planted.REFUSALS:  # which one gets which of these does not matter: all get it
            some = list(islice(refused, planted.REFUSED_OF_EACH))
            await _control(client, simulator, {"next": [refusal] * ATTEMPTS * len(some)})
            outcomes += await asyncio.gather(*(send(ask) for ask in some))
        return outcomes


async def requests_seen(simulator: str) -> int:
    """How many HTTP requests the model has got so far, the client's own retries included."""
    async with httpx.AsyncClient(trust_env=False) as client:
        seen: dict[str, int] = (await client.get(f"{simulator}/control")).raise_for_status().json()["seen"]
        return sum(seen.values())


async def _control(client: httpx.AsyncClient, simulator: str, settings: dict[str, Any]) -> None:
    (await client.put(f"{simulator}/control", json=settings)).raise_for_status()


async def _send(client: httpx.AsyncClient, ask: Ask) -> Outcome:
    body = {name: getattr(ask, name) for name in ("question", "user_id", "session_id", "conversation_id", "model")}
    if ask.streamed:
        return _outcome(ask, await _last_event(client, body))
    return _outcome(ask, (await client.post("/v1/ask", json=body)).json())


async def _last_event(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    """The last event is the answer or an error; either names the trace."""
    last: dict[str, Any] = {}
    async with client.stream("POST", "/v1/ask", json=body, headers={"accept": "text/event-stream"}) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data:") and "trace_id" in (event := json.loads(line[5:])):
                last = event
    return last


def _outcome(ask: Ask, told: dict[str, Any]) -> Outcome:
    reason = told.get("error", {}).get("reason")
    return Outcome(ask, told["trace_id"], reason, told.get("answer", ""), told.get("prompt", {}))


async def _rate(client: httpx.AsyncClient, outcome: Outcome) -> None:
    """As a page's thumbs do: with the trace and the prompt that the answer named."""
    thumb = planted.thumb(outcome.answer, outcome.ask.mood or 0.0)
    rating = {"trace_id": outcome.trace_id, "thumb": thumb, "prompt": dict(outcome.prompt)}
    (await client.post("/v1/ratings", json=rating)).raise_for_status()
