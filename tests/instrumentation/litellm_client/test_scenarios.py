"""The scenarios of every client, with LiteLLM's functions."""

from __future__ import annotations

import pytest
from instrumentation.litellm_client.wire import NOISE, Embeddings, LiteLLM, Texts

from instrumentation import endings, harmless, operations, patching

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


class TestPatching(patching.Patching):
    client = LiteLLM()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()


class TestWholeTexts(operations.Whole):
    client = Texts()
