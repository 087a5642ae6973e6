"""What only Elasticsearch has: which searches are retrievals, its own spans, several nodes, and who else is around."""

from __future__ import annotations

import copy
import json
from typing import Any

import elasticsearch
import httpx
import pytest
import throughline
from elastic_transport import ObjectApiResponse, RoundRobinSelector
from elasticsearch import helpers
from hypothesis import given
from hypothesis import strategies as st
from instrumentation.elasticsearch_client.exchanges import DOCUMENTS, MOON, SUN, TEXT_QUERY, VECTOR, found
from instrumentation.elasticsearch_client.wire import client, failure, reply
from instrumentation.harmless import fuzzing, mutated
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry import trace
from opentelemetry.trace import StatusCode
from throughline import ContentMode, names
from throughline.store import queries
from throughline.store.queries import Search

CANARY = "a secret that nobody may read"
WORDS = {"match": {"text": CANARY}}
TERM = {"term": {"status": "published"}}
KNN = {"field": "embedding", "query_vector": VECTOR, "k": 3}
SIMILAR = {"source": "cosineSimilarity(params.v, 'embedding') + 1.0", "params": {"v": VECTOR}}

RETRIEVALS: dict[str, Any] = {
    "words": {"query": WORDS},
    "words in several fields": {"query": {"multi_match": {"query": CANARY, "fields": ["a", "b"]}}},
    "a query string": {"query": {"query_string": {"query": CANARY}}},
    "words beside a filter": {"query": {"bool": {"must": [WORDS], "filter": [TERM]}}},
    "words as a lone clause": {"query": {"bool": {"should": WORDS}}},
    "words with a function": {"query": {"function_score": {"query": WORDS, "random_score": {}}}},
    "words in something nested": {"query": {"nested": {"path": "p", "query": WORDS}}},
    "words, the best first": {"query": WORDS, "sort": ["_score", {"date": "desc"}]},
    "words, the best first on equal days": {"query": WORDS, "sort": "date:desc,_score"},
    "words, the best first of all": {"query": WORDS, "sort": {"_score": {"order": "desc"}}},
    "words and figures": {"query": WORDS, "aggs": {"a": {"terms": {"field": "status"}}}},
    "like this": {"query": {"more_like_this": {"fields": ["text"], "like": CANARY}}},
    "vectors": {"knn": KNN},
    "vectors, by date": {"knn": KNN, "sort": [{"date": "desc"}]},
    "vectors as a query": {"query": {"knn": KNN}},
    "vectors by script": {"query": {"script_score": {"query": {"match_all": {}}, "script": SIMILAR}}},
    "vectors by a script in short": {
        "query": {"script_score": {"query": {"match_all": {}}, "script": SIMILAR["source"]}}
    },
    "several vectors": {"knn": [KNN, KNN]},
    "meaning": {"query": {"semantic": {"field": "text", "query": CANARY}}},
    "learned tokens": {"query": {"sparse_vector": {"field": "t", "inference_id": "elser", "query": CANARY}}},
    "learned tokens, as it was": {"query": {"text_expansion": {"t": {"model_id": "elser", "model_text": CANARY}}}},
    "a retriever of words": {"retriever": {"standard": {"query": WORDS}}},
    "a retriever by weights": {"retriever": {"linear": {"retrievers": [{"retriever": {"knn": KNN}, "weight": 2}]}}},
    "retrievers made of text": {"retriever": {"rrf": {"query": CANARY, "fields": ["text"]}}},
    "a better order": {
        "retriever": {
            "text_similarity_reranker": {
                "retriever": {"standard": {"query": {"match_all": {}}}}, "field": "text", "inference_text": CANARY,
            }
        }
    },
}  # fmt: skip
OTHERS: dict[str, Any] = {
    "everything": {"query": {"match_all": {}}},
    "nothing said": {},
    "a term": {"query": TERM},
    "a range": {"query": {"range": {"date": {"gte": "now-1d"}}}},
    "words that only filter": {"query": {"bool": {"filter": [WORDS], "must": [TERM]}}},
    "words that must not be there": {"query": {"bool": {"must_not": [WORDS]}}},
    "words whose score is constant": {"query": {"constant_score": {"filter": WORDS}}},
    "a number": {"query": {"match": {"age": 42}}},
    "a query string of everything": {"query": {"query_string": {"query": "*"}}},
    "figures alone": {"query": WORDS, "size": 0, "aggs": {"a": {"terms": {"field": "status"}}}},
    "figures of vectors": {"knn": KNN, "size": 0},
    "a listing by date": {"query": WORDS, "sort": [{"date": "desc"}]},
    "a listing by a score of the documents' own": {"query": WORDS, "sort": ["health_score", {"_scored": "asc"}]},
    "a listing by one field": {"query": WORDS, "sort": "date:desc"},
    "a score by popularity": {
        "query": {"script_score": {"query": {"match_all": {}}, "script": {"source": "doc['likes'].value"}}}
    },
    "a retriever that looks up": {"retriever": {"standard": {"query": TERM}}},
}


