"""The simulated models: how fast and how talkative each name is; any other name is an ordinary model."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Speed divides every delay; reasoning models report hidden tokens."""

    speed: float = 1.0
    sentences: int = 4
    reasoning: bool = False


PROFILES = {
    "sim-small": Profile(speed=2.0, sentences=3),
    "sim-large": Profile(speed=0.6, sentences=8),
    "sim-reasoning": Profile(speed=0.5, sentences=5, reasoning=True),
    "sim-embedding": Profile(speed=4.0),
}


def profile(model: str) -> Profile:
    return PROFILES.get(model, Profile())
