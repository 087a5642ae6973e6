"""The scenarios of every client, with Pinecone's."""

from __future__ import annotations

from instrumentation.pinecone_client.wire import Pinecone

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Pinecone()


class TestContent(operations.Content):
    client = Pinecone()


class TestCallers(operations.Callers):
    client = Pinecone()


class TestEndings(endings.Endings):
    client = Pinecone()


class TestHarmless(harmless.Harmless):
    client = Pinecone()


class TestPatching(patching.Patching):
    client = Pinecone()
