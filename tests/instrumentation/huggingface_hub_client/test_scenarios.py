"""The scenarios of every client, with Hugging Face's."""

from __future__ import annotations

from instrumentation.huggingface_hub_client.wire import Features, Generation, HuggingFace

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = HuggingFace()


class TestContent(operations.Content):
    client = HuggingFace()


class TestCallers(operations.Callers):
    client = HuggingFace()


class TestEndings(endings.Endings):
    client = HuggingFace()


class TestHarmless(harmless.Harmless):
    client = HuggingFace()


class TestPatching(patching.Patching):
    client = HuggingFace()


class TestWholeGeneration(operations.Whole):
    client = Generation()


class TestHarmlessGeneration(harmless.Harmless):
    client = Generation()


class TestWholeFeatures(operations.Whole):
    client = Features()
