"""The scenarios of every client, with Google's."""

from __future__ import annotations

from instrumentation.google_genai_client.wire import Embeddings, GoogleGenAI

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = GoogleGenAI()


class TestContent(operations.Content):
    client = GoogleGenAI()


class TestCallers(operations.Callers):
    client = GoogleGenAI()


class TestEndings(endings.Endings):
    client = GoogleGenAI()


class TestHarmless(harmless.Harmless):
    client = GoogleGenAI()


class TestPatching(patching.Patching):
    client = GoogleGenAI()


class TestEmbeddings(operations.Whole):
    client = Embeddings()


class TestEmbeddingsContent(operations.Content):
    client = Embeddings()


class TestEmbeddingsEndings(endings.Endings):
    client = Embeddings()


class TestEmbeddingsHarmless(harmless.Harmless):
    client = Embeddings()
