"""Whose instrumentation each client's is compared with, and on which exchanges. Imports no client and no rival."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONTENT = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY"}


@dataclass(frozen=True, slots=True)
class Rival:
    """One client, its tests' `Client` classes, and the instrumentation that covers it too."""

    instrumentor: str
    """`module:Class`, or several with `,` between them; empty: the client's own spans."""
    clients: str
    """`module:Class,Class`, in the folder of the tests."""
    environment: Mapping[str, str] = field(default_factory=lambda: CONTENT)
    overlays: tuple[str, ...] = ()
    """What else has to stand on the path, of `.parts/clients`."""

    @property
    def native(self) -> bool:
        return not self.instrumentor

    def instrumentors(self) -> list[Any]:
        return [_load(name)() for name in self.instrumentor.split(",") if name]

    def families(self) -> list[Any]:
        module, _, classes = self.clients.partition(":")
        return [_load(f"instrumentation.{module}:{name}")() for name in classes.split(",")]


def _load(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


_OFFICIAL = "opentelemetry.instrumentation"
RIVALS = {
    "openai": Rival(
        f"{_OFFICIAL}.genai.openai:OpenAIInstrumentor",
        "openai_client.joined:Chat,Responses,Embeddings,Completions,Images,Transcriptions,Speech,Moderations,Fetches",
    ),
    "anthropic": Rival(f"{_OFFICIAL}.genai.anthropic:AnthropicInstrumentor", "anthropic_client.wire:Anthropic"),
    "anthropic-native": Rival(
        "",
        "anthropic_client.wire:Anthropic",
        {"ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE": "content"},
    ),
}
