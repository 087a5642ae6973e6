"""What only Qdrant has: queries that rank nothing, its local mode, gRPC, and what the client itself embeds by."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import httpx
import numpy
import pytest
import qdrant_client
import throughline
from instrumentation.openai_client.wire import client as openai_client
from instrumentation.openai_client.wire import json_response
from instrumentation.qdrant_client.exchanges import MODEL, MOON, SUN, VECTOR, answered, words
from instrumentation.qdrant_client.wire import client
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind
from qdrant_client import grpc as qdrant_grpc
from qdrant_client import models
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"
FILTER = models.Filter(must=[models.FieldCondition(key="title", match=models.MatchValue(value="Tides"))])
LISTING = models.OrderByQuery(order_by=models.OrderBy(key="date"))

RETRIEVALS: dict[str, Any] = {
    "a vector": {"query": VECTOR},
    "a vector of numpy": {"query": numpy.array(VECTOR)},
    "several vectors": {"query": [VECTOR, VECTOR]},
    "a sparse vector": {"query": models.SparseVector(indices=[1], values=[0.5])},
    "a point by its id": {"query": 42},
    "a point by its name": {"query": "5c56c793-69f3-4fbf-87e6-c4bf54c28c26"},
    "a text": {"query": words(CANARY)},
    "a text to be embedded anyhow": {"query": models.InferenceObject(object=CANARY, model="m")},
    "a vector beside a filter": {"query": VECTOR, "query_filter": FILTER},
    "examples": {"query": models.RecommendQuery(recommend=models.RecommendInput(positive=[1], negative=[2]))},
    "a vector prefetched, then listed": {"query": LISTING, "prefetch": models.Prefetch(query=VECTOR)},
    "a fusion": {"query": models.FusionQuery(fusion=models.Fusion.RRF), "prefetch": [models.Prefetch(query=VECTOR)]},
    "a fusion of fusions": {
        "query": models.FusionQuery(fusion=models.Fusion.DBSF),
        "prefetch": models.Prefetch(prefetch=models.Prefetch(query=words(CANARY))),
    },
}
OTHERS: dict[str, Any] = {
    "nothing": {},
    "a filter alone": {"query_filter": FILTER},
    "a listing": {"query": LISTING},
    "a sample": {"query": models.SampleQuery(sample=models.Sample.RANDOM)},
    "a fusion of listings": {
        "query": models.FusionQuery(fusion=models.Fusion.RRF), "prefetch": [models.Prefetch(query=LISTING)],
    },
    "a formula over a filter": {
        "query": models.FormulaQuery(formula="likes"), "prefetch": models.Prefetch(filter=FILTER),
    },
}  # fmt: skip


def found(*points: dict[str, Any]) -> Any:
    return lambda _request: httpx.Response(200, json=answered({"points": list(points)}))


@pytest.mark.parametrize("name", list(RETRIEVALS))
def test_what_ranks_points_is_a_retrieval(telemetry: Telemetry, name: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    client(found(MOON)).query_points("articles", **RETRIEVALS[name])
    attributes = telemetry.attributes()
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.RETRIEVAL_TOP_K]) == ("articles", 10)
    assert (attributes.get(names.RETRIEVAL_QUERY_TEXT) == CANARY) is (CANARY in str(RETRIEVALS[name]))


@pytest.mark.parametrize("name", list(OTHERS))
def test_what_ranks_nothing_is_left_alone(telemetry: Telemetry, name: str) -> None:
    telemetry.instrument()
    client(found(MOON)).query_points(collection_name="articles", **OTHERS[name])
    assert not telemetry.spans()
    assert not telemetry.points()


def test_several_queries_of_which_none_ranks_are_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: httpx.Response(200, json=answered([{"points": [MOON]}])))
    api.query_batch_points("articles", [models.QueryRequest(filter=FILTER, limit=3)])
    assert not telemetry.spans()
    api.query_batch_points("articles", [models.QueryRequest(limit=3), models.QueryRequest(query=VECTOR, limit=5)])
    assert names.RETRIEVAL_TOP_K not in telemetry.attributes()


def test_requests_that_come_from_an_iterator_are_left_to_the_client(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.extend(json.loads(request.content)["searches"])
        return httpx.Response(200, json=answered([{"points": [MOON]}]))

    queries: Iterator[Any] = (models.QueryRequest(query=VECTOR, limit=limit) for limit in (3, 5))
    client(handler).query_batch_points("articles", queries)
    assert [search["limit"] for search in sent] == [3, 5]


def test_no_other_call_is_a_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: httpx.Response(200, json=answered({"points": [MOON | {"payload": {}}], "count": 1})))
    api.scroll("articles", scroll_filter=FILTER)
    api.count("articles")
    assert not telemetry.spans()


def test_without_content_no_word_of_query_or_point_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(found({**MOON, "payload": {"text": CANARY}})).query_points("articles", query=words(CANARY))
    with pytest.raises(Exception, match="no"):
        client(lambda _: httpx.Response(400, json={"status": {"error": f"no {CANARY}"}})).query_points(
            "a", query=VECTOR
        )
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    point = {**MOON, "vector": {"dense": VECTOR}}
    client(found(point)).query_points("articles", query=VECTOR, with_vectors=True)
    assert "1.875" not in telemetry.everything()


@pytest.fixture
def local() -> Iterator[Any]:
    """A store in this very process, with two points."""
    api = qdrant_client.QdrantClient(":memory:")
    api.create_collection("articles", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    points = [models.PointStruct(id=n, vector=[n, 1.0], payload={"text": f"point {n}"}) for n in (1, 2)]
    api.upsert("articles", points)
    yield api
    api.close()


def test_the_local_mode_is_recorded_without_a_server(telemetry: Telemetry, local: Any) -> None:
    expected = local.query_points("articles", query=[1.0, 0.0], limit=2)
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    assert local.query_points("articles", [1.0, 0.0], limit=2) == expected
    attributes = telemetry.attributes()
    documents = json.loads(attributes.pop(names.RETRIEVAL_DOCUMENTS))
    assert documents == [{"id": str(n), "score": float(n), "content": {"text": f"point {n}"}} for n in (2, 1)]
    assert attributes == {
        names.OPERATION_NAME: "retrieval", names.DATA_SOURCE_ID: "articles", names.RETRIEVAL_TOP_K: 2,
        names.RETRIEVAL_COUNT: 2, names.RETRIEVAL_TOP_SCORE: 2.0, names.END_REASON: "completed",
    }  # fmt: skip
    assert (telemetry.span().name, telemetry.span().kind) == ("retrieval articles", SpanKind.CLIENT)


async def test_so_is_the_asynchronous_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = qdrant_client.AsyncQdrantClient(":memory:")
    await api.create_collection("articles", vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT))
    with pytest.raises(ValueError, match="nothing"):
        await api.query_points("nothing", query=[1.0, 0.0])
    assert (await api.query_points("articles", query=[1.0, 0.0])).points == []
    await api.close()
    assert [span.name for span in telemetry.spans()] == ["retrieval nothing", "retrieval articles"]
    assert plain(telemetry.spans()[0].attributes)[names.ERROR_TYPE] == "ValueError"


class _Refused(grpc.RpcError):
    """What a channel raises."""


def by_grpc(monkeypatch: pytest.MonkeyPatch, answer: Any) -> Any:
    """A client that speaks gRPC, whose stub answers so."""
    api = client(found(), prefer_grpc=True, grpc_port=6334)
    stub = SimpleNamespace(Query=answer)
    monkeypatch.setattr(type(api._client), "grpc_points", property(lambda _self: stub))
    return api


def test_grpc_is_recorded_with_its_own_port(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    point = qdrant_grpc.ScoredPoint(
        id=qdrant_grpc.PointId(num=1), score=0.5, payload={"text": qdrant_grpc.Value(string_value="The moon pulls.")}
    )
    reply = qdrant_grpc.QueryResponse(result=[point], time=0.001)
    api = by_grpc(monkeypatch, lambda *_args, **_options: reply)
    assert api.query_points("articles", query=VECTOR).points[0].id == 1
    attributes = telemetry.attributes()
    assert (attributes[names.SERVER_ADDRESS], attributes[names.SERVER_PORT]) == ("points.example", 6334)
    documents = [{"id": "1", "score": 0.5, "content": {"text": "The moon pulls."}}]
    assert json.loads(attributes[names.RETRIEVAL_DOCUMENTS]) == documents


def test_a_channels_error_is_the_callers(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.instrument()
    error = _Refused("unavailable")

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise error

    with pytest.raises(_Refused) as caught:
        by_grpc(monkeypatch, refuse).query_points("articles", query=VECTOR)
    assert caught.value is error
    assert telemetry.attributes()[names.ERROR_TYPE] == "_Refused"


def test_what_the_client_embeds_by_another_one_is_its_step(
    telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's own embedding needs weights, so another model stands in for it, by a client that is recorded."""
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(found(MOON), cloud_inference=False)

    def embedded(asked: Any, **_options: Any) -> Any:
        openai_client(answering(json_response(EMBEDDED))).embeddings.create(model="m", input="x")
        yield models.NearestQuery(nearest=VECTOR)

    monkeypatch.setattr(api, "_embed_models", embedded)
    api.query_points("articles", query=words(CANARY))
    embedding, retrieval = telemetry.spans()
    assert (embedding.name, retrieval.name) == ("embeddings m", "retrieval articles")
    assert embedding.parent is not None
    assert embedding.parent.span_id == retrieval.context.span_id
    attributes = plain(retrieval.attributes)
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.REQUEST_MODEL]) == (CANARY, MODEL)


