"""Weaviate's client, sync and async, its collections: the searches that rank objects. Nothing that only looks them up.

Recorded as retrievals are `near_text`, `near_vector`, `near_object`, `near_image`, `near_media`, `bm25` and `hybrid`,
of `query` and `generate`; what `generate` makes Weaviate ask a model for is none of it. `fetch_objects`, aggregations
and the client of the old generation rank nothing, or are none of this.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from throughline.adapter import Adapter, Call, Patch, Reader, Route
from throughline.adapters.retrieved import document
from throughline.operation import Operation

_SEARCHES = {"hybrid_search", "bm25_search"}  # beside all that is called `near_…`
_PACKED = {"number_values": "d", "int_values": "q"}  # lists sent as bytes: what each item is


class Retrieval(Reader):
    """Every search that ranks objects, as its messages by gRPC. Distances and scores are there where they were asked
    for; the smaller a distance, the nearer."""

    operation = "retrieval"

    def request(self, op: Operation, body: Any) -> None:
        op.data_source, op.retrieval_top_k = body.collection or None, body.limit or None

    def request_content(self, op: Operation, body: Any) -> None:
        texts = [*body.near_text.query, body.hybrid_search.query, body.bm25_search.query]
        op.query = "\n".join(dict.fromkeys(filter(None, texts))) or None

    def scores(self, body: Any) -> list[float | None]:
        return [result.metadata.score if result.metadata.score_present else None for result in _found(body)]

    def response_content(self, op: Operation, body: Any) -> None:
        op.documents = [_document(result) for result in _found(body)]


def _found(body: Any) -> Iterable[Any]:
    return body.results or [result for group in body.group_by_results for result in group.objects]


def _document(result: Any) -> dict[str, Any]:
    known, own = result.metadata, dict(_properties(result.properties.non_ref_props))
    name = UUID(bytes=known.id_as_bytes) if known.id_as_bytes else known.id or None
    found = document(name, known.score if known.score_present else None, own)
    return {**found, "distance": known.distance} if known.distance_present else found


def _properties(properties: Any) -> Iterator[tuple[str, Any]]:
    for name, value in properties.fields.items():
        if (read := _value(value)) is not None:
            yield name, read


def _value(value: Any) -> Any:
    """One property, without files in it, which are sent as text."""
    match value.WhichOneof("kind"):
        case None | "blob_value" | "null_value":
            return None
        case "object_value":
            return dict(_properties(value.object_value))
        case "list_value":
            return _list(value.list_value)
        case "geo_value":
            return {"latitude": value.geo_value.latitude, "longitude": value.geo_value.longitude}
        case "phone_value":
            return value.phone_value.input
        case kind:
            return getattr(value, kind)


def _list(several: Any) -> list[Any] | None:
    kind = several.WhichOneof("kind")
    values = getattr(several, kind).values if kind else None
    if isinstance(values, bytes):
        return [number for (number,) in struct.iter_unpack(f"<{_PACKED[kind]}", values)]
    if values is None or kind != "object_values":
        return None if values is None else list(values)
    return [dict(_properties(inner)) for inner in values]


class Weaviate(Adapter):
    """Every search is one message by gRPC, which the connection sends."""

    patches = (
        Patch("weaviate.connect.v4:ConnectionSync.grpc_search"),
        Patch("weaviate.connect.v4:ConnectionAsync.grpc_search"),
    )
    reader = Retrieval()

    def route(self, call: Call) -> Route | None:
        request = call.named("request")["request"]
        asked: Mapping[Any, Any] = {field.name: value for field, value in request.ListFields()}
        if not any(name.startswith("near_") for name in asked) and _SEARCHES.isdisjoint(asked):
            return None
        server = call.instance._connection_params.grpc
        return Route(self.reader, request, None, server.host, server.port)
