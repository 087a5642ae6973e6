"""The scenarios of every client, with botocore's for Bedrock: Converse, models' own bodies, knowledge bases."""

from __future__ import annotations

from instrumentation.bedrock_client.wire import Bedrock, Generation, InvokeModel, KnowledgeBase

from instrumentation import endings, harmless, operations, patching


class TestWhole(operations.Whole):
    client = Bedrock()


class TestContent(operations.Content):
    client = Bedrock()


class TestCallers(operations.Callers):
    client = Bedrock()


class TestEndings(endings.Endings):
    client = Bedrock()


class TestHarmless(harmless.Harmless):
    client = Bedrock()


class TestPatching(patching.Patching):
    client = Bedrock()


class TestWholeBodies(operations.Whole):
    client = InvokeModel()


class TestContentOfBodies(operations.Content):
    client = InvokeModel()


class TestCallersOfBodies(operations.Callers):
    client = InvokeModel()


class TestEndingsOfBodies(endings.Endings):
    client = InvokeModel()


class TestHarmlessWithBodies(harmless.Harmless):
    client = InvokeModel()


class TestWholeRetrieval(operations.Whole):
    client = KnowledgeBase()


class TestContentOfRetrieval(operations.Content):
    client = KnowledgeBase()


class TestCallersOfRetrieval(operations.Callers):
    client = KnowledgeBase()


class TestEndingsOfRetrieval(endings.Endings):
    client = KnowledgeBase()


class TestHarmlessWithRetrieval(harmless.Harmless):
    client = KnowledgeBase()


class TestWholeGeneration(operations.Whole):
    client = Generation()
