"""The scenarios of every client, with Anthropic's."""

from __future__ import annotations

from instrumentation.anthropic_client.wire import Anthropic

from instrumentation import endings, harmless, limits, operations, patching


class TestWhole(operations.Whole):
    client = Anthropic()


class TestContent(operations.Content):
    client = Anthropic()


class TestCallers(operations.Callers):
    client = Anthropic()


class TestEndings(endings.Endings):
    client = Anthropic()


class TestHarmless(harmless.Harmless):
    client = Anthropic()


class TestLimits(limits.Limits):
    client = Anthropic()
    requests = "anthropic-ratelimit-requests-{}"
    tokens = "anthropic-ratelimit-input-tokens-{}"


class TestPatching(patching.Patching):
    client = Anthropic()
