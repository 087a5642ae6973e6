"""The scenarios of every client, with Elasticsearch's."""

from __future__ import annotations

from instrumentation.elasticsearch_client.wire import Elasticsearch

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Elasticsearch()


class TestContent(operations.Content):
    client = Elasticsearch()


class TestCallers(operations.Callers):
    client = Elasticsearch()


class TestEndings(endings.Endings):
    client = Elasticsearch()


class TestHarmless(harmless.Harmless):
    client = Elasticsearch()


class TestPatching(patching.Patching):
    client = Elasticsearch()
