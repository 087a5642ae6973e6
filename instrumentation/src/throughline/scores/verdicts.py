"""A judge's reply as a score and its reason, or as no verdict: it guesses, repairs and searches nothing."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple

_LONGEST_REPLY, _LONGEST_EXPLANATION = 20_000, 2_000  # characters
_FENCED: Final = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)
_GOOD, _FAIR = 0.7, 0.4


class NoVerdictError(ValueError):
    """The reply is no verdict; what it is instead is not said, as it may quote the answer."""


class Verdict(NamedTuple):
    """What a judge thinks."""

    score: float
    """From 0 to 1."""
    explanation: str

    @property
    def label(self) -> str:
        """In a word. It is never the judge's own, which an answer could have talked into anything."""
        return "good" if self.score >= _GOOD else "fair" if self.score >= _FAIR else "poor"


def read(reply: Any) -> Verdict:
    """Raises NoVerdictError unless the whole reply is one JSON object of exactly a score and an explanation.

    A code fence around it is taken off, as many models cannot do without.
    """
    if not isinstance(reply, str) or len(reply) > _LONGEST_REPLY:
        raise NoVerdictError
    text = reply.strip()
    if fenced := _FENCED.fullmatch(text):
        text = fenced[1]
    try:
        found = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise NoVerdictError from None
    if not isinstance(found, dict) or found.keys() != {"score", "explanation"}:
        raise NoVerdictError
    score, explanation = found["score"], found["explanation"]
    if type(score) not in (int, float) or not 0 <= score <= 1 or not isinstance(explanation, str):
        raise NoVerdictError
    return Verdict(float(score), explanation[:_LONGEST_EXPLANATION])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NoVerdictError
    return found


def _no_number(_name: str) -> Any:
    raise NoVerdictError
