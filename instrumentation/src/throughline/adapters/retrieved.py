"""What stores have in common: documents as the conventions list them, never with a vector. Knows no client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHORTEST_VECTOR = 8  # numbers in a row; what is shorter may be coordinates


def document(name: Any, score: Any, content: Any = None) -> dict[str, Any]:
    """One document; what the store did not send of it is left out."""
    found: dict[str, Any] = {} if name is None else {"id": str(name)}
    if isinstance(score, (int, float)) and not isinstance(score, bool):
        found["score"] = score
    if (text := without_vectors(content)) not in (None, {}, ""):
        found["content"] = text
    return found


def without_vectors(value: Any) -> Any:
    """The same value, its embeddings left out: they say nothing to a reader and are most of a document's size."""
    if isinstance(value, Mapping):
        kept = {str(key): without_vectors(item) for key, item in value.items() if not _is_vector(item)}
        return {key: item for key, item in kept.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [without_vectors(item) for item in value if not _is_vector(item)]
    return value


def _is_vector(value: Any) -> bool:
    """Whether it is a row of numbers, dense, or sparse as weights by token."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, (list, tuple)) or len(value) < _SHORTEST_VECTOR:
        return False
    return all(isinstance(item, (int, float)) for item in value)


def several(value: Any) -> list[Any]:
    """Where a store takes one or a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]
