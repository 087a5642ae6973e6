"""Message content of either protocol as plain text; keeps nothing else of it."""

from typing import Any


def plain(content: Any) -> str:
    """A string as it is; of a list of parts, the texts."""
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n\n".join(part.get("text") or "" for part in content if isinstance(part, dict))
