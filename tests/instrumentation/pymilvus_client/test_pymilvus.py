"""What only Milvus has: several queries in one, vectors of numpy, futures, retries, what older versions differ in."""

from __future__ import annotations

import inspect
import json
from typing import Any

import grpc
import numpy
import pytest
import throughline
from instrumentation.pymilvus_client.exchanges import MOON, SUN, VECTOR, answered
from instrumentation.pymilvus_client.wire import RefusedError, client, failure, handler_of, reply, requests
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry, plain
from opentelemetry.trace import SpanKind
from pymilvus import AsyncMilvusClient, RRFRanker
from throughline import ContentMode, names

CANARY = "a secret that nobody may read"


def found(*texts: str, queries: int = 1) -> Any:
    return lambda _request: reply(answered(*texts, queries=queries))


def documents(telemetry: Telemetry) -> Any:
    return json.loads(telemetry.attributes()[names.RETRIEVAL_DOCUMENTS])


@pytest.mark.parametrize(
    "data", [[VECTOR], [numpy.array(VECTOR, dtype="float32")], numpy.array([VECTOR]), [{1: 0.5, 42: 0.25}], [CANARY]]
)
def test_whatever_it_is_near_to_a_search_is_a_retrieval(telemetry: Telemetry, data: Any) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    client(found(MOON)).search("articles", data)
    attributes = telemetry.attributes()
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.RETRIEVAL_TOP_K]) == ("articles", 10)
    assert (attributes.get(names.RETRIEVAL_QUERY_TEXT) == CANARY) is (CANARY in str(data))
    assert (telemetry.span().name, telemetry.span().kind) == ("retrieval articles", SpanKind.CLIENT)


async def test_asked_by_position_it_is_the_same(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    await client(found(MOON), asynchronous=True).search("articles", [CANARY], "", 3)
    attributes = telemetry.attributes()
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.RETRIEVAL_TOP_K]) == (CANARY, 3)


def test_a_login_in_its_address_is_not_told(telemetry: Telemetry) -> None:
    telemetry.instrument()
    handler = handler_of(found(MOON))
    handler._address = f"root:hunter2@{handler._address}"
    handler.search(collection_name="articles", data=[VECTOR], anns_field="vector", param={}, limit=4)
    host, _, port = handler._address.rpartition("@")[2].rpartition(":")
    attributes = telemetry.attributes()
    assert (attributes[names.SERVER_ADDRESS], attributes[names.SERVER_PORT]) == (host, int(port))
    assert "hunter2" not in telemetry.everything()


def test_so_it_is_the_way_that_older_collections_ask(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    handler = handler_of(found(MOON))
    names_of_arguments = list(inspect.signature(type(handler).search).parameters)[2:6]
    given = {"data": [CANARY], "anns_field": "text", "param": {}, "limit": 4}
    handler.search("articles", *(given[name] for name in names_of_arguments if name in given), **{
        name: value for name, value in given.items() if name not in names_of_arguments
    })  # fmt: skip
    attributes = telemetry.attributes()
    assert (attributes[names.RETRIEVAL_QUERY_TEXT], attributes[names.RETRIEVAL_TOP_K]) == (CANARY, 4)


def test_several_queries_are_one_retrieval(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    answer = client(found(MOON, SUN, queries=2)).search("articles", ["What makes tides?", "Spring tide"], limit=2)
    assert [len(hits) for hits in answer] == [2, 2]
    assert telemetry.attributes()[names.RETRIEVAL_QUERY_TEXT] == "What makes tides?\nSpring tide"
    assert [document["id"] for document in documents(telemetry)] == ["7", "8", "9", "10"]


def test_what_only_looks_up_is_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with pytest.raises(Exception, match="NoneType"):  # the channel from memory knows only searches
        client(found()).query("articles", filter="id > 3")
    assert not telemetry.spans()


def test_a_search_that_gives_a_future_is_left_to_the_client(telemetry: Telemetry) -> None:
    telemetry.instrument()
    handler_of(found(MOON)).search(
        collection_name="articles", data=[VECTOR], anns_field="", param={}, limit=2, _async=True
    )
    assert not telemetry.spans()


def test_without_content_no_word_of_query_or_entity_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(found(CANARY)).search("articles", [CANARY])
    client(found(CANARY)).hybrid_search("articles", requests([CANARY, VECTOR]), RRFRanker())
    with pytest.raises(Exception, match="no"):
        client(answering(failure(1100))).search("articles", [CANARY])
    assert len(telemetry.spans()) == 3
    assert CANARY not in telemetry.everything()


def test_without_content_a_reply_stays_as_lazy_as_it_was(telemetry: Telemetry) -> None:
    telemetry.instrument()
    (hits,) = client(found(MOON)).search("articles", [VECTOR])
    assert getattr(hits, "has_materialized", False) is False
    assert hits[0]["entity"] == {"text": MOON, "title": "Tides"}


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    answer = answered(MOON)
    vectors = {"dim": "16", "floatVector": {"data": VECTOR}}
    answer["results"]["fieldsData"].append({"type": "FloatVector", "fieldName": "vector", "vectors": vectors})
    (hits,) = client(lambda _: reply(answer)).search("articles", [VECTOR])
    assert hits[0]["entity"]["vector"] == VECTOR
    assert documents(telemetry) == [{"id": "7", "distance": 0.875, "content": {"text": MOON, "title": "Tides"}}]
    assert "1.875" not in telemetry.everything()


def test_each_attempt_that_failed_is_told(telemetry: Telemetry) -> None:
    telemetry.instrument()
    busy = reply({"status": {"code": 8, "errorCode": "RateLimit", "reason": "no"}})
    api = client(answering(RefusedError(grpc.StatusCode.UNAVAILABLE), busy, found(MOON)(None)))
    api.search("articles", [VECTOR])
    events = [plain(event.attributes or {}) for event in telemetry.span().events]
    assert [event[names.ERROR_TYPE] for event in events] == ["RefusedError", "MilvusException"]
    assert telemetry.attributes()[names.ATTEMPT_COUNT] == 3


def test_so_is_it_where_it_gives_up(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(answering(RefusedError(grpc.StatusCode.UNAVAILABLE)))
    with pytest.raises(Exception, match="run out of 2"):
        api.search("articles", [VECTOR], retry_times=2)
    attributes = telemetry.attributes()
    assert (attributes[names.ATTEMPT_COUNT], attributes[names.ERROR_TYPE]) == (3, "MilvusException")


def test_a_retrieval_of_the_applications_own_holds_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        client(found(MOON)).search("articles", [VECTOR])
    assert telemetry.span().name == "retrieval corpus"


def test_it_stays_a_coroutine_function(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert inspect.iscoroutinefunction(AsyncMilvusClient.search)
