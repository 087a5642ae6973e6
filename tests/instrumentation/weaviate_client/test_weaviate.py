"""What only Weaviate has: what ranks nothing, other searches, groups, kinds of properties, generation, retries."""

from __future__ import annotations

import inspect
import json
import struct
from typing import Any

import grpc
import pytest
import throughline
from instrumentation.scenarios import answering
from instrumentation.telemetry import Telemetry
from instrumentation.weaviate_client.exchanges import NAMES, NEAR, VECTOR, near, result
from instrumentation.weaviate_client.wire import RefusedError, client, failure, reply
from opentelemetry.trace import SpanKind
from throughline import ContentMode, names
from weaviate.classes.query import Filter, GroupBy, Move, Sort
from weaviate.connect.v4 import ConnectionAsync, ConnectionSync
from weaviate.proto.v1 import search_get_pb2

CANARY = "a secret that nobody may read"
PICTURE = "aGVsbG8gd29ybGQ="

RETRIEVALS: dict[str, tuple[str, dict[str, Any]]] = {
    "a text": ("near_text", {"query": CANARY}),
    "several texts": ("near_text", {"query": [CANARY, CANARY], "move_to": Move(force=0.5, concepts=["sea"])}),
    "a vector": ("near_vector", {"near_vector": VECTOR}),
    "named vectors": ("near_vector", {"near_vector": {"a": VECTOR, "b": VECTOR}, "target_vector": ["a", "b"]}),
    "an object": ("near_object", {"near_object": NAMES[0]}),
    "a picture": ("near_image", {"near_image": PICTURE}),
    "words": ("bm25", {"query": CANARY}),
    "both": ("hybrid", {"query": CANARY}),
    "both, with a vector": ("hybrid", {"query": CANARY, "vector": VECTOR, "filters": Filter.by_property("a").equal(1)}),
    "a vector alone": ("hybrid", {"query": None, "vector": VECTOR}),
}


def found(*results: dict[str, Any]) -> Any:
    return lambda _request: reply({"results": list(results)})


@pytest.mark.parametrize("name", list(RETRIEVALS))
def test_what_ranks_objects_is_a_retrieval(telemetry: Telemetry, name: str) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    method, arguments = RETRIEVALS[name]
    getattr(client(found(*NEAR)).query, method)(**arguments, limit=3)
    attributes = telemetry.attributes()
    assert (attributes[names.DATA_SOURCE_ID], attributes[names.RETRIEVAL_TOP_K]) == ("Articles", 3)
    assert (attributes.get(names.RETRIEVAL_QUERY_TEXT) == CANARY) is (CANARY in str(arguments))
    assert (telemetry.span().name, telemetry.span().kind) == ("retrieval Articles", SpanKind.CLIENT)
    assert PICTURE not in telemetry.everything()


def test_what_only_looks_up_is_left_alone(telemetry: Telemetry) -> None:
    telemetry.instrument()
    api = client(found(*NEAR)).query
    api.fetch_objects(limit=2, filters=Filter.by_property("title").equal("Tides"))
    api.fetch_objects(sort=Sort.by_property("title"))
    api.fetch_objects_by_ids([NAMES[0]])
    api.bm25(query=None, limit=2)
    assert not telemetry.spans()
    assert not telemetry.points()


