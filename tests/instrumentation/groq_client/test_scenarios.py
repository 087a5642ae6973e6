"""The scenarios of every client, with Groq's."""

from __future__ import annotations

from instrumentation.groq_client.wire import Embeddings, Groq

from instrumentation import endings, harmless, limits, operations, patching


class TestWhole(operations.Whole):
    client = Groq()


class TestContent(operations.Content):
    client = Groq()


class TestCallers(operations.Callers):
    client = Groq()


class TestEndings(endings.Endings):
    client = Groq()


class TestHarmless(harmless.Harmless):
    client = Groq()


class TestLimits(limits.Limits):
    client = Groq()


class TestPatching(patching.Patching):
    client = Groq()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()
