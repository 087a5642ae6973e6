"""The scenarios of every client, with OpenAI's: each family of endpoints in each class of scenarios."""

from __future__ import annotations

from instrumentation.openai_client import joined

from instrumentation import endings, harmless, operations, patching

FAMILIES = (operations.Whole, operations.Content, operations.Callers, endings.Endings, harmless.Harmless)
CLIENTS: tuple[joined.OpenAI, ...] = (
    joined.Chat(),
    *((joined.Responses(),) if joined.HAS_RESPONSES else ()),
    joined.Embeddings(),
)

for client in CLIENTS:
    for family in FAMILIES:
        name = f"Test{type(client).__name__}{family.__name__}"
        globals()[name] = type(name, (family,), {"client": client, "__module__": __name__})


class TestPatching(patching.Patching):  # the points are those of the whole client
    client = joined.Chat()
