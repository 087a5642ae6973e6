"""Composes an answer out of the sentences that the prompt itself contains; invents nothing and stores nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

WORD = re.compile(r"[^\W_]+")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
HEADING = re.compile(r"^\[(\d+)\]\s*(.*)$")
PERSONAL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+|\+?\d[\d ()-]{7,}\d")
COMMON = frozenset(
    WORD.findall(
        "the and for are was were with that this from have has had not you your can will how what when where which who "
        "why does did about into over under than then them they their there here would could should been being our get"
    )
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage; source 0 means the prompt did not number it."""

    text: str
    source: int
    stems: frozenset[str]


def answer(instructions: Sequence[str], question: str, sentences: int) -> str:
    """The sentences closest to the question, cited by the number of their passage."""
    known = [sentence for text in instructions for sentence in _sentences(text)]
    asked = _stems(question)
    chosen = _closest(known, asked, sentences)
    if not chosen:
        return _without_grounds(bool(known), asked)
    steps = any("numbered steps" in text for text in instructions)
    lines = [f"{sentence.text} [{sentence.source}]" if sentence.source else sentence.text for sentence in chosen]
    body = "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1)) if steps else " ".join(lines)
    return body + ("\n" if steps else " ").join(["", *_noted(question)])


def _sentences(text: str) -> list[Sentence]:
    """Of the numbered passages if there are any, as what comes before them tells the model how to behave."""
    blocks = [block.strip().splitlines() for block in re.split(r"\n\s*\n", text) if block.strip()]
    numbered = [(HEADING.match(block[0]), block) for block in blocks]
    passages = [(int(heading[1]), heading[2], block[1:]) for heading, block in numbered if heading]
    return [
        Sentence(sentence.strip(), number, _stems(f"{title} {sentence}"))
        for number, title, lines in passages
        for sentence in SENTENCE.split(" ".join(lines))
        if sentence.strip()
    ]


def _stems(text: str) -> frozenset[str]:
    """Crude on purpose: the first five letters tell `claim` from `clinic`, and unite `claims` and `claim`."""
    words = (word.lower() for word in WORD.findall(text))
    return frozenset(word[:5] for word in words if len(word) > 2 and word not in COMMON)


def _closest(known: Sequence[Sentence], asked: frozenset[str], count: int) -> list[Sentence]:
    ranked = sorted(known, key=lambda sentence: (-len(sentence.stems & asked), sentence.source))
    best = [sentence for sentence in ranked if sentence.stems & asked][:count]
    return sorted(best, key=known.index)


def _without_grounds(had_passages: bool, asked: frozenset[str]) -> str:
    if had_passages:
        return "I could not find that in the passages I was given. Please call us on weekdays between 8 and 18 h."
    topic = f" You asked about {len(asked)} things, by the words you used." if asked else ""
    return f"This is a simulated answer.{topic} Give me numbered passages, and I will answer out of them."


def _noted(question: str) -> list[str]:
    """Repeats personal data as careless models do, so that there is something to mask downstream."""
    found = PERSONAL.search(question)
    return [f"I have noted {found[0]} for the reply."] if found else []
