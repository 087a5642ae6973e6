"""The scenarios of every client, with LiteLLM's functions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from instrumentation.litellm_client.wire import NOISE, Embeddings, LiteLLM, Texts

from instrumentation import endings, harmless, limits, operations, patching

MADE_UP = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|\b1[789]\d{8}(\.\d+)?\b|0x[0-9a-f]+")
pytestmark = [pytest.mark.filterwarnings(ignored) for ignored in NOISE]


class TestWhole(operations.Whole):
    client = LiteLLM()


class TestContent(operations.Content):
    client = LiteLLM()


class TestCallers(operations.Callers):
    client = LiteLLM()


class TestEndings(endings.Endings):
    client = LiteLLM()


class TestHarmless(harmless.Harmless):
    client = LiteLLM()

    def outcome(self, make: Any, way: str) -> Any:
        """Without what LiteLLM makes up anew for each reply that lacks it: ids, the time, addresses in memory."""
        return MADE_UP.sub("", repr(super().outcome(make, way)))


class TestLimits(limits.Limits):
    client = LiteLLM()


class TestPatching(patching.Patching):
    client = LiteLLM()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()


class TestWholeTexts(operations.Whole):
    client = Texts()