def search(body: dict[str, Any], **more: Any) -> Any:
    return client(lambda _: reply(found(MOON, SUN))).search(index="articles", body=body, **more)


@pytest.mark.parametrize("name", list(RETRIEVALS))
def test_what_ranks_by_meaning_or_words_is_a_retrieval(telemetry: Telemetry, name: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    search(RETRIEVALS[name])
    attributes = telemetry.attributes()
    assert attributes[names.OPERATION_NAME] == "retrieval"
    assert (attributes.get(names.RETRIEVAL_QUERY_TEXT) == CANARY) is (CANARY in json.dumps(RETRIEVALS[name]))


@pytest.mark.parametrize("name", list(OTHERS))
def test_any_other_search_is_left_alone(telemetry: Telemetry, name: str) -> None:
    telemetry.instrument()
    search(OTHERS[name])
    assert not telemetry.spans()
    assert not telemetry.points()


@fuzzing
@given(data=st.data())
def test_a_search_of_any_shape_passes_as_it_is(telemetry: Telemetry, data: st.DataObject) -> None:
    """No complaint either: what is wrong with a search, its server says."""
    body = data.draw(mutated(data.draw(st.sampled_from([*RETRIEVALS.values(), *OTHERS.values()]))))
    sent: list[Any] = []

    def handler(request: Any) -> Any:
        sent.append(request.content)
        return reply(found(MOON))

    throughline.uninstrument()
    client(handler).search(index="a", body=copy.deepcopy(body))
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    passed = copy.deepcopy(body)
    client(handler).search(index="a", body=passed)
    assert sent[0] == sent[1]
    assert passed == body


def test_the_words_of_the_url_count_as_well(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    api = client(lambda _: reply(found(MOON)))
    api.search(index=["a", "b"], q=CANARY, size=5)
    api.search(index="a", q="*")
    api.search(index="a", q=CANARY, sort="date:desc")
    api.search(index="a", q=CANARY, scroll="1m")
    attributes = telemetry.attributes()
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.RETRIEVAL_TOP_K]) == ("a,b", 5)
    assert attributes[names.RETRIEVAL_QUERY_TEXT] == CANARY


def test_no_other_call_is_a_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: reply({**found(MOON), "_scroll_id": "s", "count": 1, "_id": "a", "items": []}))
    api.count(index="a", query=WORDS)
    api.get(index="a", id="1")
    api.index(index="a", document={"text": CANARY})
    api.indices.get(index="a")
    api.delete_by_query(index="a", query=WORDS)
    assert not telemetry.spans()


def test_what_throughline_itself_asks_of_its_records_is_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: reply(found()))
    wanted = Search(user="ada", text=CANARY, since="now-1h", status="ok")
    assert queries.find(api, queries.RECORDS, wanted) == queries.spans(api, "1" * 32) == []
    assert queries.total(api, wanted).calls == 0
    assert queries.top(api, "model", wanted) == queries.traces_like(api, "1") == []
    assert queries.record(api, "1") is None
    assert not telemetry.spans()


def test_the_clients_own_query_language_is_seen_as_well(telemetry: Telemetry) -> None:
    dsl = pytest.importorskip("elasticsearch.dsl")
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    asked = dsl.Search(using=client(lambda _: reply(found(MOON))), index="articles")
    assert [hit.text for hit in asked.query("match", text=CANARY)[:4].execute()] == ["The moon pulls."]
    asked.filter("term", status="published").execute()
    attributes = telemetry.attributes()
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.RETRIEVAL_TOP_K]) == (CANARY, 4)


def test_the_old_search_for_vectors_is_a_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument()
    headers = {"accept": "application/json", "content-type": "application/json"}
    api = client(lambda _: reply(found(MOON)))
    api.perform_request("GET", "/one%20two/_knn_search", headers=headers, body={"knn": KNN})
    assert telemetry.span().name == "retrieval one two"
    assert telemetry.attributes()[names.RETRIEVAL_TOP_K] == 3


def test_searches_sent_as_text_are_left_to_the_client(telemetry: Telemetry) -> None:
    telemetry.instrument()
    headers = {"accept": "application/json", "content-type": "application/json"}
    api = client(lambda _: reply(found(MOON)))
    api.perform_request("POST", "/a/_search", headers=headers, body=json.dumps({"query": WORDS}))
    api.msearch(searches=["{}", json.dumps({"query": WORDS})])
    assert not telemetry.spans()


def test_the_helpers_are_untouched(telemetry: Telemetry) -> None:
    pages = answering(lambda: reply({**found(MOON), "_scroll_id": "s"}), lambda: reply({**found(), "_scroll_id": "s"}))
    telemetry.instrument()
    assert [hit["_id"] for hit in helpers.scan(client(pages), index="a", query={"query": WORDS})] == ["a1"]
    done = reply({"errors": False, "items": [{"index": {"_id": "1", "status": 201}}]})
    assert helpers.bulk(client(lambda _: done), [{"_index": "a", "_id": "1", "text": "x"}]) == (1, [])
    assert not telemetry.spans()


def test_without_content_no_word_of_query_or_document_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    secret = {"_index": "articles", "_id": "a1", "_score": 1.0, "_source": {"text": CANARY}}
    client(lambda _: reply(found(secret))).search(index="articles", query=WORDS)
    with pytest.raises(elasticsearch.BadRequestError):
        client(lambda _: reply({"error": {"type": "e", "reason": CANARY}, "status": 400}, 400)).search(query=WORDS)
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    sparse = {f"token{number}": 0.5 for number in range(9)}
    source = {"text": "a", "chunks": [{"text": "b", "vector": VECTOR}], "tokens": sparse, "place": [35.0, 139.0]}
    hit = {"_index": "i", "_id": "1", "_score": 1.0, "_source": source}
    client(lambda _: reply(found(hit))).search(index="i", knn=KNN)
    (document,) = json.loads(telemetry.attributes()[names.RETRIEVAL_DOCUMENTS])
    assert document["content"] == {"text": "a", "chunks": [{"text": "b"}], "place": [35.0, 139.0]}
    assert "1.875" not in telemetry.everything()


def test_one_of_several_searches_that_fails_is_an_error(telemetry: Telemetry) -> None:
    telemetry.instrument()
    failed = {"error": {"type": "index_not_found_exception", "reason": "no"}, "status": 404}
    api = client(lambda _: reply({"took": 1, "responses": [found(MOON), failed]}))
    api.msearch(index="a", searches=[{}, {"query": WORDS, "size": 2}, {"index": "b"}, {"query": TERM, "size": 3}])
    attributes = telemetry.attributes()
    assert attributes[names.ERROR_TYPE] == "index_not_found_exception"
    assert (attributes[names.DATA_SOURCE_ID], attributes.get(names.RETRIEVAL_TOP_K)) == ("a,b", None)
    assert telemetry.span().status.status_code is StatusCode.ERROR


def test_several_searches_of_which_none_ranks_are_none(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: reply({"took": 1, "responses": [found(MOON)]}))
    api.msearch(searches=[{"index": "a"}, {"query": TERM}, {"index": "a"}, {"query": WORDS, "size": 0}])
    assert not telemetry.spans()


