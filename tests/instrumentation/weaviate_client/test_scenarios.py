"""The scenarios of every client, with Weaviate's."""

from __future__ import annotations

from instrumentation.weaviate_client.wire import Weaviate

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Weaviate()


class TestContent(operations.Content):
    client = Weaviate()


class TestCallers(operations.Callers):
    client = Weaviate()


class TestEndings(endings.Endings):
    client = Weaviate()


class TestHarmless(harmless.Harmless):
    client = Weaviate()


class TestPatching(patching.Patching):
    client = Weaviate()
