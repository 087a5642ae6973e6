"""Scores an answer by plain rules that a person can check; no model judges here."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORD = re.compile(r"[^\W\d_]{4,}|\d+(?:[.,]\d+)*")
MARKS = re.compile(r"\[\d+\]|^\d+\.\s", re.MULTILINE)  # citations and step numbers say nothing
SENTENCE_END = re.compile(r"[.!?:)\]\"'”]\s*$")
LEFTOVER = re.compile(r"\{\{|\}\}|\{%|<\|")
REFUSAL = re.compile(
    r"\b(?:I(?:'m| am) (?:sorry|unable|not able)|I (?:can(?:no|')t|could not|do not have)|cannot help|"
    r"passages? (?:I was given )?(?:do|does) not (?:answer|say|cover))",
    re.IGNORECASE,
)
SHORTEST, LONGEST = 20, 2_000


@dataclass(frozen=True, slots=True)
class Score:
    """From 0 (bad) to 1 (good), with the label that people filter by."""

    name: str
    value: float
    label: str
    explanation: str


def score(answer: str, passages: Sequence[str], finish_reason: str) -> list[Score]:
    """Groundedness only when there is something to be grounded in."""
    refused = REFUSAL.search(answer) is not None or finish_reason == "content_filter"
    grounds = [_groundedness(answer, passages)] if passages and answer.strip() and not refused else []
    return [*grounds, _format(answer, finish_reason), _length(answer), _refusal(refused, finish_reason)]


def _groundedness(answer: str, passages: Iterable[str]) -> Score:
    said = set(_words(answer))
    known = {word for passage in passages for word in _words(passage)}
    share = len(said & known) / len(said) if said else 0.0
    label = "grounded" if share >= 0.7 else "partly_grounded" if share >= 0.4 else "ungrounded"
    return Score(
        "groundedness", round(share, 3), label, f"{len(said & known)} of {len(said)} words are in the passages"
    )


def _words(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(MARKS.sub(" ", text))]


def _format(answer: str, finish_reason: str) -> Score:
    faults = {
        "the answer is empty": not answer.strip(),
        "the answer was cut off": finish_reason == "length" or not SENTENCE_END.search(answer),
        "template or control marks are left over": LEFTOVER.search(answer) is not None,
    }
    found = [fault for fault, present in faults.items() if present]
    return Score("format", 0.0 if found else 1.0, "invalid" if found else "valid", "; ".join(found) or "well formed")


def _length(answer: str) -> Score:
    size = len(answer)
    label = "too_short" if size < SHORTEST else "too_long" if size > LONGEST else "fitting"
    return Score("length", float(label == "fitting"), label, f"{size} characters; {SHORTEST} to {LONGEST} fit")


def _refusal(refused: bool, finish_reason: str) -> Score:
    label = "filtered" if finish_reason == "content_filter" else "refused" if refused else "answered"
    return Score(
        "refusal", float(not refused), label, "the member got no answer" if refused else "the member got an answer"
    )