def test_an_error_that_the_caller_asked_to_get_as_a_reply_is_one(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(lambda _: failure("index_not_found_exception", 404)()).options(ignore_status=404)
    assert api.search(index="a", query=WORDS)["status"] == 404
    assert telemetry.attributes()[names.ERROR_TYPE] == "index_not_found_exception"


def test_each_node_that_failed_is_an_attempt(telemetry: Telemetry) -> None:
    telemetry.instrument()
    answers = answering(httpx.ConnectError("no"), failure("unavailable", 503), lambda: reply(found(MOON)))
    nodes = ["http://one:9200", "http://two:9201"]
    api = client(answers, url=nodes, retries=3, node_selector_class=RoundRobinSelector, randomize_nodes_in_pool=False)
    api.search(index="a", query=WORDS)
    events = [plain(event.attributes or {}) for event in telemetry.span().events]
    assert [event.get(names.ERROR_TYPE) or event[names.HTTP_RESPONSE_STATUS_CODE] for event in events] == [
        "ConnectionError", 503,
    ]  # fmt: skip
    attributes = telemetry.attributes()
    assert (attributes[names.SERVER_ADDRESS], attributes[names.SERVER_PORT]) == ("one", 9200)
    assert attributes[names.ATTEMPT_COUNT] == 3


@pytest.fixture
def own_spans(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> Telemetry:
    """The client's own tracing switched on, into the same exporter; older versions have none."""
    otel = pytest.importorskip("elasticsearch._otel")
    tracer = telemetry.tracer_provider.get_tracer("elasticsearch-api")
    monkeypatch.setattr(otel, "_tracer", tracer)
    return telemetry


async def both(body: dict[str, Any]) -> None:
    search(body)
    await client(lambda _: reply(found(MOON)), asynchronous=True).search(index="articles", body=body)


async def test_a_retrieval_is_one_span_and_any_other_call_keeps_the_clients_own(own_spans: Telemetry) -> None:
    await both(RETRIEVALS["words"])
    assert [span.name for span in own_spans.spans()] == ["search", "search"]
    own_spans.instrument()
    own_spans.span_exporter.clear()
    await both(RETRIEVALS["words"])
    assert [span.name for span in own_spans.spans()] == ["retrieval articles"] * 2
    own_spans.span_exporter.clear()
    await both(OTHERS["a term"])
    assert [span.name for span in own_spans.spans()] == ["search"] * 2
    throughline.uninstrument()
    own_spans.span_exporter.clear()
    await both(RETRIEVALS["words"])
    assert [span.name for span in own_spans.spans()] == ["search"] * 2


def test_a_retrieval_of_the_applications_own_holds_the_clients(own_spans: Telemetry) -> None:
    own_spans.instrument(content=ContentMode.SPAN_ONLY)
    with throughline.retrieval("corpus", query="why?", top_k=2) as mine:
        mine.documents = [{"id": hit["_id"]} for hit in search(RETRIEVALS["words"])["hits"]["hits"]]
        search(OTHERS["a term"])
    *inner, outer = own_spans.spans()
    assert [span.name for span in inner] == ["search", "search"]
    assert {span.parent.span_id for span in inner if span.parent} == {outer.context.span_id}
    assert outer.name == "retrieval corpus"
    assert json.loads(plain(outer.attributes)[names.RETRIEVAL_DOCUMENTS]) == [{"id": "a1"}, {"id": "a2"}]
    (duration,) = own_spans.points()[names.CLIENT_OPERATION_DURATION]
    assert duration.count == 1
    assert len(own_spans.events(names.CLIENT_INFERENCE_OPERATION_DETAILS)) == 1


def test_the_clients_attempts_show_on_the_applications_own(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(failure("unavailable", 503), lambda: reply(found(MOON))), retries=1)
    with throughline.retrieval("corpus"):
        api.search(index="a", query=WORDS)
    (event,) = telemetry.span().events
    assert (event.attributes or {})[names.HTTP_RESPONSE_STATUS_CODE] == 503


def test_after_one_by_hand_the_client_records_again(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(elasticsearch.ApiError), throughline.retrieval("corpus"):
        client(lambda _: failure("unavailable", 503)()).search(index="a", query=WORDS)
    search(RETRIEVALS["words"])
    assert [span.name for span in telemetry.spans()] == ["retrieval corpus", "retrieval articles"]


def test_the_applications_span_is_the_parent(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with telemetry.tracer_provider.get_tracer("app").start_as_current_span("answer") as span:
        search(RETRIEVALS["vectors"])
        assert trace.get_current_span() is span
    retrieval, _ = telemetry.spans()
    assert retrieval.parent is not None
    assert retrieval.parent.span_id == span.get_span_context().span_id


def test_the_reply_is_the_clients_own(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    answer = client(lambda _: reply(found(MOON, SUN))).search(**TEXT_QUERY.request)
    assert type(answer) is ObjectApiResponse
    assert (answer.meta.status, answer.body) == (200, found(MOON, SUN))
    assert json.loads(telemetry.attributes()[names.RETRIEVAL_DOCUMENTS]) == DOCUMENTS
