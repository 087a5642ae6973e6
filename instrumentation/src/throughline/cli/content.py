"""Prompts, answers, tool calls and passages of one operation as text to read; from a record or from a span alike."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from throughline import names
from throughline.cli import wording

_ROLES = {"system": "blue", "user": "green", "assistant": "magenta", "tool": "yellow"}


def render_content(attributes: Mapping[str, Any], most: int | None) -> list[Text]:
    """One text for each message or passage list; each is cut to `most` characters, None: whole."""
    lines = [*_elsewhere(attributes), *_instructions(attributes), *_retrieval(attributes)]
    for name in (names.INPUT_MESSAGES, names.OUTPUT_MESSAGES):
        for message in _listed(attributes.get(name)):
            if isinstance(message, Mapping):
                role = str(message.get("role", "?"))
                lines.append(_line(role, _ROLES.get(role, "white"), _said(message.get("parts")), most))
    return lines


def _elsewhere(attributes: Mapping[str, Any]) -> Iterator[Text]:
    """Content that this document has only sealed, or a note of."""
    if names.CONTENT_SEALED in attributes:
        yield _line("sealed", "cyan", f"for the holder of key {attributes.get(names.CONTENT_SEALED_FOR, '?')}", None)
    if names.CONTENT_SET_ASIDE in attributes:
        yield _line("set aside", "cyan", "in the Collector's set-aside.json, for it is too large for a document", None)


def _instructions(attributes: Mapping[str, Any]) -> Iterator[Text]:
    if parts := _listed(attributes.get(names.SYSTEM_INSTRUCTIONS)):
        yield _line("instructions", "blue", _said(parts), None)


def _retrieval(attributes: Mapping[str, Any]) -> Iterator[Text]:
    if query := attributes.get(names.RETRIEVAL_QUERY_TEXT):
        yield _line("query", "green", str(query), None)
    documents = [each for each in _listed(attributes.get(names.RETRIEVAL_DOCUMENTS)) if isinstance(each, Mapping)]
    if documents:
        found = (f"{each.get('id', '?')} ({float(each.get('score') or 0):.2f})" for each in documents)
        yield _line("found", "cyan", ", ".join(found), None)


def _line(title: str, colour: str, said: str, most: int | None) -> Text:
    said = wording.printable(said).strip()
    cut = Text(f" … {len(said) - most:,} more characters, see --full", "dim") if most and len(said) > most else Text()
    return Text.assemble((f"{wording.printable(title)}: ", f"bold {colour}"), said[:most], cut)


def _said(parts: Any) -> str:
    return "\n".join(_part(part) for part in _listed(parts) if isinstance(part, Mapping))


def _part(part: Mapping[str, Any]) -> str:
    match part.get("type"):
        case "tool_call":
            return f"calls {part.get('name')}({_json(part.get('arguments'))})"
        case "tool_call_response":
            return f"result: {_json(part.get('response'))}"
        case "blob" | "file" | "uri" as kind:
            facts = (part.get("modality", kind), part.get("mime_type"), part.get("uri"), part.get("file_id"))
            return f"[{' '.join(str(fact) for fact in facts if fact)}]"
        case _:
            return str(part.get("content", ""))


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(value: Any) -> Sequence[Any]:
    """On a span content is a JSON string, in a record it is structured."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []
