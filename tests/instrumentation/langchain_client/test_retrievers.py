"""LangChain's retrievers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from instrumentation.langchain_client.subjects import (
    BOTH,
    canned,
    found_documents,
)
from instrumentation.steps import check_everything, ending, found, tree
from instrumentation.telemetry import Telemetry
from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore
from throughline import names


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_retriever(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=BOTH)
    documents = await found_documents().ainvoke("cold?") if asynchronous else found_documents().invoke("cold?")
    assert [document.id for document in documents] == ["1", None]
    attributes = telemetry.attributes()
    assert "cold?" in attributes.pop(names.RETRIEVAL_QUERY_TEXT)
    assert json.loads(attributes.pop(names.RETRIEVAL_DOCUMENTS)) == [
        {"id": "1", "content": "Oslo is cold.", "score": 0.5}, {"content": "Rome is warm."},
    ]  # fmt: skip
    assert attributes == {
        names.OPERATION_NAME: "retrieval",
        names.DATA_SOURCE_ID: "cities",
        names.RETRIEVAL_TOP_K: 2,
        names.RETRIEVAL_COUNT: 2,
        names.RETRIEVAL_TOP_SCORE: 0.5,
        names.END_REASON: "completed",
    }
    assert telemetry.span().name == "retrieval cities"
    check_everything(telemetry)


async def test_a_retriever_that_fails(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(LookupError):
        await found_documents().ainvoke("fail")
    assert ending(telemetry.span()) == ("error", "LookupError")


def test_a_vector_stores_retriever_in_a_chain(telemetry: Telemetry) -> None:
    telemetry.instrument()
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=3))
    store.add_texts(["Oslo is cold."], ids=["1"])
    chain = store.as_retriever(search_kwargs={"k": 1}) | RunnableLambda(str) | canned()
    chain.invoke("cold?")
    assert tree(telemetry) == ["retrieval", "chat canned-1"]
    assert found(telemetry, "retrieval")[names.RETRIEVAL_TOP_K] == 1


def test_a_retriever_gives_way_to_who_records_the_search(telemetry: Telemetry) -> None:
    class Searching(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_kwargs: Any) -> list[Document]:
            return found_documents().invoke(query)

    telemetry.instrument()
    Searching(name="outer").invoke("cold?")
    assert tree(telemetry) == ["retrieval cities"]
