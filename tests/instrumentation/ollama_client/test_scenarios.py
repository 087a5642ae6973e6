"""The scenarios of every client, with Ollama's."""

from __future__ import annotations

from instrumentation.ollama_client.wire import Embeddings, Generate, Ollama

from instrumentation import endings, generators, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Ollama()


class TestContent(operations.Content):
    client = Ollama()


class TestCallers(operations.Callers):
    client = Ollama()


class TestEndings(endings.Endings):
    client = Ollama()


class TestHarmless(harmless.Harmless):
    client = Ollama()


class TestPatching(patching.Patching):
    client = Ollama()


class TestFirstStep(generators.FirstStep):
    client = Ollama()


class TestWholeGenerate(operations.Whole):
    client = Generate()


class TestHarmlessGenerate(harmless.Harmless):
    client = Generate()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()
