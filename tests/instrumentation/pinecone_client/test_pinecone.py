"""What only Pinecone has: what ranks nothing, its search of documents, gRPC, several namespaces, older ways to call."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import throughline
from instrumentation.pinecone_client.exchanges import DOCUMENTS, HOST, MOON, NAMESPACE, SUN, VECTOR, hit, matched
from instrumentation.pinecone_client.wire import client, failure
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind, StatusCode
from pinecone.grpc import GrpcIndex
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"


def found(*matches: dict[str, Any]) -> Any:
    return lambda _request: httpx.Response(200, json=matched(*matches))


def test_what_only_looks_up_or_writes_is_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument()
    empty = {"vectors": {}, "namespace": NAMESPACE, "upsertedCount": 1, "namespaces": {}, "usage": {"readUnits": 1}}
    api = client(lambda _: httpx.Response(200, json=empty))
    api.fetch(ids=["a1"], namespace=NAMESPACE)
    api.upsert(vectors=[("a1", VECTOR)], namespace=NAMESPACE)
    api.describe_index_stats()
    api.delete(ids=["a1"])
    assert not telemetry.spans()
    assert not telemetry.points()


@pytest.mark.parametrize("query", [{"id": "a1"}, {"sparse_vector": {"indices": [1], "values": [0.5]}}])
def test_whatever_it_is_near_to_a_query_is_a_retrieval(telemetry: Telemetry, query: dict[str, Any]) -> None:
    telemetry.instrument()
    client(found(MOON)).query(top_k=3, **query)
    attributes = telemetry.attributes()
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.RETRIEVAL_TOP_K]) == ("articles-en", 3)


@pytest.mark.parametrize(
    ("host", "source", "address", "port"),
    [
        (f"https://{HOST}", "articles-en", HOST, 443),
        ("books-abc1234.svc.private.aped-4627-b74a.pinecone.io:8443", "books",
         "books-abc1234.svc.private.aped-4627-b74a.pinecone.io", 8443),
        ("http://localhost:5081", None, "localhost", 5081),
    ],
)  # fmt: skip
def test_the_index_is_told_by_its_host(
    telemetry: Telemetry, host: str, source: str | None, address: str, port: int
) -> None:
    telemetry.instrument()
    client(found(MOON), host=host).query(top_k=1, vector=VECTOR)
    attributes = telemetry.attributes()
    assert telemetry.span().name == " ".join(filter(None, ("retrieval", source)))
    assert (attributes.get(names.DATA_SOURCE_ID), attributes[names.SERVER_ADDRESS]) == (source, address)
    assert attributes[names.SERVER_PORT] == port


DOCUMENTS_REPLY = {
    "matches": [
        {"_id": "a1", "_score": 0.875, "title": "Tides", "vector": VECTOR},
        {"_id": "a2", "_score": 0.5, "fields": {"a": 1}},
    ],
    "namespace": NAMESPACE,
    "usage": {"read_units": 5},
}
CLAUSES = [
    {"type": "text", "query": "What makes tides?", "fields": ["title"]},
    {"type": "query_string", "query": "title:tide^2"},
]


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_a_search_of_documents_is_a_retrieval(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(lambda _: httpx.Response(200, json=DOCUMENTS_REPLY), asynchronous=asynchronous)
    if not hasattr(api, "documents"):
        pytest.skip("older versions have only a preview of it")
    answer = api.documents.search(namespace=NAMESPACE, top_k=2, score_by=CLAUSES)
    assert [match.id for match in (await answer if asynchronous else answer).matches] == ["a1", "a2"]
    attributes = telemetry.attributes()
    assert attributes[names.RETRIEVAL_QUERY_TEXT] == "What makes tides?\ntitle:tide^2"
    assert attributes[names.RETRIEVAL_TOP_K] == 2
    assert json.loads(attributes[names.RETRIEVAL_DOCUMENTS]) == [
        {"id": "a1", "score": 0.875, "content": {"title": "Tides"}},
        {"id": "a2", "score": 0.5, "content": {"fields": {"a": 1}}},
    ]


def test_without_content_no_word_of_query_or_record_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    reply = hit({"_id": "a1", "_score": 0.5, "fields": {"text": CANARY}})
    client(lambda _: httpx.Response(200, json=reply)).search(namespace="n", top_k=1, inputs={"text": CANARY})
    with pytest.raises(Exception, match="no"):
        client(lambda _: httpx.Response(400, json={"code": 3, "message": f"no {CANARY}"})).query(top_k=1, id=CANARY)
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    answer = client(found(MOON)).query(top_k=1, vector=VECTOR, include_values=True, include_metadata=True)
    assert answer.matches[0].values == VECTOR
    assert "1.875" not in telemetry.everything()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_several_namespaces_are_asked_by_one_retrieval(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(answering(found(MOON)(None), found(SUN)(None)), asynchronous=asynchronous)
    answer = api.query_namespaces(namespaces=["one", "two"], metric="cosine", vector=VECTOR, include_metadata=True)
    assert len((await answer if asynchronous else answer).matches) == 2
    attributes = telemetry.attributes()
    assert attributes[names.RETRIEVAL_TOP_K] == 10
    assert json.loads(attributes[names.RETRIEVAL_DOCUMENTS]) == DOCUMENTS


def test_so_are_they_where_one_refuses(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception, match="no"):
        client(answering(failure(400))).query_namespaces(namespaces=["one", "two"], metric="cosine", vector=VECTOR)
    assert telemetry.span().status.status_code is StatusCode.ERROR


def test_a_query_in_a_thread_of_the_clients_is_recorded(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(found(MOON))
    assert [match.id for match in api.query(top_k=1, vector=VECTOR, async_req=True).get(5).matches] == ["a1"]
    api.close()
    assert telemetry.span().name == "retrieval articles-en"


def test_an_index_made_before_it_is_switched_on_is_recorded(telemetry: Telemetry) -> None:
    api = client(found(MOON))
    telemetry.instrument()
    api.query(top_k=1, vector=VECTOR)
    assert telemetry.span()


class _UnavailableError(Exception):
    """What a channel raises."""


def by_grpc(answer: Any) -> Any:
    """An index that is asked by gRPC, in the place of whose channel this answers."""
    index = GrpcIndex(host=HOST, api_key="key")
    index._channel = SimpleNamespace(query=answer)
    return index


def grpc_reply(*_args: Any, **_options: Any) -> dict[str, Any]:
    return {"matches": [MOON, SUN], "namespace": NAMESPACE, "usage": {"read_units": 5}}


def test_grpc_is_recorded(telemetry: Telemetry) -> None:
    expected = by_grpc(grpc_reply).query(top_k=2, vector=VECTOR, include_metadata=True)
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert by_grpc(grpc_reply).query(top_k=2, vector=VECTOR, include_metadata=True) == expected
    attributes = telemetry.attributes()
    assert json.loads(attributes.pop(names.RETRIEVAL_DOCUMENTS)) == DOCUMENTS
    assert attributes == {
        names.OPERATION_NAME: "retrieval", names.DATA_SOURCE_ID: "articles-en", names.RETRIEVAL_TOP_K: 2,
        names.SERVER_ADDRESS: HOST, names.SERVER_PORT: 443, names.RETRIEVAL_COUNT: 2,
        names.RETRIEVAL_TOP_SCORE: 0.875, names.END_REASON: "completed",
    }  # fmt: skip
    assert telemetry.span().kind is SpanKind.CLIENT


def test_a_channels_error_is_the_callers(telemetry: Telemetry) -> None:
    telemetry.instrument()
    error = _UnavailableError("unavailable")

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise error

    with pytest.raises(_UnavailableError) as caught:
        by_grpc(refuse).query(top_k=1, id="a1")
    assert caught.value is error
    assert telemetry.attributes()[names.ERROR_TYPE] == "_UnavailableError"


def test_by_grpc_several_namespaces_are_one_retrieval_and_a_future_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = by_grpc(grpc_reply)
    api.query_namespaces(namespaces=["one", "two"], metric="cosine", vector=VECTOR, top_k=3)
    api.query_async(top_k=4, vector=VECTOR).result()
    assert [plain(span.attributes)[names.RETRIEVAL_TOP_K] for span in telemetry.spans()] == [3, 4]


@pytest.mark.parametrize("headers", [{}, {"retry-after": "0"}])
def test_each_attempt_that_was_refused_is_told_once(telemetry: Telemetry, headers: dict[str, str]) -> None:
    telemetry.instrument()
    answers = answering(failure(503, headers), httpx.ConnectError("no"), found(MOON)(None))
    try:
        raise KeyError  # noqa: TRY301 - what the application handles meanwhile
    except KeyError:
        client(answers, retries=2).query(top_k=1, vector=VECTOR)
    events = [plain(event.attributes or {}) for event in telemetry.span().events]
    assert [event.get(names.ERROR_TYPE) or event[names.HTTP_RESPONSE_STATUS_CODE] for event in events] == [
        503, "ConnectError",
    ]  # fmt: skip
    assert telemetry.attributes()[names.ATTEMPT_COUNT] == 3


def test_a_retrieval_of_the_applications_own_holds_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        client(found(MOON)).query(top_k=1, vector=VECTOR)
    assert telemetry.span().name == "retrieval corpus"
