"""The scenarios of every client, with Chroma's."""

from __future__ import annotations

from instrumentation.chroma_client.wire import Chroma

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Chroma()


class TestContent(operations.Content):
    client = Chroma()


class TestCallers(operations.Callers):
    client = Chroma()


class TestEndings(endings.Endings):
    client = Chroma()


class TestHarmless(harmless.Harmless):
    client = Chroma()


class TestPatching(patching.Patching):
    client = Chroma()
