"""The scenarios of every client, with aioboto3's for Bedrock."""

from __future__ import annotations

from typing import Any

from instrumentation.aioboto3_client.wire import AioBedrock, AioInvokeModel, AioKnowledgeBase

from instrumentation import endings, harmless, operations, patching


class Endings(endings.Endings):
    async def read(self, api: Any, *, asynchronous: bool) -> None:
        del asynchronous
        _ = [chunk async for chunk in await self.client.stream(api, self.client.exchange.request)]


class TestWhole(operations.Whole):
    client = AioBedrock()


class TestContent(operations.Content):
    client = AioBedrock()


class TestCallers(operations.Callers):
    client = AioBedrock()


class TestEndings(Endings):
    client = AioBedrock()


class TestHarmless(harmless.Harmless):
    client = AioBedrock()


class TestPatching(patching.Patching):
    client = AioBedrock()


class TestWholeOfBodies(operations.Whole):
    client = AioInvokeModel()


class TestContentOfBodies(operations.Content):
    client = AioInvokeModel()


class TestCallersOfBodies(operations.Callers):
    client = AioInvokeModel()


class TestEndingsOfBodies(Endings):
    client = AioInvokeModel()


class TestHarmlessOfBodies(harmless.Harmless):
    client = AioInvokeModel()


class TestWholeOfRetrieval(operations.Whole):
    client = AioKnowledgeBase()


class TestContentOfRetrieval(operations.Content):
    client = AioKnowledgeBase()


class TestEndingsOfRetrieval(Endings):
    client = AioKnowledgeBase()


class TestHarmlessOfRetrieval(harmless.Harmless):
    client = AioKnowledgeBase()