def test_how_many_it_wants_is_only_told_where_the_caller_told_it(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(found(*NEAR)).query.near_text("tides")
    assert names.RETRIEVAL_TOP_K not in telemetry.attributes()


def documents(telemetry: Telemetry) -> Any:
    return json.loads(telemetry.attributes()[names.RETRIEVAL_DOCUMENTS])


def test_groups_are_recorded_as_their_objects(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    groups = [{"name": "Tides", "numberOfObjects": 2, "objects": NEAR}]
    group = GroupBy(prop="title", number_of_groups=1, objects_per_group=2)
    answer = client(lambda _: reply({"groupByResults": groups})).query.near_text("tides", group_by=group)
    assert len(answer.objects) == 2
    assert [document["id"] for document in documents(telemetry)] == [str(name) for name in NAMES]


def test_properties_of_every_kind_are_read(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    inner = {"fields": {"name": {"textValue": "Kepler"}}}
    fields = {
        "text": {"textValue": "a"}, "whole": {"intValue": 3}, "real": {"numberValue": 0.5}, "yes": {"boolValue": True},
        "day": {"dateValue": "2026-01-01T00:00:00Z"}, "key": {"uuidValue": str(NAMES[0])}, "none": {"nullValue": None},
        "file": {"blobValue": PICTURE}, "place": {"geoValue": {"latitude": 35.0, "longitude": 139.0}},
        "phone": {"phoneValue": {"input": "112"}}, "author": {"objectValue": inner},
        "tags": {"listValue": {"textValues": {"values": ["sea", "moon"]}}}, "empty": {"listValue": {}},
        "authors": {"listValue": {"objectValues": {"values": [inner]}}},
    }  # fmt: skip
    answer = reply({"results": [{"properties": {"nonRefProps": {"fields": fields}}, "metadata": {}}]})
    lists = answer.results[0].properties.non_ref_props.fields
    lists["years"].list_value.int_values.values = struct.pack("<2q", 2025, 2026)
    lists["parts"].list_value.number_values.values = struct.pack("<2d", 0.25, 0.75)
    lists["vector"].list_value.number_values.values = struct.pack("<16d", *VECTOR)
    client(lambda _: answer).query._connection.grpc_search(_request())
    (document,) = documents(telemetry)
    assert document == {
        "content": {
            "text": "a", "whole": 3, "real": 0.5, "yes": True, "day": "2026-01-01T00:00:00Z", "key": str(NAMES[0]),
            "place": {"latitude": 35.0, "longitude": 139.0}, "phone": "112", "author": {"name": "Kepler"},
            "tags": ["sea", "moon"], "authors": [{"name": "Kepler"}], "years": [2025, 2026], "parts": [0.25, 0.75],
        }
    }  # fmt: skip


def _request() -> Any:
    """The message of a search."""
    request = search_get_pb2.SearchRequest(collection="Articles")
    request.near_text.query.append("tides")
    return request


def test_a_generation_over_what_was_found_is_a_retrieval_too(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_ONLY)
    answer = {"results": NEAR, "generativeGroupedResult": CANARY}
    api = client(lambda _: reply(answer)).generate
    assert api.near_text("tides", grouped_task="Say it.", limit=2).generated == CANARY
    assert len(documents(telemetry)) == 2
    assert CANARY not in telemetry.everything()


def test_without_content_no_word_of_query_or_object_is_exported(telemetry: Telemetry) -> None:
    telemetry.instrument()
    client(found(result(0, CANARY))).query.near_text(CANARY)
    with pytest.raises(Exception, match="no"):
        client(answering(failure(grpc.StatusCode.INVALID_ARGUMENT))).query.bm25(CANARY)
    assert len(telemetry.spans()) == 2
    assert CANARY not in telemetry.everything()


def test_no_vector_is_exported_even_with_content(telemetry: Telemetry) -> None:
    telemetry.instrument(content=ContentMode.SPAN_AND_EVENT)
    answer = reply({"results": [near(0, 0.5, "The moon pulls.")]})
    answer.results[0].metadata.vector_bytes = struct.pack("<16f", *VECTOR)
    objects = client(lambda _: answer).query.near_vector(VECTOR, include_vector=True).objects
    assert objects[0].vector == {"default": VECTOR}
    assert "1.875" not in telemetry.everything()


@pytest.mark.parametrize("asynchronous", [False, True])
async def test_what_is_tried_again_is_one_retrieval(telemetry: Telemetry, asynchronous: bool) -> None:
    telemetry.instrument()
    unavailable = RefusedError(grpc.StatusCode.UNAVAILABLE)
    api = client(answering(unavailable, unavailable, found(*NEAR)(None)), asynchronous=asynchronous)
    answer = api.query.near_text("tides")
    assert len((await answer if asynchronous else answer).objects) == 2
    assert telemetry.attributes()[names.END_REASON] == "completed"


def test_a_retrieval_of_the_applications_own_holds_the_clients(telemetry: Telemetry) -> None:
    telemetry.instrument()
    with throughline.retrieval("corpus"):
        client(found(*NEAR)).query.near_text("tides")
    assert telemetry.span().name == "retrieval corpus"


def test_it_stays_a_coroutine_function(telemetry: Telemetry) -> None:
    telemetry.instrument()
    assert inspect.iscoroutinefunction(ConnectionAsync.grpc_search)
    assert not inspect.iscoroutinefunction(ConnectionSync.grpc_search)