EMBEDDED = {"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": VECTOR}]}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("search", {"query_vector": VECTOR, "limit": 5}),
        ("recommend", {"positive": [1], "limit": 5}),
        ("discover", {"target": VECTOR, "limit": 5}),
        ("search_batch", {"requests": []}),
    ],
)
def test_what_older_versions_have_is_recorded_too(telemetry: Telemetry, method: str, arguments: dict[str, Any]) -> None:
    api = client(lambda _: httpx.Response(200, json=answered([] if method == "search_batch" else [MOON, SUN])))
    if not hasattr(api, method):
        pytest.skip("the newest has it no more")
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    getattr(api, method)(collection_name="articles", **arguments)
    attributes = telemetry.attributes()
    assert attributes[names.DATA_SOURCE_ID] == "articles"
    if method != "search_batch":
        assert attributes[names.RETRIEVAL_TOP_K] == 5
        assert [document["id"] for document in json.loads(attributes[names.RETRIEVAL_DOCUMENTS])] == ["1", SUN["id"]]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_text_that_older_versions_embed_is_the_query(telemetry: Telemetry) -> None:
    api = client(found(MOON))
    if not hasattr(api, "query"):
        pytest.skip("the newest has it no more")
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    with pytest.raises(ImportError):  # what embeds it is not installed
        api.query("articles", CANARY, limit=3)
    attributes = telemetry.attributes()
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.RETRIEVAL_TOP_K]) == (CANARY, 3)
    assert attributes[names.ERROR_TYPE] == "ImportError"


def test_a_retrieval_of_the_applications_own_holds_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        client(found(MOON)).query_points("articles", query=VECTOR)
    assert telemetry.span().name == "retrieval corpus"


def test_it_stays_a_coroutine_function(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert inspect.iscoroutinefunction(qdrant_client.AsyncQdrantClient.query_points)
    assert not inspect.iscoroutinefunction(qdrant_client.QdrantClient.query_points)
