"""How the simulator behaves: timing, faults and their seeded draws; knows no protocol."""

import hashlib
import random
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, NonNegativeFloat, PositiveFloat, model_validator

from throughline_services.simulator.limits import Left, Limit, Limiter
from throughline_services.simulator.models import profile

BYTES_PER_TOKEN = 4  # what a provider reckons before it reads a prompt


class Outcome(StrEnum):
    """What becomes of one request."""

    OK = "200"
    RATE_LIMIT = "429"
    SERVER_ERROR = "500"
    TIMEOUT = "timeout"
    CONTENT_FILTER = "content_filter"
    DISCONNECT = "disconnect"


FAULTS = {
    "rate_limit": Outcome.RATE_LIMIT,
    "server_error": Outcome.SERVER_ERROR,
    "timeout": Outcome.TIMEOUT,
    "content_filter": Outcome.CONTENT_FILTER,
    "disconnect": Outcome.DISCONNECT,
}


def _outcome(name: object) -> object:
    return FAULTS.get(str(name), name) if not isinstance(name, int) else str(name)


def _faults(given: object) -> object:
    """From `rate_limit=0.05,server_error=0.02` as flag or variable, or a JSON object as it is."""
    if not isinstance(given, str):
        return given
    pairs = [pair.partition("=") for pair in given.split(",") if pair.strip()]
    return {name.strip(): share for name, _, share in pairs}


Share = Annotated[float, Field(ge=0, le=1)]
Faults = Annotated[dict[str, Share], BeforeValidator(_faults)]


class Behaviour(BaseModel):
    """Seconds are medians of a model of speed 1; `next` is used up before any fault is drawn."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = 0
    latency: NonNegativeFloat = 0.15
    first_chunk: NonNegativeFloat = 0.1
    inter_chunk: NonNegativeFloat = 0.012
    hang: NonNegativeFloat = 600.0
    limit: Limit = Field(default_factory=Limit)
    slow: dict[str, PositiveFloat] = Field(default_factory=dict)
    """By model, how many times as long as usual anybody waits until it begins to answer."""
    fault: Faults = Field(default_factory=dict)
    next: list[Annotated[Outcome, BeforeValidator(_outcome)]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if unknown := self.fault.keys() - FAULTS.keys():
            raise ValueError(f"unknown fault {', '.join(sorted(unknown))}: use {', '.join(FAULTS)}")
        if sum(self.fault.values()) > 1:
            raise ValueError("the shares of all faults exceed 1")
        return self


@dataclass(frozen=True, slots=True)
class Fate:
    """One request's outcome, the random numbers of its timing and text, and where what is seen is counted."""

    outcome: Outcome
    random: random.Random
    behaviour: Behaviour
    seen: Counter[str]
    left: Left

    def until_it_begins(self, median: float, model: str) -> float:
        """Seconds of what comes before the first chunk, whether that is delivered alone or with all others."""
        return self.seconds(median, profile(model).speed) * self.behaviour.slow.get(model, 1.0)

    def seconds(self, median: float, speed: float) -> float:
        """Around the median, skewed to the slow side as real latencies are."""
        return median / speed * self.random.lognormvariate(0, 0.3) if median else 0.0


class Oracle:
    """Draws fates. A request's fate depends on the seed, its body and how often that body came, not on the order."""

    REMEMBERED = 100_000

    def __init__(self, behaviour: Behaviour) -> None:
        self.seen: Counter[str] = Counter()
        self._bodies: Counter[bytes] = Counter()
        self._limiter = Limiter()
        self.behave(behaviour)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on; what was seen before is forgotten, so that the same seed gives the same again."""
        if behaviour.limit != getattr(self, "behaviour", behaviour).limit:
            self._limiter = Limiter()
        self.behaviour = behaviour
        self._forced = deque(behaviour.next)
        self._bodies.clear()

    def draw(self, body: bytes, model: str = "") -> Fate:
        if len(self._bodies) >= self.REMEMBERED:
            self._bodies.clear()
        digest = hashlib.sha256(body).digest()
        self._bodies[digest] += 1
        numbers = random.Random(f"{self.behaviour.seed}:{digest.hex()}:{self._bodies[digest]}")  # noqa: S311  # a simulation
        drawn = self._drawn(numbers)
        outcome = self._forced.popleft() if self._forced else drawn
        left = self._limiter.take(model, len(body) // BYTES_PER_TOKEN, self.behaviour.limit)
        outcome = Outcome.RATE_LIMIT if left.exceeded else outcome
        self.seen[outcome.value] += 1
        return Fate(outcome, numbers, self.behaviour, self.seen, left)

    def _drawn(self, numbers: random.Random) -> Outcome:
        point = numbers.random()
        for name, outcome in FAULTS.items():
            point -= self.behaviour.fault.get(name, 0.0)
            if point < 0:
                return outcome
        return Outcome.OK
