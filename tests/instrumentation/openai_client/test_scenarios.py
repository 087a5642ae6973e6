"""The scenarios of every client, with OpenAI's: each family of endpoints in each class of scenarios."""

from __future__ import annotations

from instrumentation.openai_client import joined
from instrumentation.telemetry import Telemetry
from throughline import names

from instrumentation import endings, harmless, limits, operations, patching

FAMILIES = (operations.Whole, operations.Content, operations.Callers, endings.Endings, harmless.Harmless)
CLIENTS: tuple[joined.OpenAI, ...] = (
    joined.Chat(),
    joined.Embeddings(),
    joined.Completions(),
    joined.Images(),
    joined.Transcriptions(),
    joined.Speech(),
    joined.Moderations(),
    *((joined.Responses(), joined.Fetches()) if joined.HAS_RESPONSES else ()),
)

PAIRS = [
    *((client, family) for client in CLIENTS for family in FAMILIES),
    (
        joined.Edits(),
        operations.Whole,
    ),  # how else it may be called and end is the same code as for pictures without one
    (joined.Edits(), operations.Callers),
]

for client, family in PAIRS:
    name = f"Test{type(client).__name__}{family.__name__}"
    globals()[name] = type(name, (family,), {"client": client, "__module__": __name__})


class TestPatching(patching.Patching):  # the points are those of the whole client
    client = joined.Chat()


class TestLimits(limits.Limits):
    client = joined.Chat()

    async def test_what_the_client_waited_is_none_of_a_tokens_time(self, telemetry: Telemetry) -> None:
        telemetry.instrument()
        await self.ask("reply", self.refusal(retry_after_ms="80"), self.answer("reply", {}), retries=1)
        found, took = telemetry.attributes(), telemetry.record().attributes[names.DURATION]
        tokens = found[names.USAGE_OUTPUT_TOKENS]
        assert 0 < found[names.TIME_PER_OUTPUT_TOKEN] * tokens < took - 0.08
