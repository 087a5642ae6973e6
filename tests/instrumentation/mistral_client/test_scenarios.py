"""The scenarios of every client, with Mistral's."""

from __future__ import annotations

from instrumentation.mistral_client.wire import Agents, Embeddings, FillIn, Mistral

from instrumentation import endings, harmless, limits, operations, patching


class TestWhole(operations.Whole):
    client = Mistral()


class TestContent(operations.Content):
    client = Mistral()


class TestCallers(operations.Callers):
    client = Mistral()


class TestEndings(endings.Endings):
    client = Mistral()


class TestHarmless(harmless.Harmless):
    client = Mistral()


class TestLimits(limits.Limits):
    client = Mistral()
    requests, tokens = "x-ratelimit-{}-req-minute", "x-ratelimitbysize-{}-minute"


class TestPatching(patching.Patching):
    client = Mistral()


class TestWholeFillIn(operations.Whole):
    client = FillIn()


class TestWholeAgents(operations.Whole):
    client = Agents()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()
