"""What a simulated model says to a request, whatever protocol it came by."""

import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from throughline_services.simulator.answers import answer
from throughline_services.simulator.behaviour import Fate, Outcome
from throughline_services.simulator.models import profile
from throughline_services.simulator.schema import instance
from throughline_services.simulator.tokens import PIECE


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the caller offers."""

    name: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """The part of a request that decides what is said."""

    model: str
    instructions: Sequence[str]
    question: str
    prompt: Any
    tools: Sequence[Tool] = ()
    schema: Mapping[str, Any] | None = None
    max_tokens: int | None = None
    stop: Sequence[str] = ()
    choices: int = 1
    told: str = ""
    """What a tool said just now."""


@dataclass(frozen=True, slots=True)
class Generated:
    """One choice: text, or a call of a tool."""

    text: str
    finish_reason: str
    tool: Tool | None = None
    arguments: str = ""

    @property
    def output(self) -> str:
        return self.arguments if self.tool else self.text

    def pieces(self) -> list[str]:
        """As a stream carries them: words with the space behind them."""
        return re.findall(r"\s*\S+\s*", self.output) or [self.output]


def generate(request: Request, fate: Fate) -> list[Generated]:
    return [_choice(request, fate, number) for number in range(request.choices)]


def _choice(request: Request, fate: Fate, number: int) -> Generated:
    if request.tools:
        tool = request.tools[0]
        return Generated("", "tool_calls", tool, json.dumps(instance(tool.parameters, request.question)))
    sentences = max(1, profile(request.model).sentences - number)
    text = request.told or answer(request.instructions, request.question, sentences)
    if request.schema is not None:
        text = json.dumps(instance(request.schema, text), ensure_ascii=False)
    return _cut(text, request, fate.outcome is Outcome.CONTENT_FILTER)


def _cut(text: str, request: Request, filtered: bool) -> Generated:
    for mark in request.stop:
        text = text.partition(mark)[0]
    if filtered:
        return Generated(text[: len(text) // 3], "content_filter")
    ends = [match.end() for match in PIECE.finditer(text)]
    if request.max_tokens is not None and len(ends) > request.max_tokens:
        return Generated(text[: ends[request.max_tokens - 1]] if request.max_tokens else "", "length")
    return Generated(text, "stop")


@dataclass(frozen=True, slots=True)
class Identifiers:
    """Seeded, like everything else."""

    random: random.Random
    created: int = field(default=1_700_000_000)

    def make(self, prefix: str) -> str:
        return f"{prefix}{self.random.getrandbits(96):024x}"
