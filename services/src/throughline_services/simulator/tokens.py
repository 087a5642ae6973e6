"""Counts tokens near enough for a simulation; no tokenizer of any real model."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from throughline_services.simulator.behaviour import Fate
from throughline_services.simulator.models import Profile

PIECE = re.compile(r"\w{1,5}|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Cached tokens are part of input, reasoning tokens part of output, as providers count."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


def count(text: str) -> int:
    return sum(1 for _ in PIECE.finditer(text))


def tokens(prompt: Any, outputs: Iterable[str], fate: Fate, profile: Profile) -> Tokens:
    """Of a whole exchange; a seeded half of the prompts finds its beginning in the provider's cache."""
    given = count(prompt if isinstance(prompt, str) else json.dumps(prompt, ensure_ascii=False))
    cached = given // 64 * 64 if fate.random.random() < 0.5 else 0
    reasoning = fate.random.randrange(64, 512, 64) if profile.reasoning else 0
    return Tokens(given, sum(map(count, outputs)) + reasoning, cached, reasoning)
