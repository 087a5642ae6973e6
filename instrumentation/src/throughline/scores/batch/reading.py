"""Recorded messages as an answer, its question and its grounds, or why they are none. It asks no store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from throughline import names
from throughline.scores.answers import Answer

MISSING: Final = "without recorded content"
SEALED: Final = "sealed for an auditor"
ELSEWHERE: Final = "with content in another store"
CUT: Final = "with an answer that was cut when it was recorded"
NO_TEXT: Final = "without text, such as calls of tools"
Attributes = Mapping[str, Any]
_NO_TEXTS: Final = frozenset({"id", "score", "url", "uri"})
"""What of a document says nothing that an answer could rest on."""


def why_not(record: Attributes, said: Attributes) -> str:
    """Why there is no answer to be scored; empty where there is one."""
    if names.CONTENT_SEALED in said or names.CONTENT_SEALED_FOR in record:
        return SEALED
    messages = said.get(names.OUTPUT_MESSAGES)
    if not _messages(messages):
        is_elsewhere = names.CONTENT_SET_ASIDE in said or _names_output(said.get(names.CONTENT_REF))
        return ELSEWHERE if is_elsewhere else MISSING
    if _names_output(said.get(names.CONTENT_TRUNCATED)):
        return CUT
    first = _messages(messages)[0]
    kinds = {part.get("type") for part in _parts(first)}
    return NO_TEXT if kinds and "text" not in kinds else ""


def answer_of(record: Attributes, said: Attributes, found: Sequence[str] | None) -> Answer:
    """The first choice of the reply, and what it should rest on: `found`, or the prompt where that is empty.

    None: nothing was retrieved in its trace, so that it need not rest on anything.
    """
    first = _messages(said[names.OUTPUT_MESSAGES])[0]
    asked = _messages(said.get(names.INPUT_MESSAGES))
    questions = [_text(message) for message in asked if message.get("role") == "user"]
    grounds = list(found or ())
    if found is not None and not grounds:
        instructions = [{"parts": said.get(names.SYSTEM_INSTRUCTIONS)}]
        grounds = [text for message in (*instructions, *asked) if (text := _text(message))]
    reasons = record.get(names.RESPONSE_FINISH_REASONS) or ()
    finish_reason = first.get("finish_reason") or (reasons if isinstance(reasons, str) else next(iter(reasons), ""))
    return Answer(_text(first), grounds, questions[-1] if questions else "", str(finish_reason))


def texts_of(documents: Any) -> list[str]:
    """What retrieved documents say, whatever their store calls the fields."""
    return list(_strings(documents))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _NO_TEXTS:
                yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _names_output(notes: Any) -> bool:
    """Whether a note is of the answer: each begins with its attribute."""
    listed = [notes] if isinstance(notes, str) else notes or ()
    return any(str(note).startswith(names.OUTPUT_MESSAGES) for note in listed)


def _messages(value: Any) -> list[Attributes]:
    """Elasticsearch returns what it was given, and a list of one perhaps as that one."""
    listed = [value] if isinstance(value, Mapping) else value
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _parts(message: Attributes) -> list[Attributes]:
    return _messages(message.get("parts"))


def _text(message: Attributes) -> str:
    texts = (part.get("content") for part in _parts(message) if part.get("type") == "text")
    return "\n".join(str(text) for text in texts if text)
