"""Checks that a person can follow: plain rules over the text, no model. Each is a pure function of an answer.

Refusals are recognised in English; words are compared in any language, those of scripts without spaces by two
characters at a time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from throughline.scores.answers import Answer, Check, Score

_WORD: Final = re.compile(r"[^\W\d_]{4,}|\d+(?:[.,]\d+)*")
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f]+")
"""Kana, Han and Thai, which are written without spaces between words."""
_MARKS: Final = re.compile(r"\[\d+\]|^\d+\.\s", re.MULTILINE)  # citations and step numbers say nothing
_ENDS: Final = frozenset(".!?:)]}\"'\u201d\u2019\u00bb`\u3002\uff01\uff1f\u300d\u300f\u2026")
_LEFTOVER: Final = re.compile(r"\{\{|\}\}|\{%|<\|")
_REFUSAL: Final = re.compile(
    r"\b(?:I(?:['\u2019]m| am) (?:sorry|unable|not able)|I (?:can(?:no|['\u2019])t|could not|do not have)|cannot help|"
    r"passages? (?:I was given )?(?:do|does) not (?:answer|say|cover))",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 20, 2_000
_GROUNDED, _PARTLY = 0.7, 0.4


def groundedness(answer: Answer) -> Score | None:
    """The share of the answer's words that are in its grounds; None where nothing is given, said, or answered.

    Words are those of four letters and more, and numbers.
    """
    if not answer.grounds or not answer.text.strip() or _is_refused(answer):
        return None
    said, known = set(_words(answer.text)), {word for ground in answer.grounds for word in _words(ground)}
    found = len(said & known)
    share = found / len(said) if said else 0.0
    label = "grounded" if share >= _GROUNDED else "partly_grounded" if share >= _PARTLY else "ungrounded"
    explanation = f"{found} of {len(said)} words are in the passages"
    return Score("groundedness", round(share, 3), label, explanation, "groundedness/1")


def _words(text: str) -> Iterable[str]:
    text = _MARKS.sub(" ", text)
    for run in _UNSPACED.findall(text):
        yield from (run[at : at + 2] for at in range(max(len(run) - 1, 1)))
    yield from (word.lower() for word in _WORD.findall(_UNSPACED.sub(" ", text)))


def format_valid(answer: Answer) -> Score:
    """Whether the answer is prose that was written to its end: not empty, not cut off, no template marks left."""
    text = answer.text.rstrip()
    faults = {
        "the answer is empty": not text,
        "the answer was cut off": answer.finish_reason == "length" or text[-1:] not in _ENDS,
        "template or control marks are left over": _LEFTOVER.search(text) is not None,
    }
    found = [fault for fault, present in faults.items() if present]
    label = "invalid" if found else "valid"
    return Score("format", 0.0 if found else 1.0, label, "; ".join(found) or "well formed", "format/1")


def length_within(shortest: int, longest: int) -> Check:
    """A check that the answer has so many characters. Raises ValueError for bounds that leave no room."""
    if not 0 <= shortest <= longest:
        raise ValueError(f"no answer has at least {shortest} and at most {longest} characters")
    usual = (shortest, longest) == (_SHORTEST, _LONGEST)
    scorer = "length/1" if usual else f"length/1+{shortest}..{longest}"

    def length(answer: Answer) -> Score:
        """Whether the answer is as long as an answer should be."""
        size = len(answer.text)
        label = "too_short" if size < shortest else "too_long" if size > longest else "fitting"
        explanation = f"{size} characters; {shortest} to {longest} fit"
        return Score("length", float(label == "fitting"), label, explanation, scorer)

    return length


length: Final = length_within(_SHORTEST, _LONGEST)
"""The check that an answer has 20 to 2,000 characters."""


def refusal(answer: Answer) -> Score:
    """Whether the question was answered (1) or refused, by the model or a content filter (0)."""
    is_refused = _is_refused(answer)
    label = "filtered" if answer.finish_reason == "content_filter" else "refused" if is_refused else "answered"
    explanation = "no answer was given" if is_refused else "an answer was given"
    return Score("refusal", float(not is_refused), label, explanation, "refusal/1")


def _is_refused(answer: Answer) -> bool:
    return answer.finish_reason == "content_filter" or _REFUSAL.search(answer.text) is not None
