"""The scenarios of every client, with Milvus's."""

from __future__ import annotations

from instrumentation.pymilvus_client.wire import Milvus

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Milvus()


class TestContent(operations.Content):
    client = Milvus()


class TestCallers(operations.Callers):
    client = Milvus()


class TestEndings(endings.Endings):
    client = Milvus()


class TestHarmless(harmless.Harmless):
    client = Milvus()


class TestPatching(patching.Patching):
    client = Milvus()
