"""The scenarios of every client, with pgvector's."""

from __future__ import annotations

from instrumentation.pgvector_client.wire import Pgvector

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Pgvector()


class TestContent(operations.Content):
    client = Pgvector()


class TestCallers(operations.Callers):
    client = Pgvector()


class TestEndings(endings.Endings):
    client = Pgvector()


class TestHarmless(harmless.Harmless):
    client = Pgvector()


class TestPatching(patching.Patching):
    client = Pgvector()
