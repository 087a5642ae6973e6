"""The scenarios of every client, with AI21's."""

from __future__ import annotations

from instrumentation.ai21_client.wire import AI21

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = AI21()


class TestContent(operations.Content):
    client = AI21()


class TestCallers(operations.Callers):
    client = AI21()


class TestEndings(endings.Endings):
    client = AI21()


class TestHarmless(harmless.Harmless):
    client = AI21()


class TestPatching(patching.Patching):
    client = AI21()
