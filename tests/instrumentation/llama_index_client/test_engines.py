"""Engines, retrievers, embeddings and models of LlamaIndex."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from instrumentation.llama_index_client.subjects import BOTH, CANARY, Canned, index, over_openai
from instrumentation.openai_client.wire import EMBEDDINGS_REPLY, client, json_response
from instrumentation.scenarios import answering
from instrumentation.steps import check_everything, ending, found, named, tree
from instrumentation.telemetry import Telemetry
from llama_index.core.chat_engine import CondensePlusContextChatEngine, ContextChatEngine, SimpleChatEngine
from llama_index.core.embeddings import BaseEmbedding, MockEmbedding
from llama_index.core.prompts import PromptTemplate
from opentelemetry import context
from throughline import names

ENGINE = "invoke_workflow RetrieverQueryEngine"
ASKED = [{"role": "user", "parts": [{"type": "text", "content": "Cold?"}]}]


def model(**options: Any) -> Canned:
    return Canned(calls=False, **options)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_query_is_one_tree(telemetry: Telemetry, asynchronous: bool) -> None:
    engine = index().as_query_engine(llm=model())
    telemetry.instrument(content=BOTH)
    answer = await engine.aquery("Cold?") if asynchronous else engine.query("Cold?")
    assert str(answer) == "Cold."
    assert tree(telemetry) == [(ENGINE, ["retrieval", "embeddings MockEmbedding", "chat canned-1"])]
    root = found(telemetry, ENGINE)
    assert json.loads(root[names.INPUT_MESSAGES]) == ASKED
    assert json.loads(root[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Cold."}]
    assert root[names.TOTAL_INFERENCE_CALLS] == 1
    check_everything(telemetry)


async def test_over_a_recorded_client_there_is_one_span_a_call(telemetry: Telemetry) -> None:
    engine = index().as_query_engine(llm=over_openai(asynchronous=False))
    telemetry.instrument()
    engine.query("Cold?")
    ((root, inside),) = tree(telemetry)
    assert (root, inside[-1]) == (ENGINE, "chat gpt-4o")
    assert found(telemetry, ENGINE)[names.TOTAL_INPUT_TOKENS] == 11
    check_everything(telemetry)


def test_an_answer_in_pieces_belongs_to_its_query(telemetry: Telemetry) -> None:
    engine = index().as_query_engine(llm=model(), streaming=True)
    telemetry.instrument(content=BOTH)
    before = context.get_current()
    pieces = []
    for piece in engine.query("Cold?").response_gen:
        pieces.append(piece)
        assert context.get_current() == before
        assert "invoke_workflow" not in str([span.name for span in telemetry.spans()])
    assert pieces
    assert ending(named(telemetry, ENGINE)) == ("completed", None)
    assert '"role":"assistant"' in found(telemetry, ENGINE)[names.OUTPUT_MESSAGES]


def test_one_that_is_left_is_dropped(telemetry: Telemetry) -> None:
    engine = index().as_query_engine(llm=model(), streaming=True)
    telemetry.instrument()
    for _piece in engine.query("Cold?").response_gen:
        break
    assert ending(named(telemetry, ENGINE)) == ("dropped", None)


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("kind", [SimpleChatEngine, ContextChatEngine, CondensePlusContextChatEngine])
async def test_a_chat_engine_is_a_workflow(telemetry: Telemetry, kind: Any, asynchronous: bool) -> None:
    own = {} if kind is SimpleChatEngine else {"retriever": index().as_retriever()}
    engine = kind.from_defaults(llm=model(), **own)
    telemetry.instrument(content=BOTH)
    answer = await engine.achat("Cold?") if asynchronous else engine.chat("Cold?")
    assert str(answer) == "Cold."
    root = found(telemetry, f"invoke_workflow {kind.__name__}")
    assert json.loads(root[names.INPUT_MESSAGES]) == ASKED
    assert json.loads(root[names.OUTPUT_MESSAGES])[0]["parts"] == [{"type": "text", "content": "Cold."}]
    assert len(tree(telemetry)) == 1
    check_everything(telemetry)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_retrieval(telemetry: Telemetry, asynchronous: bool) -> None:
    retriever = index().as_retriever(similarity_top_k=1)
    telemetry.instrument(content=BOTH)
    nodes = await retriever.aretrieve("Cold?") if asynchronous else retriever.retrieve("Cold?")
    shown = found(telemetry, "retrieval")
    (document,) = json.loads(shown.pop(names.RETRIEVAL_DOCUMENTS))
    assert document == {"id": nodes[0].node.node_id, "score": nodes[0].score, "content": nodes[0].get_content()}
    assert "Cold?" in shown.pop(names.RETRIEVAL_QUERY_TEXT)
    assert shown == {
        names.OPERATION_NAME: "retrieval",
        names.RETRIEVAL_TOP_K: 1,
        names.RETRIEVAL_COUNT: 1,
        names.RETRIEVAL_TOP_SCORE: nodes[0].score,
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


@pytest.mark.parametrize("how", ["query", "text", "batch", "async query", "async text", "async batch"])
async def test_embeddings(telemetry: Telemetry, how: str) -> None:
    subject = MockEmbedding(embed_dim=3)
    telemetry.instrument(content=BOTH)
    match how:
        case "query":
            subject.get_query_embedding("one")
        case "text":
            subject.get_text_embedding("one")
        case "batch":
            subject.get_text_embedding_batch(["one", "two"])
        case "async query":
            await subject.aget_query_embedding("one")
        case "async text":
            await subject.aget_text_embedding("one")
        case "async batch":
            await subject.aget_text_embedding_batch(["one", "two"])
    assert telemetry.attributes() == {
        names.OPERATION_NAME: "embeddings",
        names.PROVIDER_NAME: "mock",
        names.REQUEST_MODEL: "MockEmbedding",
        names.EMBEDDINGS_DIMENSION_COUNT: 3,
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


class OverOpenAI(BaseEmbedding):
    """Embeddings over OpenAI's own client."""

    over: Any

    def _get_query_embedding(self, query: str) -> list[float]:
        made = self.over.embeddings.create(model="text-embedding-3-small", input=query, encoding_format="float")
        return list(made.data[0].embedding)

    _get_text_embedding = _get_query_embedding

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def test_embeddings_over_a_recorded_client(telemetry: Telemetry) -> None:
    subject = OverOpenAI(over=client(answering(json_response(EMBEDDINGS_REPLY)), openai.OpenAI))
    telemetry.instrument()
    subject.get_query_embedding("one")
    assert tree(telemetry) == ["embeddings text-embedding-3-small"]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_model_asked_by_a_prompt(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=BOTH)
    prompt = PromptTemplate("{what}?")
    said = await model().apredict(prompt, what="cold") if asynchronous else model().predict(prompt, what="cold")
    assert said == "Cold."
    shown = telemetry.attributes()
    assert '"content":"Cold."' in shown.pop(names.OUTPUT_MESSAGES)
    assert shown == {
        names.OPERATION_NAME: "chat",
        names.PROVIDER_NAME: "canned",
        names.REQUEST_MODEL: "canned-1",
        names.END_REASON: "completed",
    }
    check_everything(telemetry)


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_an_error_is_everybodys(telemetry: Telemetry, asynchronous: bool) -> None:
    error = ConnectionError(CANARY)
    engine = index().as_query_engine(llm=model(error=error))
    telemetry.instrument()
    with pytest.raises(ConnectionError) as caught:
        _ = await engine.aquery("Cold?") if asynchronous else engine.query("Cold?")
    assert caught.value is error
    assert ending(named(telemetry, ENGINE)) == ("error", "ConnectionError")
    assert ending(named(telemetry, "chat canned-1")) == ("error", "ConnectionError")
    assert CANARY not in telemetry.everything()


def test_content_stays_where_it_is_unless_it_is_asked_for(telemetry: Telemetry) -> None:
    engine = index().as_query_engine(llm=model(answer=CANARY))
    telemetry.instrument()
    engine.query(CANARY)
    assert len(telemetry.spans()) == 4
    assert CANARY not in telemetry.everything()
    assert "Oslo" not in telemetry.everything()
