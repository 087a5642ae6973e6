"""What only Chroma has: a store in the process itself, its hybrid search, and functions that embed for a collection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import chromadb
import httpx
import pytest
import throughline
from chromadb.api.models.Collection import Collection
from chromadb.config import Settings
from instrumentation.chroma_client.exchanges import DOCUMENTS, MODEL, MOON, SUN, VECTOR, answered
from instrumentation.chroma_client.wire import Embedder, collection
from instrumentation.openai_client.wire import EMBEDDINGS_REPLY, json_response
from instrumentation.openai_client.wire import client as openai_client
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"
searches = pytest.mark.skipif(not hasattr(Collection, "search"), reason="older versions have no such search")


def found(_request: Any) -> Any:
    return httpx.Response(200, json=answered([MOON, SUN]))


@pytest.fixture
def local() -> Iterator[Any]:
    """A collection in this very process, with two documents."""
    client = chromadb.EphemeralClient(Settings(anonymized_telemetry=False))
    articles = client.create_collection("articles", embedding_function=Embedder())
    articles.add(ids=["a1", "a2"], documents=["The moon pulls.", "So does the sun."], embeddings=[VECTOR, VECTOR[::-1]])
    yield articles
    client.delete_collection("articles")


def test_a_store_in_the_process_is_recorded_without_a_server(telemetry: Telemetry, local: Any) -> None:
    expected = local.query(query_texts=["What makes tides?"], n_results=2)
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert local.query(None, ["What makes tides?"], n_results=2) == expected
    attributes = telemetry.attributes()
    documents = json.loads(attributes.pop(names.RETRIEVAL_DOCUMENTS))
    assert [(document["id"], document["content"]) for document in documents] == [
        ("a1", "The moon pulls."), ("a2", "So does the sun."),
    ]  # fmt: skip
    assert [document["distance"] for document in documents] == pytest.approx(expected["distances"][0])
    assert attributes == {
        names.OPERATION_NAME: "retrieval", names.DATA_SOURCE_ID: "articles", names.RETRIEVAL_TOP_K: 2,
        names.REQUEST_MODEL: MODEL, names.RETRIEVAL_QUERY_TEXT: "What makes tides?", names.END_REASON: "completed",
        names.RETRIEVAL_COUNT: 2,
    }  # fmt: skip
    assert telemetry.span().kind is SpanKind.CLIENT


def test_what_only_looks_up_or_writes_is_left_alone(telemetry: Telemetry, local: Any) -> None:
    telemetry.instrument()
    local.get(ids=["a1"])
    local.get(where_document={"$contains": "moon"})
    local.peek()
    local.count()
    local.upsert(ids=["a1"], documents=["The moon pulls."])
    assert not telemetry.spans()


def test_a_refusal_of_the_client_itself_is_an_error(telemetry: Telemetry, local: Any) -> None:
    telemetry.instrument()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - each version words it differently
        local.query()
    assert telemetry.attributes()[names.ERROR_TYPE] == type(caught.value).__qualname__


def test_without_content_no_word_of_query_or_document_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    reply = answered([("a1", 0.5, CANARY)])
    collection(lambda _: httpx.Response(200, json=reply)).query(query_texts=CANARY)
    with pytest.raises(Exception, match=CANARY):
        collection(lambda _: httpx.Response(500, text=CANARY)).query(query_texts=CANARY)
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    reply = {**answered([MOON]), "embeddings": [[VECTOR]], "documents": None}
    answer = collection(lambda _: httpx.Response(200, json=reply)).query(
        query_embeddings=[VECTOR], include=["embeddings", "metadatas", "distances"]
    )
    assert answer["embeddings"] is not None
    attributes = telemetry.attributes()
    assert json.loads(attributes[names.RETRIEVAL_DOCUMENTS]) == [
        {"id": "a1", "distance": 0.25, "content": {"title": "Tides"}}
    ]
    assert not {names.RETRIEVAL_QUERY_TEXT, names.REQUEST_MODEL} & attributes.keys()
    assert "1.875" not in telemetry.everything()


class ByOpenAI(Embedder):
    """Embeds by a client that is recorded."""

    def __call__(self, input: Any) -> Any:  # noqa: A002 - the client asks for this name
        api = openai_client(answering(json_response(EMBEDDINGS_REPLY)))
        return [each.embedding for each in api.embeddings.create(model=self.model_name, input=list(input)).data]


def test_what_embeds_for_the_collection_is_a_step_of_the_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    collection(found, embedding=ByOpenAI("text-embedding-3-small")).query(query_texts=CANARY)
    embedding, retrieval = telemetry.spans()
    assert (embedding.name, retrieval.name) == ("embeddings text-embedding-3-small", "retrieval articles")
    assert embedding.parent is not None
    assert embedding.parent.span_id == retrieval.context.span_id
    assert plain(retrieval.attributes)[names.RETRIEVAL_QUERY_TEXT] == CANARY


def test_a_retrieval_of_the_applications_own_holds_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        collection(found).query(query_embeddings=[VECTOR])
    assert telemetry.span().name == "retrieval corpus"


def ranked() -> dict[str, Any]:
    """A reply of `/search`."""
    ids, distances, texts = zip(MOON, SUN, strict=True)
    empty = {"metadatas": [None], "embeddings": [None], "select": [["#document"]]}
    return {"ids": [list(ids)], "scores": [list(distances)], "documents": [list(texts)], **empty}


def search(asked: Any) -> Any:
    return collection(lambda _: httpx.Response(200, json=ranked())).search(asked)


@searches
def test_a_hybrid_search_is_a_retrieval(telemetry: Telemetry) -> None:
    near = chromadb.Knn(query=CANARY, return_rank=True), chromadb.Knn(query=VECTOR, return_rank=True)
    rank = chromadb.Rrf(list(near), weights=[2.0, 1.0])
    expected = search(chromadb.Search(rank=rank, limit=5))
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert search(chromadb.Search(rank=rank, limit=5)) == expected
    attributes = telemetry.attributes()
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.RETRIEVAL_TOP_K]) == (CANARY, 5)
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.SERVER_ADDRESS]) == ("articles", "chroma.example")
    assert json.loads(attributes[names.RETRIEVAL_DOCUMENTS]) == [
        {("score" if name == "distance" else name): value for name, value in document.items()} for document in DOCUMENTS
    ]


@searches
def test_a_search_that_looks_for_no_neighbour_is_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument()
    search(chromadb.Search(where={"title": "Tides"}, limit=5))
    search([chromadb.Search(rank={"$val": 1.0}, limit=5)])
    assert not telemetry.spans()
    search([chromadb.Search(limit=5), chromadb.Search(rank=chromadb.Knn(query=VECTOR) * 0.5 + 1.0, limit=3)])
    assert names.RETRIEVAL_TOP_K not in telemetry.attributes()
