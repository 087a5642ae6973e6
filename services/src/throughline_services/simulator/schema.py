"""Makes a small value that fits a JSON schema, for structured output and tool arguments; no validator."""

import re
from collections.abc import Callable, Mapping
from typing import Any


def instance(schema: Mapping[str, Any], text: str, definitions: Mapping[str, Any] | None = None) -> Any:
    """Strings carry the text; everything else is the smallest value of its kind."""
    known = definitions or schema.get("$defs", {})
    match schema:
        case {"$ref": reference}:
            return instance(known.get(str(reference).rpartition("/")[2], {}), text, known)
        case {"const": value} | {"enum": [value, *_]} | {"default": value}:
            return value
        case {"anyOf": [first, *_]} | {"oneOf": [first, *_]} | {"allOf": [first, *_]}:
            return instance(first, text, known)
        case {"type": [first, *_]}:
            return instance({**schema, "type": first}, text, known)
    return KINDS[schema.get("type", "string")](schema, text, known)


def _object(schema: Mapping[str, Any], text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: instance(inner, text, known) for name, inner in schema.get("properties", {}).items()}


def _array(schema: Mapping[str, Any], text: str, known: Mapping[str, Any]) -> list[Any]:
    return [instance(schema.get("items", {}), text, known)] * max(1, schema.get("minItems", 1))


def _number(schema: Mapping[str, Any], _text: str, _known: Mapping[str, Any]) -> float:
    smallest: float = schema.get("minimum", 1)
    return smallest


def _text(schema: Mapping[str, Any], text: str, _known: Mapping[str, Any]) -> str:
    """Of the text, what the schema's pattern finds in it first."""
    if (pattern := schema.get("pattern")) and (found := re.search(pattern, text)):
        text = found[0]
    return text[: schema.get("maxLength", len(text))]


Kind = Callable[[Mapping[str, Any], str, Mapping[str, Any]], Any]
KINDS: dict[str, Kind] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _number,
    "number": _number,
    "boolean": lambda _schema, _text, _known: True,
    "null": lambda _schema, _text, _known: None,
}
