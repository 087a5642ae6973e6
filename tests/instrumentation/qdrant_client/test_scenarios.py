"""The scenarios of every client, with Qdrant's."""

from __future__ import annotations

from instrumentation.qdrant_client.wire import Qdrant

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Qdrant()


class TestContent(operations.Content):
    client = Qdrant()


class TestCallers(operations.Callers):
    client = Qdrant()


class TestEndings(endings.Endings):
    client = Qdrant()


class TestHarmless(harmless.Harmless):
    client = Qdrant()


class TestPatching(patching.Patching):
    client = Qdrant()
