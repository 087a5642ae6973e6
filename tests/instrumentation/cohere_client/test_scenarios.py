"""The scenarios of every client, with Cohere's."""

from __future__ import annotations

from instrumentation.cohere_client.wire import Cohere, Embeddings, First, Generate, Rerank

from instrumentation import endings, generators, harmless, limits, operations, patching


class TestWhole(operations.Whole):
    client = Cohere()


class TestContent(operations.Content):
    client = Cohere()


class TestCallers(operations.Callers):
    client = Cohere()


class TestEndings(endings.Endings):
    client = Cohere()


class TestHarmless(harmless.Harmless):
    client = Cohere()


class TestLimits(limits.Limits):
    client = Cohere()
    requests, tokens = "x-trial-endpoint-call-{}", None


class TestPatching(patching.Patching):
    client = Cohere()


class TestLazy(generators.Lazy):
    client = Cohere()


class TestWholeEmbeddings(operations.Whole):
    client = Embeddings()


class TestWholeRerank(operations.Whole):
    client = Rerank()


class TestWholeFirst(operations.Whole):
    client = First()


class TestEndingsFirst(endings.Endings):
    client = First()


class TestHarmlessFirst(harmless.Harmless):
    client = First()


class TestWholeGenerate(operations.Whole):
    client = Generate()
