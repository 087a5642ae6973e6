"""The scenarios of every client, with models of LangChain below which no other client is known."""

from __future__ import annotations

import langchain_core.retrievers
import langchain_core.tools
import pytest
from instrumentation.langchain_client.wire import Chat, Text

from instrumentation import endings, harmless, operations, patching

IMPORTED = (langchain_core.retrievers, langchain_core.tools)


class TestWhole(operations.Whole):
    client = Chat()


class TestContent(operations.Content):
    client = Chat()


class TestCallers(operations.Callers):
    client = Chat()


class TestEndings(endings.Endings):
    client = Chat()


class TestHarmless(harmless.Harmless):
    client = Chat()


class TestPatching(patching.Patching):
    client = Chat()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "gone" in metafunc.fixturenames:  # every point waits for its module, and here all of these are imported
            metafunc.parametrize("gone", [patch.point for patch in self.patches()])


class TestTextWhole(operations.Whole):
    client = Text()


class TestTextContent(operations.Content):
    client = Text()


class TestTextCallers(operations.Callers):
    client = Text()


class TestTextEndings(endings.Endings):
    client = Text()


class TestTextHarmless(harmless.Harmless):
    client = Text()
